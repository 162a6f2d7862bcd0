/**
 * How fast are small dense networks on the engines?
 *
 *     npm run build && node dist/bench/neural-engines.js [--seconds 1] [--seed 1] [--json]
 *
 * A demapper of 2-16-4 and one of 2-32-32-4, with Relu, over a batch of 64 and over the 39,312 resource elements of a wide
 * slot: ONNX Runtime beside the compiler's targets, in one run on one core, from inputs in memory to outputs in memory. Not
 * measured: loading and compiling, other threads, and inputs that the caches have lost in between.
 */
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import {
  benchmarkNeural,
  fasterThanOnnxRuntime,
  type NeuralMeasurement,
} from "../src/cli/benchmarks/neural.js";
import { fixed, printJson, table } from "../src/cli/format.js";
import { describeMachine, machineLine } from "../src/cli/machine.js";
import { availableTargets } from "../src/compiler/index.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write("--seconds takes a number above 0, --seed a whole number\n");
  process.exit(2);
}

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
const machine = describeMachine();
const measured: NeuralMeasurement[] = [];
for await (const one of benchmarkNeural(availableTargets(), seconds, seed)) {
  measured.push(one);
  if (values.json)
    printJson({
      ...one,
      fasterThanOnnxRuntime: fasterThanOnnxRuntime(one, measured),
      machine,
      seed,
      version,
    });
}
if (!values.json) {
  process.stdout.write(`${machineLine(machine)}; ONNX Runtime ${version}; seed ${seed}\n`);
  process.stdout.write(
    table(
      [
        { title: "Network", align: "left" },
        { title: "Engine", align: "left" },
        { title: "µs least", align: "right" },
        { title: "p50", align: "right" },
        { title: "p90", align: "right" },
        { title: "p99", align: "right" },
        { title: "GFLOP/s", align: "right" },
        { title: "× ONNX Runtime", align: "right" },
        { title: "calls", align: "right" },
      ],
      measured.map((one) => [
        one.case,
        one.engine === "jit" ? `jit ${one.target}` : one.engine,
        ...[one.least, one.p50, one.p90, one.p99].map((time) => fixed(1000 * time, 2)),
        fixed(one.operations / one.p50 / 1e6, 1),
        fixed(fasterThanOnnxRuntime(one, measured), 1),
        String(one.n),
      ]),
    ),
  );
}
if (measured.some(({ correct }) => !correct)) {
  process.stderr.write("an engine did not compute what the network says\n");
  process.exitCode = 1;
}
process.exit();
