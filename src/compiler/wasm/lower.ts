import { expandExponential, expandLogarithm } from "../expand.js";
import type { Block, Kernel, Operation, Value } from "../operation.js";
import { type Bytes, emptyBytes } from "./bytes.js";
import type { WasmType } from "./encoder.js";
import {
  extendTop,
  type FunctionWriter,
  type Lowering,
  push,
  replace,
  unsupported,
  wasmScalar,
} from "./function-writer.js";
import { lowerBinary, lowerMultiplyAdd, lowerPopulationCount, lowerUnary } from "./lower-arithmetic.js";
import { lowerCast } from "./lower-cast.js";
import { lowerFor, lowerIf } from "./lower-control.js";
import { lowerBroadcast, lowerCreateMask, lowerExtract, lowerInsert, lowerShuffle } from "./lower-lanes.js";
import { lowerMemory, lowerSplatLoad } from "./lower-memory.js";
import { lowerReduction } from "./lower-reduction.js";
import { lowerCompare, lowerSelect } from "./lower-selection.js";

/** What V8 and other engines take at most. */
const mostLocals = 50_000;

/** The WebAssembly function that a kernel becomes. */
export interface LoweredFunction {
  readonly parameters: readonly WasmType[];
  readonly result: WasmType | undefined;
  /** Types of the locals beyond the parameters. */
  readonly locals: readonly WasmType[];
  /** The body without its final `end`. */
  readonly code: Bytes;
}

const nothing: Lowering = () => {};

function all(prefix: string, names: string, lowering: Lowering): [string, Lowering][] {
  return names.split(" ").map((name) => [prefix + name, lowering]);
}

/** How each operation of the language is lowered. */
const lowerings = new Map<string, Lowering>([
  // A constant is pushed where it is used; a block's terminator is read by the loop or branch around it.
  ["arith.constant", nothing],
  ["scf.yield", nothing],
  ["scf.for", lowerFor],
  ["scf.if", lowerIf],
  ...all("memref.", "load store", lowerMemory),
  ...all("vector.", "load store maskedload maskedstore gather", lowerMemory),
  ...all("arith.", "cmpi cmpf", lowerCompare),
  ["arith.select", lowerSelect],
  ["vector.broadcast", lowerBroadcast],
  ["vector.shuffle", lowerShuffle],
  ["vector.extract", lowerExtract],
  ["vector.insert", lowerInsert],
  ["vector.reduction", lowerReduction],
  ["vector.create_mask", lowerCreateMask],
  ["vector.bitcast", lowerCast],
  ...all(
    "arith.",
    "extsi extui trunci sitofp uitofp fptosi fptoui extf truncf bitcast index_cast",
    lowerCast,
  ),
  ...all("arith.", "addi subi muli divsi divui remsi remui andi ori xori shli shrsi shrui", lowerBinary),
  ...all("arith.", "minsi maxsi minui maxui addf subf mulf divf minimumf maximumf", lowerBinary),
  ...all("llvm.intr.", "sadd.sat uadd.sat ssub.sat usub.sat", lowerBinary),
  ["arith.negf", lowerUnary],
  ...all("math.", "absi absf sqrt floor ceil trunc roundeven", lowerUnary),
  ["math.ctpop", lowerPopulationCount],
  ["math.fma", lowerMultiplyAdd],
  ["math.exp", (w, operation) => replace(w, operation, expandExponential)],
  ["math.log", (w, operation) => replace(w, operation, expandLogarithm)],
]);

/** The operations that this target lowers, under their MLIR names. */
export const loweredOperations: readonly string[] = [...lowerings.keys()];

/**
 * Turns a kernel into the parts of a WebAssembly function.
 * @throws NeuroranError `KERNEL_UNSUPPORTED` for what WebAssembly, or this target, cannot hold.
 */
export function lowerKernel(kernel: Kernel, relaxed: boolean): LoweredFunction {
  const parameters: WasmType[] = [];
  const uses = new Map<Value, number>();
  countUses(kernel.body, uses);
  if (kernel.result) uses.set(kernel.result, (uses.get(kernel.result) ?? 0) + 1);
  const w: FunctionWriter = {
    code: emptyBytes(4096),
    localTypes: [],
    parameterCount: kernel.arguments.length,
    free: { i32: [], i64: [], f32: [], f64: [], v128: [] },
    taken: [],
    parts: new Map(),
    maskBytes: new Map(),
    addresses: new Map(),
    uses,
    relaxed,
    lowerBlock,
  };
  kernel.arguments.forEach((a, position) => {
    if (a.kind === "scalar") {
      parameters.push(wasmScalar(a.value.type.element));
      w.parts.set(a.value, [position]);
    } else {
      parameters.push("i32");
    }
  });
  lowerBlock(w, kernel.body);
  if (kernel.result) {
    push(w, kernel.result);
    extendTop(w, kernel.result.type.element, "signed");
  }
  if (w.localTypes.length > mostLocals) {
    throw unsupported(
      `${kernel.name} needs ${w.localTypes.length} locals, above ${mostLocals}: unroll less, so that loops end scopes`,
    );
  }
  return {
    parameters,
    result: kernel.result && wasmScalar(kernel.result.type.element),
    locals: w.localTypes,
    code: w.code,
  };
}

function lowerBlock(w: FunctionWriter, { operations }: Block): void {
  for (let k = 0; k < operations.length; k++) {
    const [operation, next] = [operations[k]!, operations[k + 1]];
    if (next !== undefined && isReadIntoAllLanes(w, operation, next)) {
      lowerSplatLoad(w, operation, next.results[0]!);
      k++;
    } else lowerOperation(w, operation);
  }
}

/** Whether an element is read for nothing but the broadcast that follows. */
function isReadIntoAllLanes(w: FunctionWriter, read: Operation, next: Operation): boolean {
  const element = read.results[0];
  return (
    read.name === "memref.load" &&
    next.name === "vector.broadcast" &&
    next.operands[0] === element &&
    w.uses.get(element!) === 1
  );
}

/** How often each value of a block, and of the blocks inside, is an operand. */
function countUses({ operations }: Block, uses: Map<Value, number>): void {
  for (const { operands, regions } of operations) {
    for (const operand of operands) uses.set(operand, (uses.get(operand) ?? 0) + 1);
    for (const region of regions) countUses(region, uses);
  }
}

function lowerOperation(w: FunctionWriter, operation: Operation): void {
  const lowering = lowerings.get(operation.name);
  if (!lowering) throw unsupported(`no lowering for ${operation.name}`);
  lowering(w, operation);
}
