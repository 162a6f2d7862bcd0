export { arith, type FloatPredicate, type IntegerPredicate, indexSum, llvm, math } from "./arith.js";
export { argument, buffer, KernelError, kernel, type Operand } from "./builder.js";
export { printMlir } from "./mlir.js";
export type { Argument, Block, Buffer, Kernel, Operation, Value } from "./operation.js";
export { scf } from "./scf.js";
export type { CompiledKernel, Target } from "./target.js";
export { byteSize, type ElementType, scalar, type Type, typeText, vectorOf } from "./type.js";
export { memref, type Reduction, treeReduce, vector } from "./vector.js";
export { encodeWasm, relaxedSimdAvailable, wasmTarget } from "./wasm/target.js";
