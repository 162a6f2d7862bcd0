import { expandExponential, expandLogarithm } from "../expand.js";
import type { Block, Kernel } from "../operation.js";
import type { ResultType } from "../thread/protocol.js";
import type { ElementType } from "../type.js";
import {
  asIntrinsic,
  expandExtreme,
  lowerCompare,
  lowerDivision,
  lowerInstruction,
  lowerNegation,
  lowerSelect,
  lowerShift,
  lowerSubtraction,
} from "./ir-arithmetic.js";
import { lowerCast, lowerFloatToInteger, lowerIndexCast } from "./ir-cast.js";
import { lowerFor, lowerIf } from "./ir-control.js";
import {
  lowerBroadcast,
  lowerCreateMask,
  lowerExtract,
  lowerInsert,
  lowerReduction,
  lowerShuffle,
} from "./ir-lanes.js";
import { lowerMemory } from "./ir-memory.js";
import {
  emit,
  type IrLowering,
  type IrWriter,
  irType,
  line,
  nameOf,
  replace,
  typed,
  unsupported,
} from "./ir-writer.js";

const nothing: IrLowering = () => {};

function all(prefix: string, names: string, lowering: IrLowering): [string, IrLowering][] {
  return names.split(" ").map((name) => [prefix + name, lowering]);
}

/** How each operation of the language is written. */
const lowerings = new Map<string, IrLowering>([
  // A constant is written where it is used; a block's terminator is read by the loop or branch around it.
  ["arith.constant", nothing],
  ["scf.yield", nothing],
  ["scf.for", lowerFor],
  ["scf.if", lowerIf],
  ...all("memref.", "load store", lowerMemory),
  ...all("vector.", "load store maskedload maskedstore gather", lowerMemory),
  ["vector.broadcast", lowerBroadcast],
  ["vector.shuffle", lowerShuffle],
  ["vector.extract", lowerExtract],
  ["vector.insert", lowerInsert],
  ["vector.reduction", lowerReduction],
  ["vector.create_mask", lowerCreateMask],
  ["vector.bitcast", lowerCast],
  ...all("arith.", "extsi extui trunci sitofp uitofp extf truncf bitcast", lowerCast),
  ...all("arith.", "fptosi fptoui", lowerFloatToInteger),
  ["arith.index_cast", lowerIndexCast],
  ...all("arith.", "addi muli andi ori xori addf subf mulf divf", lowerInstruction),
  ["arith.subi", lowerSubtraction],
  ...all("arith.", "divsi divui remsi remui", lowerDivision),
  ...all("arith.", "shli shrsi shrui", lowerShift),
  ...all("arith.", "cmpi cmpf", lowerCompare),
  ["arith.select", lowerSelect],
  ["arith.negf", lowerNegation],
  ["arith.minsi", asIntrinsic("smin")],
  ["arith.maxsi", asIntrinsic("smax")],
  ["arith.minui", asIntrinsic("umin")],
  ["arith.maxui", asIntrinsic("umax")],
  ["arith.minimumf", (w, operation) => replace(w, operation, expandExtreme)],
  ["arith.maximumf", (w, operation) => replace(w, operation, expandExtreme)],
  ["llvm.intr.sadd.sat", asIntrinsic("sadd.sat")],
  ["llvm.intr.uadd.sat", asIntrinsic("uadd.sat")],
  ["llvm.intr.ssub.sat", asIntrinsic("ssub.sat")],
  ["llvm.intr.usub.sat", asIntrinsic("usub.sat")],
  // The least number stays itself.
  ["math.absi", asIntrinsic("abs", "i1 false")],
  ["math.ctpop", asIntrinsic("ctpop")],
  ["math.absf", asIntrinsic("fabs")],
  ["math.sqrt", asIntrinsic("sqrt")],
  ["math.floor", asIntrinsic("floor")],
  ["math.ceil", asIntrinsic("ceil")],
  ["math.trunc", asIntrinsic("trunc")],
  ["math.roundeven", asIntrinsic("roundeven")],
  // One rounding where the machine has an instruction for it, else a product and a sum.
  ["math.fma", asIntrinsic("fmuladd")],
  ["math.exp", (w, operation) => replace(w, operation, expandExponential)],
  ["math.log", (w, operation) => replace(w, operation, expandLogarithm)],
]);

/** The operations that this target lowers, under their MLIR names. */
export const llvmOperations: readonly string[] = [...lowerings.keys()];

function lowerBlock(w: IrWriter, block: Block): void {
  for (const operation of block.operations) {
    const lowering = lowerings.get(operation.name);
    if (!lowering) throw unsupported(`no lowering for ${operation.name}`);
    lowering(w, operation);
  }
}

/**
 * The kernel as a module of LLVM's intermediate representation. Its one function takes the address of the memory, then
 * what the kernel takes: buffers as byte offsets of 32 bits, integers and indices in 32 bits, floats as they are. An
 * integer result is returned in 32 bits.
 * @param symbol what the function is called
 * @param options.contract whether a product and a sum may be fused, with one rounding for two
 * @throws NeuroranError `KERNEL_UNSUPPORTED` for operations that this target does not know.
 */
export function printLlvm(kernel: Kernel, symbol: string, options: { contract?: boolean } = {}): string {
  const w: IrWriter = {
    lines: [],
    names: new Map(),
    declarations: new Map(),
    block: "entry",
    count: 0,
    lowerBlock,
    contract: options.contract ?? false,
  };
  const parameters = kernel.arguments.map((a) => {
    if (a.kind === "buffer") {
      const { name } = a.buffer;
      line(w, `%${name}.wide = zext i32 %${name}.offset to i64`);
      line(w, `%${name} = getelementptr inbounds i8, ptr %.memory, i64 %${name}.wide`);
      return `i32 %${name}.offset`;
    }
    const { element } = a.value.type;
    w.names.set(a.value, `%${a.name}`);
    if (element === "f32" || element === "f64" || element === "i32")
      return `${irType(a.value.type)} %${a.name}`;
    const instruction = element === "index" ? "sext" : "trunc";
    line(w, `%${a.name} = ${instruction} i32 %${a.name}.given to ${irType(a.value.type)}`);
    return `i32 %${a.name}.given`;
  });
  lowerBlock(w, kernel.body);
  const result = writeReturn(w, kernel);
  return [
    `define ${result} @${symbol}(${["ptr %.memory", ...parameters].join(", ")}) nounwind {`,
    "entry:",
    ...w.lines,
    "}",
    ...w.declarations.values(),
    "",
  ].join("\n");
}

/** What the function that {@link printLlvm} writes returns, as C has it. */
export function resultType({ result }: Kernel): ResultType {
  return result ? scalarType(result.type.element) : "void";
}

/** How C passes a number of this type to the function, or gets it back. */
export function scalarType(element: ElementType): Exclude<ResultType, "void"> {
  return element === "f32" ? "float" : element === "f64" ? "double" : "int32_t";
}

/** Ends the function and returns the type of what it returns. */
function writeReturn(w: IrWriter, { result }: Kernel): string {
  if (!result) {
    line(w, "ret void");
    return "void";
  }
  const { element } = result.type;
  if (element === "f32" || element === "f64" || element === "i32") {
    line(w, `ret ${typed(w, result)}`);
    return irType(result.type);
  }
  const instruction = element === "index" ? "trunc" : element === "i1" ? "zext" : "sext";
  line(w, `ret i32 ${emit(w, `${instruction} ${irType(result.type)} ${nameOf(w, result)} to i32`)}`);
  return "i32";
}
