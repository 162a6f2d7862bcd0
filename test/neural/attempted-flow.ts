/** A flow whose one function is y = 2·x + 1, by arithmetic or by networks of several tempers, and says by whom. */
import { openTarget } from "../../src/compiler/index.js";
import {
  createFlowInstance,
  dataflow,
  defineFunction,
  type FlowFactory,
  float32,
  int32,
  type SlotDeadline,
} from "../../src/functions/index.js";
import type { EngineName } from "../../src/neural/engines/engine.js";
import { ints, type OnnxModel, onnxModel } from "../../src/neural/graph/graph.js";
import { float32Tensor, tensor } from "../../src/neural/graph/tensor.js";
import { networkBuilder } from "../../src/neural/network/builder.js";
import { openSlotNetwork } from "../../src/neural/slot/index.js";

export const byFallback = 1;
export const byNetwork = 2;

export interface AttemptedOptions {
  readonly deadline?: SlotDeadline;
}

/** y = weight·x + 1; with `waste`, behind so many convolutions of 5 billion operations each whose result counts for nothing. */
export function line(weight: number, waste = 0): OnnxModel {
  const network = networkBuilder("line");
  const x = network.input("x", "float32", ["n", 1]);
  const factor = network.constant(float32Tensor([weight], [1, 1]));
  let y = network.add("Gemm", [x, factor, network.constant([1])]);
  if (waste > 0) {
    const side = 128;
    const first = network.add("ReduceMean", [x], { keepdims: { kind: "int", value: 1 } });
    let image = network.add("Add", [
      network.constant(tensor("float32", [1, 64, side, side])),
      network.add("Reshape", [
        first,
        network.constant(tensor("int64", [4], BigInt64Array.of(1n, 1n, 1n, 1n))),
      ]),
    ]);
    const kernels = network.constant(tensor("float32", [64, 64, 3, 3]));
    for (let n = 0; n < waste; n++)
      image = network.add("Conv", [image, kernels], { pads: ints([1, 1, 1, 1]) });
    y = network.add("Add", [y, network.add("ReduceMean", [image], { keepdims: { kind: "int", value: 0 } })]);
  }
  network.output("y", y, ["n", 1]);
  return onnxModel(network.graph());
}

interface Choice {
  readonly network: OnnxModel;
  readonly engine: EngineName;
}

export const affine = defineFunction({
  name: "affine",
  inputs: { x: float32("n") },
  outputs: { y: float32("n"), by: int32("one") },
  neural: {
    fallback: "plain",
    attempt(model, context) {
      const { network, engine } = model as Choice;
      const { run, inputs, outputs } = openSlotNetwork(
        network,
        { engine, dimensions: { n: context.dimensions.n } },
        context,
      );
      const [from, x] = [context.inputs.x.view, inputs.x!.data as Float32Array];
      const [to, y] = [context.outputs.y.view, outputs.y!.data as Float32Array];
      const by = context.outputs.by.view;
      return (answerBy) => {
        x.set(from);
        const outcome = run(answerBy);
        if (outcome === "done") {
          to.set(y);
          by[0] = byNetwork;
        }
        return outcome;
      };
    },
  },
});

affine.implement("plain", {
  kind: "model",
  prepare({ inputs, outputs }) {
    const [x, y, by] = [inputs.x.view, outputs.y.view, outputs.by.view];
    return () => {
      for (let i = 0; i < x.length; i++) y[i] = 2 * x[i]! + 1;
      by[0] = byFallback;
    };
  },
});

const choice = (network: OnnxModel, engine: EngineName = "onnxruntime"): Choice => ({ network, engine });
affine.implement("quick", { kind: "neural", model: choice(line(2)) });
affine.implement("kernel", { kind: "neural", model: choice(line(2), "jit") });
affine.implement("slow", { kind: "neural", model: choice(line(2, 8)) });
affine.implement("broken", { kind: "neural", model: choice(line(Number.NaN)) });
affine.implement("broken kernel", { kind: "neural", model: choice(line(Number.NaN), "jit") });

export const attemptedFlow = dataflow("attempted", { inputs: { x: float32("n") } }, ({ x }) => affine({ x }));

export const createAttempted: FlowFactory = ({ arena, options, implementations }) => {
  const { deadline } = options as AttemptedOptions;
  return createFlowInstance(attemptedFlow, { arena, target: openTarget(), implementations, deadline });
};
