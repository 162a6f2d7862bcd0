import { describe, expect, it } from "vitest";
import { baseGraph, liftingSizeSet, liftingSizeSets } from "./base-graphs.js";
import { attachCrc, type CrcName, crc, crcPolynomials } from "./crc.js";
import { goldSequence } from "./gold.js";
import { encode, isCodeword, parityCheckEquations, solveParity } from "./ldpc.js";
import { randomGenerator } from "./random-generator.js";
import {
  interleave,
  limitedBufferPrbs,
  outputLengths,
  referenceLength,
  selectBits,
  startingPosition,
} from "./rate-matching.js";
import { hasData, readText } from "./reference-data.js";
import { filler, segment, selectBaseGraph } from "./segmentation.js";
import { mcsTable, resourceElements, smallSizes, transportBlockSize } from "./tbs.js";

const random = randomGenerator(20380211);

describe("Gold sequence", () => {
  it("is x1 alone, 1600 steps in, where c_init is 0", () => {
    // D^31 = D^3 + 1 taken to the power 1600 + n by squaring, coefficient of D^0: another way to the same register.
    const modulus = (1n << 31n) | 0b1001n;
    const timesModulo = (a: bigint, b: bigint) => {
      let product = 0n;
      for (let bit = 0n; bit < 31n; bit++) {
        product ^= (b >> bit) & 1n ? a << bit : 0n;
      }
      for (let bit = 61n; bit >= 31n; bit--) {
        product ^= (product >> bit) & 1n ? modulus << (bit - 31n) : 0n;
      }
      return product;
    };
    const monomial = (exponent: number): bigint => {
      if (exponent === 0) {
        return 1n;
      }
      const root = monomial(Math.floor(exponent / 2));
      const square = timesModulo(root, root);
      return exponent % 2 ? timesModulo(square, 2n) : square;
    };
    expect(goldSequence(0, 200)).toEqual(
      Array.from({ length: 200 }, (_, n) => Number(monomial(1600 + n) & 1n)),
    );
  });

  it("is linear in c_init: c(a) + c(b) = c(a xor b) + c(0)", () => {
    const [a, b] = [0x2d6b1f03, 0x51c2e88d];
    const [ca, cb, cab, c0] = [a, b, (a ^ b) >>> 0, 0].map((init) => goldSequence(init, 500));
    expect(ca!.map((bit, n) => (bit + cb![n]!) % 2)).toEqual(cab!.map((bit, n) => (bit + c0![n]!) % 2));
  });
});

const polynomials: Record<CrcName, bigint> = {
  CRC24A: 0x1864cfbn,
  CRC24B: 0x1800063n,
  CRC24C: 0x1b2b117n,
  CRC16: 0x11021n,
  CRC11: 0xe21n,
  CRC6: 0x61n,
};

describe("CRC", () => {
  it.each([
    ["CRC24A", 0xcde703],
    ["CRC24B", 0x23ef52],
    ["CRC16", 0x31c3],
  ] as const)("%s has the published check value of 123456789", (name, check) => {
    const bits = [..."123456789"].flatMap((character) =>
      Array.from({ length: 8 }, (_, bit) => (character.charCodeAt(0) >> (7 - bit)) & 1),
    );
    expect(Number.parseInt(crc(name, bits).join(""), 2)).toBe(check);
  });

  it.each(Object.keys(crcPolynomials) as CrcName[])(
    "%s makes the block divisible by its polynomial",
    (name) => {
      const polynomial = polynomials[name];
      const degree = BigInt(polynomial.toString(2).length - 1);
      for (const length of [1, 7, 40, 333]) {
        let value = BigInt(`0b${attachCrc(name, random.bits(length)).join("")}`);
        for (let bit = BigInt(length) - 1n; bit >= 0n; bit--) {
          value ^= (value >> (bit + degree)) & 1n ? polynomial << bit : 0n;
        }
        expect(value).toBe(0n);
      }
    },
  );

  it("leaves zero for no bits and for zeros", () => {
    expect(crc("CRC6", [])).toEqual([0, 0, 0, 0, 0, 0]);
    expect(crc("CRC11", [0, 0, 0])).toEqual(Array.from({ length: 11 }, () => 0));
  });
});

describe("segmentation", () => {
  it("chooses the base graph by size and rate", () => {
    expect([292, 293, 3824, 3825].map((size) => selectBaseGraph(size, 0.67))).toEqual([2, 2, 2, 1]);
    expect([292, 293].map((size) => selectBaseGraph(size, 0.68))).toEqual([2, 1]);
    expect(selectBaseGraph(100_000, 0.25)).toBe(2);
  });

  it.each([1, 2] as const)(
    "keeps all bits of base graph %i in the smallest lifting size that fits",
    (graph) => {
      const largest = graph === 1 ? 8448 : 3840;
      for (const size of [
        24,
        192,
        193,
        560,
        561,
        640,
        641,
        largest,
        2 * (largest - 24),
        5 * (largest - 24),
      ]) {
        const bits = random.bits(size);
        const { codeBlocks, liftingSize } = segment(bits, graph);
        const count = size <= largest ? 1 : size / (largest - 24);
        expect(codeBlocks).toHaveLength(count);
        const payloads = codeBlocks.map((block) => block.filter((bit) => bit !== filler));
        expect(payloads.flatMap((block) => block.slice(0, size / count))).toEqual(bits);
        for (const block of codeBlocks) {
          expect(block).toHaveLength((graph === 1 ? 22 : 10) * liftingSize);
        }
      }
    },
  );
});

