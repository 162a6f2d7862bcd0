export { arith, type FloatPredicate, type IntegerPredicate, indexSum, llvm, math } from "./arith.js";
export { argument, buffer, KernelError, kernel, type Operand } from "./builder.js";
export { type CodeCache, openCodeCache } from "./code-cache.js";
export { type CountingTarget, countingTarget } from "./counting-target.js";
export { printLlvm } from "./llvm/ir-text.js";
export { llvmTarget } from "./llvm/target.js";
export { printMlir } from "./mlir.js";
export type { Argument, Block, Buffer, Kernel, Operation, OriginatedKernel, Value } from "./operation.js";
export { type KernelOrigin, kernelBuilder } from "./origin.js";
export { scf } from "./scf.js";
export {
  type CompilationCounts,
  type CompiledKernel,
  floatLanes,
  type PendingKernel,
  type Target,
} from "./target.js";
export { availableTargets, openTarget, type TargetName, targetNames, targetProblem } from "./targets.js";
export { connectionForThread, useConnection } from "./thread/connection.js";
export type { ConnectionEnd } from "./thread/protocol.js";
export { byteSize, type ElementType, scalar, type Type, typeText, vectorOf } from "./type.js";
export { memref, type Reduction, treeReduce, vector } from "./vector.js";
export { encodeWasm, relaxedSimdAvailable, wasmTarget } from "./wasm/target.js";
