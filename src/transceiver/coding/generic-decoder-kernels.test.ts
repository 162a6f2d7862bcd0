import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Kernel, Target } from "../../compiler/index.js";
import { createRandom, type Random } from "../../radio/index.js";
import { type BaseGraph, baseGraph } from "./base-graph.js";
import { checkKernel, decideKernel, initializeKernel, iterateKernel } from "./decoder-kernels.js";
import { CORE_ROWS, codeTable, decoderLayout } from "./decoder-layout.js";
import { prepareEncoder } from "./encode.js";
import { genericCheckKernel, genericIterateKernel } from "./generic-decoder-kernels.js";
import { LIFTING_SIZES } from "./lifting-sizes.js";

const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const bytes = new Int8Array(memory.buffer);
const at = { codeword: 1024, code: 65_536, joined: 131_072, block: 196_608, posterior: 262_144 };
const messagesAt = 393_216;
/** The posterior, the messages and all around them. */
const decoderState = new Uint8Array(memory.buffer).subarray(at.posterior - 1024, 524_288);

type Choice = "specialized" | "generic";

function compileGeneric(target: Target, lanes: number) {
  const compile = (kernel: Kernel) => target.compile(kernel, memory);
  return {
    initialize: compile(initializeKernel(lanes)),
    decide: compile(decideKernel(lanes)),
    iterate: compile(genericIterateKernel(lanes)),
    check: compile(genericCheckKernel(lanes)),
  };
}

/** Calls the kernels for one code, out of a memory that held anything. */
function decoderOf(graph: BaseGraph, lanes: number, generic: ReturnType<typeof compileGeneric>) {
  const layout = decoderLayout(graph, lanes);
  new Int32Array(memory.buffer, at.code).set(codeTable(layout));
  const { informationColumns, liftingSize } = graph;
  return {
    layout,
    begin(rows: number) {
      decoderState.fill(85);
      const messageBytes = layout.messageBytes[rows]!;
      generic.initialize(
        at.codeword,
        at.posterior,
        messagesAt,
        rows,
        messageBytes,
        informationColumns,
        liftingSize,
      );
    },
    decide(informationBits: number): number[] {
      bytes.fill(85, at.block, at.posterior - 1024);
      generic.decide(at.posterior, at.joined, at.block, informationBits, liftingSize);
      return Array.from(
        { length: informationBits },
        (_, k) => ((bytes[at.block + (k >> 3)]! & 255) >> (7 - (k & 7))) & 1,
      );
    },
  };
}

function randomSoftBits(graph: BaseGraph, random: Random): void {
  const spread = [3, 20, 400][random.integer(3)]!;
  const length = (graph.columns - 2) * graph.liftingSize;
  for (let k = 0; k < length; k++)
    bytes[at.codeword + k] = Math.max(-128, Math.min(127, Math.round(spread * random.gaussian())));
}

/** Codes whose own kernels are compiled to compare with: each lifting size once, or some where compiling takes long. */
function comparedCodes(target: Target): [1 | 2, number][] {
  const codes = LIFTING_SIZES.map((size, k): [1 | 2, number] => [k % 2 === 0 ? 1 : 2, size]);
  return target.name === "wasm" ? codes : codes.filter((_, k) => k % 11 === 5);
}