describe.skipIf(!hasData)("LDPC encoder", () => {
  it("knows 51 lifting sizes in eight sets", () => {
    expect(liftingSizeSets.flat()).toHaveLength(51);
    expect(new Set(liftingSizeSets.flat()).size).toBe(51);
    liftingSizeSets.forEach((sizes, set) => {
      expect(sizes.map(liftingSizeSet)).toEqual(sizes.map(() => set));
    });
    expect(() => liftingSizeSet(17)).toThrow("no lifting size");
  });

  it.each([1, 2] as const)("fulfils every check of base graph %i", (number) => {
    const graph = baseGraph(number);
    for (const liftingSize of liftingSizeSets.flat().filter((size) => size <= 104 || size % 128 === 0)) {
      const blocks = [1, 2].map(() => random.bits(graph.informationColumns * liftingSize));
      blocks[0]!.fill(filler, -liftingSize);
      const words = solveParity(graph, liftingSize, blocks);
      for (const word of words) {
        expect(
          isCodeword(
            graph,
            liftingSize,
            word.map((bit) => Math.max(bit, 0)),
          ),
        ).toBe(true);
      }
      expect(encode(graph, liftingSize, blocks).map((d) => d.length)).toEqual(
        words.map(() => (number === 1 ? 66 : 50) * liftingSize),
      );
    }
  });

  it("has 316 and 197 circulants", () => {
    for (const [number, ones] of [
      [1, 316],
      [2, 197],
    ] as const) {
      expect(parityCheckEquations(baseGraph(number), 2).flat()).toHaveLength(2 * ones);
    }
  });

  it("sees a single wrong bit", () => {
    const graph = baseGraph(2);
    const [word] = solveParity(graph, 8, [random.bits(80)]);
    word![17] = 1 - word![17]!;
    expect(isCodeword(graph, 8, word!)).toBe(false);
  });
});

describe("rate matching", () => {
  it("shares all coded bits among the code blocks", () => {
    for (const [layers, order, symbols, count] of [
      [1, 2, 600, 1],
      [2, 6, 1111, 4],
      [4, 8, 997, 13],
    ] as const) {
      const total = layers * order * symbols;
      const lengths = outputLengths(total, count, layers, order);
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(total);
      expect(lengths.every((length) => length % (layers * order) === 0)).toBe(true);
    }
  });

  it("starts where Table 5.4.2.1-2 says for a full buffer", () => {
    expect([0, 1, 2, 3].map((rv) => startingPosition(rv, 1, 66 * 384, 384) / 384)).toEqual([0, 17, 33, 56]);
    expect([0, 1, 2, 3].map((rv) => startingPosition(rv, 2, 50 * 52, 52) / 52)).toEqual([0, 13, 25, 43]);
    // ⌊33 · 25000 / (66 · 384)⌋ = 32 for a limited buffer.
    expect(startingPosition(2, 1, 25_000, 384)).toBe(32 * 384);
  });

  it("wraps around and leaves filler bits out", () => {
    expect(selectBits([1, 0, filler, 1, 1], 4, 3, 7)).toEqual([1, 1, 0, 1, 1, 0, 1]);
  });

  it("writes rows and reads columns", () => {
    expect(interleave([0, 1, 2, 3, 4, 5], 2)).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it("limits the buffer by Table 5.4.2.1-1", () => {
    expect([1, 32, 33, 66, 67, 107, 108, 135, 136, 162, 163, 217, 218, 273].map(limitedBufferPrbs)).toEqual([
      32, 32, 66, 66, 107, 107, 135, 135, 162, 162, 217, 217, 273, 273,
    ]);
    expect(referenceLength({ layers: 4, modulationOrder: 8, bandwidth: 273 }, 152)).toBe(
      Math.floor((1_277_992 * 3) / 2 / 152),
    );
  });
});

describe("transport block size", () => {
  it("has the 93 sizes of Table 5.1.3.2-1", () => {
    expect(smallSizes).toHaveLength(93);
  });

  it("ends at the largest of NR: 1 277 992 bits", () => {
    const input = { modulationOrder: 8, codeRate1024: 948, layers: 4 };
    expect(transportBlockSize({ ...input, resourceElements: 156 * 273 })).toBe(1_277_992);
  });

  it.skipIf(!hasData)("has MCS tables of 29, 28 and 29 indices", () => {
    expect(([1, 2, 3] as const).map((table) => mcsTable(table).length)).toEqual([29, 28, 29]);
    expect(mcsTable(2)[20]).toEqual({ modulationOrder: 8, codeRate1024: 682.5 });
  });

  it.skipIf(!hasData)("equals all 256 reference cases", () => {
    const { cases } = JSON.parse(readText("3gpp/tbs_cases.json")) as { cases: Record<string, number>[] };
    expect(cases).toHaveLength(256);
    for (const value of cases) {
      const elements = resourceElements(
        value.symbols!,
        value.dmrs_re_per_prb!,
        value.overhead_re_per_prb!,
        value.prb!,
      );
      const size = transportBlockSize({
        resourceElements: elements,
        modulationOrder: value.qm!,
        codeRate1024: value.code_rate_x1024!,
        layers: value.layers!,
        scaling: 1 / 2 ** value.tb_scaling_field!,
      });
      expect(size, JSON.stringify(value)).toBe(value.tbs_bits);
    }
  });
});
