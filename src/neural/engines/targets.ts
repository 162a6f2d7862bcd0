import { InputError } from "../../errors.js";
import type { Engine } from "./engine.js";
import { jitEngine } from "./jit/engine.js";
import { onnxruntime } from "./onnxruntime/engine.js";

/** What a model can be made ready for: ONNX Runtime, or one of the compiler's targets. */
export type NeuralTarget = "onnxruntime" | "llvm" | "wasm";

const engines: Readonly<Record<NeuralTarget, Engine>> = {
  onnxruntime,
  llvm: jitEngine("llvm"),
  wasm: jitEngine("wasm"),
};

export const neuralTargets = Object.keys(engines) as readonly NeuralTarget[];

/** @throws InputError where there is no such target */
export function engineFor(target: NeuralTarget): Engine {
  if (!Object.hasOwn(engines, target))
    throw new InputError("target", target, `give one of ${neuralTargets.join(", ")}`);
  return engines[target];
}
