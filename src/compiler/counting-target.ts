import { arith } from "./arith.js";
import { buildBlock, constant } from "./builder.js";
import type { Block, Buffer, Kernel, Operation } from "./operation.js";
import type { CompiledKernel, Target } from "./target.js";
import { scalar } from "./type.js";
import { memref } from "./vector.js";

/** A target whose kernels count the operations that they carry out. */
export interface CountingTarget extends Target {
  /** Lane operations since the last call of it. */
  take(): number;
}

/** What an exponential or a logarithm costs in plain operations, roughly: targets make them of range reduction and polynomial. */
const ELEMENTARY_OPERATIONS = 30;

const elementary = /^math\.(exp|log|tanh|sin|cos|rsqrt)/;
const uncounted = /^(arith\.(constant|bitcast|index_cast)$|memref\.|scf\.|vector\.(?!reduction))/;

/**
 * Compiles by another target kernels that count, lane by lane, additions, multiplications, comparisons and the like on
 * numbers; a fused multiplication and addition counts twice. Loads, stores, shuffles and the arithmetic of addresses do not
 * count. For reports: the code is slower, and compiled in the foreground.
 * @param memory that the kernels are compiled for
 * @param counter byte offset of eight bytes of it that are nobody else's
 */
export function countingTarget(target: Target, memory: WebAssembly.Memory, counter: number): CountingTarget {
  const word = new BigInt64Array(memory.buffer, counter, 1);
  const originals = new Map<CompiledKernel, CompiledKernel>();
  return {
    name: `${target.name} counting`,
    vectorBytes: target.vectorBytes,
    compile(kernel, over) {
      const compiled = target.compile(counted(kernel), over);
      const calling: CompiledKernel = (...arguments_) => compiled(...arguments_, counter);
      originals.set(calling, compiled);
      return calling;
    },
    release(compiled) {
      target.release?.(originals.get(compiled)!);
      originals.delete(compiled);
    },
    counts: () => target.counts(),
    countOperations(operations) {
      word[0] = word[0]! + BigInt(operations);
    },
    take() {
      const operations = Number(word[0]);
      word[0] = 0n;
      return operations;
    },
  };
}

/** The kernel with one argument more, the counter, to which each block adds what it carries out. */
function counted(kernel: Kernel): Kernel {
  const buffer: Buffer = {
    name: "operationCounter",
    element: "i64",
    length: 1,
    position: kernel.arguments.length,
  };
  return {
    name: `${kernel.name}_counted`,
    arguments: [...kernel.arguments, { kind: "buffer", buffer }],
    body: countedBlock(kernel.body, buffer),
    result: kernel.result,
  };
}

function countedBlock(block: Block, counter: Buffer): Block {
  const operations = block.operations.reduce((sum, operation) => sum + operationCount(operation), 0);
  const inside = block.operations.map((operation) =>
    operation.regions.length === 0
      ? operation
      : { ...operation, regions: operation.regions.map((region) => countedBlock(region, counter)) },
  );
  if (operations === 0) return { arguments: block.arguments, operations: inside };
  const counting = buildBlock(
    [],
    () => {
      const before = memref.load(counter, 0);
      memref.store(arith.addi(before, constant(scalar("i64"), BigInt(operations))), counter, 0);
    },
    undefined,
    { known: [counter], open: true },
  );
  return { arguments: block.arguments, operations: [...counting.operations, ...inside] };
}

/** Lane operations of one operation, without what is in its regions. */
function operationCount({ name, operands, results }: Operation): number {
  const type = results[0]?.type;
  if (type === undefined || type.element === "index" || uncounted.test(name)) return 0;
  // A comparison of addresses gives an i1, too.
  if (operands[0]?.type.element === "index") return 0;
  if (name === "vector.reduction") return operands[0]!.type.lanes - 1;
  const lanes = Math.max(1, type.lanes);
  if (elementary.test(name)) return ELEMENTARY_OPERATIONS * lanes;
  return (name === "math.fma" ? 2 : 1) * lanes;
}
