import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { llvm, withoutLlvm } from "../../../test/compiler/llvm-target.js";
import { functionContext } from "../../../test/function-context.js";
import { type Target, wasmTarget } from "../../compiler/index.js";
import { createRandom } from "../../radio/index.js";
import { type BaseGraph, baseGraph } from "./base-graph.js";
import { prepareDecoder } from "./decoder.js";
import { LIFTING_SIZES } from "./lifting-sizes.js";

const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
const bytes = new Int8Array(memory.buffer);
const wasm = wasmTarget();
const CODEWORD = 1024;
const BLOCK = 40_000;

/** Every byte starts as rubbish but what the decoder must find zero is not asked to be: allocation gives zeros. */
function decoder(
  graph: BaseGraph,
  rows: number,
  informationBits: number,
  maximum: number,
  earlyStop: boolean,
  lanes: number,
  target: Target = wasm,
) {
  bytes.fill(85, 0, memory.buffer.byteLength);
  const context = functionContext(memory, target, 65_536);
  const decode = prepareDecoder(context, graph, informationBits, { maximum, earlyStop }, lanes);
  const used = Math.min(graph.rows.length, Math.max(4, rows));
  return (codeword: number, block: number, rows = used) => decode(codeword, block, rows);
}

const clamp = (v: number): number => Math.max(-128, Math.min(127, v));

/** The same arithmetic, check by check and bit by bit, from the parity-check matrix alone. */
function plainDecode(
  graph: BaseGraph,
  rows: number,
  codeword: ArrayLike<number>,
  maximum: number,
  earlyStop: boolean,
) {
  const size = graph.liftingSize;
  const columns = graph.informationColumns + Math.max(4, rows);
  const posterior = Array.from({ length: columns * size }, (_, k) =>
    k < 2 * size ? 0 : Math.max(-30, Math.min(30, codeword[k - 2 * size]!)),
  );
  const checks = graph.rows
    .slice(0, Math.max(4, rows))
    .map((row) =>
      Array.from({ length: size }, (_, i) =>
        row.map((edge) => edge.column * size + ((i + edge.shift) % size)),
      ),
    );
  const messages = checks.map((row) => row.map((bits) => bits.map(() => 0)));
  const holds = () =>
    checks.every((row) => row.every((bits) => bits.filter((bit) => posterior[bit]! <= 0).length % 2 === 0));
  let count = 0;
  let done = false;
  while (count < maximum && !(done && earlyStop)) {
    checks.forEach((row, r) => {
      row.forEach((bits, i) => {
        const old = messages[r]![i]!;
        const incoming = bits.map((bit, k) => clamp(posterior[bit]! - old[k]!));
        const ordered = (parity: number) =>
          incoming
            .filter((_, k) => k % 2 === parity)
            .map(Math.abs)
            .sort((x, y) => x - y)
            .slice(0, 2);
        const [least, second, third] = [...ordered(0), ...ordered(1)].sort((x, y) => x - y) as [
          number,
          number,
          number,
        ];
        const corrected = (lesser: number, greater: number) => {
          const room = Math.max(0, (bits.length > 8 ? 14 : 12) - (greater - lesser));
          return Math.min(31, Math.max(0, lesser - Math.floor(room / 4)));
        };
        const outgoing = incoming.map((v, k) => {
          const magnitude = Math.abs(v) === least ? corrected(second, third) : corrected(least, second);
          const negative = incoming.filter((w, other) => other !== k && w < 0).length % 2 === 1;
          return negative ? -magnitude : magnitude;
        });
        bits.forEach((bit, k) => {
          posterior[bit] = clamp(incoming[k]! + outgoing[k]!);
        });
        messages[r]![i] = outgoing;
      });
    });
    count++;
    done = holds();
  }
  return { bits: posterior.map((v) => (v <= 0 ? 1 : 0)), iterations: done ? count : -count };
}

function unpack(at: number, count: number): number[] {
  return Array.from({ length: count }, (_, k) => ((bytes[at + (k >> 3)]! & 255) >> (7 - (k & 7))) & 1);
}