describe.each(testTargets)("the decoder's generic kernels on $name", (target) => {
  /** Everything that iterations with the kernels chosen in turn leave behind. */
  function compare(
    graph: BaseGraph,
    lanes: number,
    generic: ReturnType<typeof compileGeneric>,
    seed: number,
  ) {
    const { layout, begin } = decoderOf(graph, lanes, generic);
    const specialized = {
      iterate: target.compile(iterateKernel(layout), memory),
      check: target.compile(checkKernel(layout), memory),
    };
    const random = createRandom(seed);
    const trace = (rows: number, choices: readonly Choice[]) => {
      begin(rows);
      return choices.map((choice, iteration) => {
        const { iterate, check } = choice === "generic" ? generic : specialized;
        iterate(at.posterior, messagesAt, at.code, rows, iteration);
        return { state: decoderState.slice(), holds: check(at.posterior, at.code, rows) };
      });
    };
    for (const rows of [CORE_ROWS, CORE_ROWS + random.integer(graph.rows.length - CORE_ROWS + 1)]) {
      randomSoftBits(graph, random);
      const wanted = trace(rows, ["specialized", "specialized", "specialized"]);
      const others: Choice[][] = [
        ["generic", "generic", "generic"],
        ["specialized", "generic", "specialized"],
      ];
      for (const choices of others)
        trace(rows, choices).forEach(({ state, holds }, k) => {
          const where = `base graph ${graph.number}, Z = ${graph.liftingSize}, ${rows} rows, ${choices}, iteration ${k}`;
          expect(Buffer.compare(state, wanted[k]!.state), where).toBe(0);
          expect(holds, where).toBe(wanted[k]!.holds);
        });
    }
  }

  it("equal those of one code bit for bit, and stand in for them between iterations", () => {
    const generic = compileGeneric(target, target.vectorBytes);
    comparedCodes(target).forEach(([number, size], seed) => {
      compare(baseGraph(number, size), target.vectorBytes, generic, seed);
    });
  });

  it("do so for other lanes", () => {
    for (const lanes of target.name === "wasm" ? [8, 32, 64] : [target.vectorBytes / 2])
      compare(baseGraph(2, 36), lanes, compileGeneric(target, lanes), lanes);
  });

  it.each([1, 2] as const)("return every codeword of base graph %i for every lifting size", (number) => {
    const generic = compileGeneric(target, target.vectorBytes);
    for (const size of LIFTING_SIZES) {
      const graph = baseGraph(number, size);
      const random = createRandom(size);
      const informationBits = graph.informationColumns * size;
      const information = new Uint8Array(informationBits);
      random.bits(information);
      const encoded = new Uint8Array((graph.columns - 2) * size);
      prepareEncoder(graph)(information, 0, encoded, 0);
      // Weak, doubtful values in a fifth of the places: the code has to work for its result.
      encoded.forEach((bit, k) => {
        const value = random.next() < 0.2 ? -2 : 12;
        bytes[at.codeword + k] = bit === 0 ? value : -value;
      });
      const { begin, decide } = decoderOf(graph, target.vectorBytes, generic);
      begin(graph.rows.length);
      const violated = generic.check(at.posterior, at.code, graph.rows.length);
      let iterations = 0;
      let holds: number | undefined = 0;
      while (holds === 0 && iterations < 20) {
        generic.iterate(at.posterior, messagesAt, at.code, graph.rows.length, iterations++);
        holds = generic.check(at.posterior, at.code, graph.rows.length);
      }
      expect([violated, holds], `Z = ${size}`).toEqual([0, 1]);
      expect(decide(informationBits), `Z = ${size}`).toEqual([...information]);
    }
  });

  it("find one wrong decision in any check of any row", () => {
    const graph = baseGraph(2, 15);
    const generic = compileGeneric(target, target.vectorBytes);
    const { layout, begin } = decoderOf(graph, target.vectorBytes, generic);
    bytes.fill(20, at.codeword, at.codeword + 50 * 15);
    for (const rows of [CORE_ROWS, 11, graph.rows.length]) {
      begin(rows);
      generic.iterate(at.posterior, messagesAt, at.code, rows, 0);
      expect(generic.check(at.posterior, at.code, rows)).toBe(1);
      // The last row's column, which no other row reads, or for the core the last of its parity columns.
      const column = graph.informationColumns + rows - 1;
      const start = at.posterior + layout.lanes + column * layout.columnStride;
      for (let check = 0; check < 15; check++) {
        const copies = [check + (rows > CORE_ROWS ? layout.paddedSize : 15), check];
        for (const copy of copies) bytes[start + copy] = -20;
        expect(generic.check(at.posterior, at.code, rows), `check ${check} of ${rows} rows`).toBe(0);
        for (const copy of copies) bytes[start + copy] = 20;
      }
    }
  });

  it("decide any number of bits and write no further", () => {
    const random = createRandom(77);
    const generic = compileGeneric(target, target.vectorBytes);
    for (const [number, size] of [
      [1, 384],
      [1, 13],
      [2, 2],
      [2, 88],
    ] as const) {
      const graph = baseGraph(number, size);
      const { begin, decide } = decoderOf(graph, target.vectorBytes, generic);
      randomSoftBits(graph, random);
      begin(graph.rows.length);
      const all = graph.informationColumns * size;
      // Of the punctured columns nothing is known: 0, which decides for 1.
      const wanted = Array.from({ length: all }, (_, k) =>
        k < 2 * size || bytes[at.codeword + k - 2 * size]! <= 0 ? 1 : 0,
      );
      for (const bits of [all, all - 1, 1 + random.integer(all), 1 + random.integer(all), 1]) {
        expect(decide(bits), `${bits} of ${all}`).toEqual(wanted.slice(0, bits));
        expect(bytes[at.block + Math.ceil(bits / 8)]).toBe(85);
        // What the last byte has too many is 0.
        if (bits % 8 > 0) expect(bytes[at.block + (bits >> 3)]! & (0xff >> (bits % 8))).toBe(0);
      }
    }
  });
});
