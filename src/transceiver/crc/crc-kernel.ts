import {
  argument,
  arith,
  type Buffer,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  type Operand,
  scalar,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { type Crc, type CrcName, crc } from "./crc.js";

/** Bytes that one step of look-ups takes, each with a table of its own. */
const STEP = 16;
const BYTES = 256;

/** Words of the tables of a CRC. */
export const TABLE_WORDS = STEP * BYTES;

/** Bytes of the vectors in which sequences can be folded, the longest first. */
const FOLDS = [64, 16, 8] as const;

/** What a kernel for CRCs is specialized on. */
export interface CrcShape {
  readonly crc: CrcName;
  /** Bytes of the vectors in which sequences are folded, one time after the other, the longest first. */
  readonly folds: readonly number[];
}

/** The shape for sequences of `count` bytes on a target. */
export function crcShape(crc: Crc, count: number, vectorBytes: number): CrcShape {
  // A shorter sequence would hardly get shorter still.
  const folds = FOLDS.filter(
    (bytes) => bytes <= Math.max(16, vectorBytes) && 2 * crc.length * bytes <= count,
  );
  return { crc: crc.name, folds };
}

/** Bytes of the kernel's workspace for sequences of `count` bytes. */
export function crcWorkspaceLength(shape: CrcShape, count: number): number {
  return workspaceStart(shape) + count;
}

/** Bytes of the workspace before the quotient, what all folds leave and then zeros: whole lines of the cache. */
function workspaceStart({ crc: name, folds }: CrcShape): number {
  const { length } = crc(name);
  const left = folds.reduce((sum, bytes) => sum + (length + 1) * bytes, 0);
  return 64 * Math.ceil(left / 64) + length * (folds[0] ?? 0);
}

/**
 * Tables for {@link crcKernel}: at `k·256 + byte` the remainder of a byte that `k` zero bytes follow. Remainders here
 * have the byte that is transmitted first lowest, as words read from memory have it.
 */
export function crcTables(crc: Crc): Int32Array {
  const tables = new Int32Array(TABLE_WORDS);
  for (let byte = 0; byte < BYTES; byte++) tables[byte] = reversedBytes(crc.table[byte]!);
  for (let entry = BYTES; entry < TABLE_WORDS; entry++) {
    const shorter = tables[entry - BYTES]!;
    tables[entry] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}

function reversedBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** A remainder of {@link crcKernel} as the number of the CRC's length that `crcOfBytes` gives. */
export function remainderNumber(crc: Crc, remainder: number): number {
  return reversedBytes(remainder) >>> (32 - crc.length);
}

/** A sequence of packed bytes in a buffer. */
interface Sequence {
  readonly buffer: Buffer;
  readonly start: Operand;
  readonly count: Value;
}

/**
 * Remainders of `sequences` sequences of `sequenceLength` packed bytes, `stride` bytes apart: at least the CRC's length
 * times the bytes of the first fold. `tables` are those of the CRC; `workspace` has {@link crcWorkspaceLength} bytes.
 *
 * Look-ups wait for each other, so sequences are folded first: the generator's power to `8·V` has the generator's own
 * terms, each `8·V` times as high, since squares of sums are sums of squares here. Dividing by it takes exclusive ors of
 * whole vectors of V bytes, and the generator divides what it does.
 */
export const crcKernel = kernelBuilder(import.meta.url, "crcKernel", (shape: CrcShape): Kernel => {
  const most = 2 ** 24;
  const folds = shape.folds.length === 0 ? "" : `_f${shape.folds.join("_")}`;
  return kernel(
    `${shape.crc}${folds}`,
    {
      bytes: buffer("i8", most),
      tables: buffer("i32", TABLE_WORDS),
      workspace: buffer("i8", most),
      remainders: buffer("i32", most),
      sequences: argument("index"),
      sequenceLength: argument("index"),
      stride: argument("index"),
    },
    ({ bytes, tables, workspace, remainders, sequences, sequenceLength, stride }) => {
      const { length } = crc(shape.crc);
      const [longest = 0] = shape.folds;
      const quotient = workspaceStart(shape);
      // What stands before a quotient's first vector.
      for (let vectors = 1; vectors <= length && longest > 0; vectors++)
        vector.store(arith.constant(vectorOf("i8", longest), 0), workspace, quotient - vectors * longest);
      scf.for(0, sequences, 1, (index) => {
        let sequence: Sequence = { buffer: bytes, start: arith.muli(index, stride), count: sequenceLength };
        let rest = 0;
        for (const width of shape.folds) {
          sequence = fold(crc(shape.crc), width, sequence, workspace, quotient, rest);
          rest += (length + 1) * width;
        }
        memref.store(lookUpRemainder(sequence, tables), remainders, index);
      });
    },
  );
});

/**
 * Divides by the generator's power to `8·width`: all whole vectors but the last ones give the quotient's, which are
 * kept, these the remainder, which goes to `rest` of the workspace with the bytes that are no whole vector behind it.
 */
function fold(
  { length, polynomial }: Crc,
  width: number,
  { buffer: from, start, count }: Sequence,
  workspace: Buffer,
  quotient: number,
  rest: number,
): Sequence {
  // By how many vectors earlier ones act on later ones, the farthest first.
  const distances = Array.from({ length }, (_, term) => length - term).filter(
    (distance) => (polynomial >>> (length - distance)) & 1,
  );
  const whole = arith.subi(count, arith.remsi(count, width));
  const last = arith.subi(whole, length * width);
  const folded = (at: Value, next: number, acting: readonly number[]) =>
    acting.reduce(
      (sum, distance) =>
        arith.xori(sum, vector.load(workspace, arith.addi(at, quotient + (next - distance) * width), width)),
      vector.load(from, arith.addi(arith.addi(at, start), next * width), width),
    );
  scf.for(0, last, width, (at) => {
    vector.store(folded(at, 0, distances), workspace, arith.addi(at, quotient));
  });
  for (let next = 0; next < length; next++) {
    const acting = distances.filter((distance) => distance > next);
    vector.store(folded(last, next, acting), workspace, rest + next * width);
  }
  const end = rest + length * width;
  const left = arith.subi(count, whole);
  scf.for(0, left, 1, (at) => {
    const byte = memref.load(from, arith.addi(arith.addi(at, whole), start));
    memref.store(byte, workspace, arith.addi(at, end));
  });
  return { buffer: workspace, start: rest, count: arith.addi(left, length * width) };
}

/** Remainder of a sequence by look-ups, sixteen bytes a step. */
function lookUpRemainder({ buffer: bytes, start, count }: Sequence, tables: Buffer): Value {
  const lookUp = (table: number, word: Value, shift: number) => {
    const shifted = shift === 0 ? word : arith.shrui(word, shift);
    const byte = shift === 24 ? shifted : arith.andi(shifted, 255);
    return memref.load(tables, arith.addi(arith.indexCast(byte, "index"), table * BYTES));
  };
  const whole = arith.subi(count, arith.remsi(count, STEP));
  const zero = arith.constant(scalar("i32"), 0);
  const [after] = scf.for(0, whole, STEP, [zero], (at, [state]) => {
    const words = vector.bitcast(vector.load(bytes, arith.addi(at, start), STEP), "i32");
    const found = Array.from({ length: STEP / 4 }, (_, index) => {
      const word = vector.extract(words, index);
      const mixed = index === 0 ? arith.xori(word, state!) : word;
      return [0, 1, 2, 3].map((byte) => lookUp(STEP - 1 - 4 * index - byte, mixed, 8 * byte));
    }).flat();
    // The words that wait for nothing first.
    return [found.reverse().reduce((sum, remainder) => arith.xori(sum, remainder))];
  });
  const [last] = scf.for(whole, count, 1, [after!], (at, [state]) => {
    const byte = arith.extui(memref.load(bytes, arith.addi(at, start)), "i32");
    return [arith.xori(arith.shrui(state!, 8), lookUp(0, arith.xori(state!, byte), 0))];
  });
  return last!;
}