describe("the layered min-sum decoder", () => {
  const targets = [
    { target: wasm, lanes: [8, 16, 32, 64], runs: 40, absent: false },
    { target: llvm, lanes: [32, 64], runs: 10, absent: withoutLlvm },
  ];
  for (const { target, lanes: counts, runs, absent } of targets) {
    it.skipIf(absent)(
      `equals the scalar decoder bit for bit on ${target.name}, for any values, rows and lanes`,
      () => {
        fc.assert(
          fc.property(
            fc.constantFrom<1 | 2>(1, 2),
            fc.constantFrom(...LIFTING_SIZES.filter((z) => z <= 72)),
            fc.integer({ min: 1, max: 46 }),
            fc.constantFrom(...counts),
            fc.integer({ min: 1, max: 3 }),
            fc.boolean(),
            fc.nat(),
            fc.constantFrom(3, 20, 400),
            (number, size, rows, lanes, maximum, earlyStop, seed, spread) => {
              const graph = baseGraph(number, size);
              const used = Math.min(rows, graph.rows.length);
              const informationBits = graph.informationColumns * size - (seed % size);
              const random = createRandom(seed);
              const decode = decoder(graph, used, informationBits, maximum, earlyStop, lanes, target);
              // What a call with other rows leaves behind must not matter.
              decode(CODEWORD, BLOCK, graph.rows.length);
              bytes.fill(85, BLOCK, BLOCK + graph.informationColumns * size);
              const length = (graph.columns - 2) * size;
              for (let k = 0; k < length; k++)
                bytes[CODEWORD + k] = clamp(Math.round(spread * random.gaussian()));
              const codeword = bytes.slice(CODEWORD, CODEWORD + length);
              const iterations = decode(CODEWORD, BLOCK);
              const wanted = plainDecode(graph, used, codeword, maximum, earlyStop);
              expect(iterations).toBe(wanted.iterations);
              expect(unpack(BLOCK, informationBits)).toEqual(wanted.bits.slice(0, informationBits));
              expect(bytes[BLOCK + Math.ceil(informationBits / 8)]).toBe(85);
              expect(bytes.subarray(CODEWORD, CODEWORD + length)).toEqual(codeword);
            },
          ),
          { numRuns: runs, seed: 2106 },
        );
      },
    );
  }

  it.skipIf(withoutLlvm)("gives the same on both targets at the largest lifting size", () => {
    const graph = baseGraph(1, 384);
    const informationBits = graph.informationColumns * 384;
    const decoded = (rows: number, lanes: number, target: Target) => {
      const decode = decoder(graph, rows, informationBits, 4, true, lanes, target);
      const random = createRandom(rows);
      // All zeros sent, near the limit of what four iterations correct.
      for (let k = 0; k < (graph.columns - 2) * 384; k++)
        bytes[CODEWORD + k] = clamp(
          Math.round(rows === 5 ? 12 + 6 * random.gaussian() : 4 + 5 * random.gaussian()),
        );
      const iterations = decode(CODEWORD, BLOCK);
      return { iterations, block: bytes.slice(BLOCK, BLOCK + informationBits / 8) };
    };
    for (const rows of [5, 46]) expect(decoded(rows, 64, llvm)).toEqual(decoded(rows, 16, wasm));
  });

  it("says so when nothing was received, and does not stop early unless asked", () => {
    const graph = baseGraph(2, 52);
    const nothing = decoder(graph, 42, 520, 4, true, 16);
    bytes.fill(0, CODEWORD, CODEWORD + 50 * 52);
    expect(nothing(CODEWORD, BLOCK)).toBe(-4);
    expect(unpack(BLOCK, 520).every((bit) => bit === 1)).toBe(true);
    const always = decoder(graph, 42, 520, 4, false, 16);
    bytes.fill(90, CODEWORD, CODEWORD + 50 * 52);
    expect(always(CODEWORD, BLOCK)).toBe(4);
    expect(unpack(BLOCK, 520).every((bit) => bit === 0)).toBe(true);
  });
});
