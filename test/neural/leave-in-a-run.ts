/** Ends in the middle of a network's run, in a slot thread or in the engine's own. */
import { startSlotExecutor } from "../../src/functions/index.js";
import { onnxruntime } from "../../src/neural/engines/onnxruntime/engine.js";
import { tensor } from "../../src/neural/graph/tensor.js";
import { type attemptedFlow, line } from "./attempted-flow.js";

if (process.argv[2] === "slot") {
  const executor = await startSlotExecutor<typeof attemptedFlow>({
    module: new URL("./attempted-flow.js", import.meta.url),
    factory: "createAttempted",
    options: { deadline: { time: "real", seconds: 0.005 } },
    implementations: { affine: "slow" },
    arenaBytes: 2 ** 24,
  });
  const variant = await executor.prepare({ key: "only", dimensions: { n: 1, one: 1 } });
  await executor.submit(variant);
  process.exit(7);
} else {
  const instance = await onnxruntime.instantiate(line(2, 8), { dimensions: { n: 1 } });
  void instance.run({ x: tensor("float32", [1, 1]) });
  setTimeout(() => process.exit(7), 20);
}
