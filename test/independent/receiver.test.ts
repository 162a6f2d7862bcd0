import { describe, expect, it } from "vitest";
import { baseGraph } from "./base-graphs.js";
import type { Matrix } from "./channel-equalization.js";
import { equalize, hermitian, inverse, product } from "./channel-equalization.js";
import type { Complex } from "./complex.js";
import { add, complex, emptyGrid, multiply, power, scale, subtract, zero } from "./complex.js";
import { constellation, demap } from "./demapping.js";
import { dmrsSymbols } from "./dmrs.js";
import { despread, leastSquares } from "./estimation.js";
import { identity } from "./layers-precoding.js";
import { solveParity } from "./ldpc.js";
import { checkNode, decode } from "./min-sum.js";
import { modulate } from "./modulation.js";
import { randomGenerator } from "./random-generator.js";
import { randomGrant } from "./random-grants.js";
import { hasData } from "./reference-data.js";
import { mapDmrs } from "./resource-mapping.js";
import { dmrsTransmission } from "./transmitter.js";

const random = randomGenerator(20380104);

function gaussian(variance = 1): Complex {
  return scale(complex(random.normal(), random.normal()), Math.sqrt(variance / 2));
}

function randomMatrix(rows: number, columns: number): Matrix {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => gaussian()));
}

describe("demapping", () => {
  it.each([1, 2, 4, 6, 8] as const)("decides for the bits that were sent, %i a symbol", (order) => {
    for (const index of [0, 1]) {
      for (const { bits, point } of constellation(order, index)) {
        for (const method of ["exact", "max-log"] as const) {
          const llrs = demap(point, 0.01, order, method, index);
          expect(llrs.map((llr) => (llr < 0 ? 1 : 0))).toEqual(bits);
        }
      }
    }
  });

  it("is 2·√2·y/σ² for QPSK by either method", () => {
    const y = complex(0.3, -0.9);
    for (const method of ["exact", "max-log"] as const) {
      const [first, second] = demap(y, 0.5, 2, method);
      expect(first).toBeCloseTo((2 * Math.SQRT2 * 0.3) / 0.5, 10);
      expect(second).toBeCloseTo((-2 * Math.SQRT2 * 0.9) / 0.5, 10);
    }
  });

  it("gives probabilities that hold: bits of exact LLR near 1 are 0 as often as they say", () => {
    let zeros = 0;
    let count = 0;
    for (let trial = 0; trial < 40_000; trial++) {
      const bits = random.bits(4);
      const y = add(modulate(bits, 4)[0]!, gaussian(0.4));
      demap(y, 0.4, 4, "exact").forEach((llr, bit) => {
        if (Math.abs(llr - 1) < 0.2) {
          count++;
          zeros += 1 - bits[bit]!;
        }
      });
    }
    expect(Math.abs(zeros / count - 1 / (1 + Math.exp(-1)))).toBeLessThan(0.02);
  });

  it("comes to max-log where noise is small", () => {
    const y = complex(0.41, 0.13);
    const exact = demap(y, 1e-3, 6, "exact");
    const approximate = demap(y, 1e-3, 6, "max-log");
    exact.forEach((llr, bit) => {
      expect(Math.abs(llr - approximate[bit]!)).toBeLessThan(0.7);
    });
  });
});

describe("check nodes", () => {
  it("take the smallest other magnitude by the factor", () => {
    expect(checkNode([3, -1, 2], { name: "min-sum", factor: 0.75 })).toEqual([-0.75, 1.5, -0.75]);
  });

  it("fulfil the tanh rule", () => {
    const incoming = [0.7, -1.9, 2.4, 0.2];
    checkNode(incoming, { name: "sum-product" }).forEach((message, target) => {
      const others = incoming.filter((_, index) => index !== target);
      const expected = 2 * Math.atanh(others.reduce((value, x) => value * Math.tanh(x / 2), 1));
      expect(message).toBeCloseTo(expected, 12);
    });
  });

  it("stay finite for large messages", () => {
    expect(checkNode([900, -800, 1000], { name: "sum-product" })[2]).toBeCloseTo(-800, 9);
  });
});

describe.skipIf(!hasData)("layered decoder", () => {
  const rules = [{ name: "min-sum", factor: 0.75 }, { name: "sum-product" }] as const;

  it.each(rules)("$name corrects noise on both base graphs", (rule) => {
    for (const [number, liftingSize, noise] of [
      [1, 24, 1.2],
      [2, 40, 1.6],
    ] as const) {
      const graph = baseGraph(number);
      const [word] = solveParity(graph, liftingSize, [random.bits(graph.informationColumns * liftingSize)]);
      const llrs = word!.map((bit, index) =>
        index < 2 * liftingSize ? 0 : (2 * (1 - 2 * bit + Math.sqrt(noise) * random.normal())) / noise,
      );
      const raw = llrs.filter((llr, index) => (llr < 0 ? 1 : 0) !== word![index]).length;
      expect(raw).toBeGreaterThan(0.1 * word!.length);
      const result = decode(graph, liftingSize, llrs, { rule, iterations: 30 });
      expect(result.satisfied).toBe(true);
      expect(result.bits).toEqual(word);
      expect(result.iterations).toBeLessThan(30);
    }
  });

  it("runs all iterations without early stop and uses the rows it is given", () => {
    const graph = baseGraph(2);
    const llrs = Array.from({ length: graph.columns * 4 }, () => 5);
    const options = { rule: rules[0], iterations: 3 };
    expect(decode(graph, 4, llrs, { ...options, earlyStop: false }).iterations).toBe(3);
    expect(decode(graph, 4, llrs, { ...options, rows: 4 }).iterations).toBe(1);
  });
});

describe("equalization", () => {
  it("inverts matrices and refuses singular ones", () => {
    const a = randomMatrix(4, 4);
    product(a, inverse(a)).forEach((row, index) => {
      row.forEach((value, column) => {
        expect(power(subtract(value, complex(index === column ? 1 : 0)))).toBeLessThan(1e-20);
      });
    });
    expect(() =>
      inverse([
        [complex(1), complex(2)],
        [complex(2), complex(4)],
      ]),
    ).toThrow("singular");
  });

  const shapes = [1, 2, 3, 4].flatMap((layers) => [1, 2, 4, 8].map((antennas) => ({ layers, antennas })));

  it.each(shapes.filter(({ layers, antennas }) => antennas >= layers))(
    "returns $layers layers of $antennas antennas without noise",
    ({ layers, antennas }) => {
      const h = randomMatrix(antennas, layers);
      const x = modulate(random.bits(4 * layers), 4);
      const y = product(
        h,
        x.map((value) => [value]),
      ).map(([value]) => value!);
      for (const [method, noise] of [
        ["zero-forcing", 0],
        ["mmse", 1e-9],
      ] as const) {
        equalize(h, y, noise, method).symbols.forEach((value, layer) => {
          expect(power(subtract(value, x[layer]!))).toBeLessThan(1e-8);
        });
      }
    },
  );

  it.each(["zero-forcing", "mmse"] as const)("%s states its own noise, without bias", (method) => {
    const noise = 0.3;
    const h = randomMatrix(3, 2);
    const trials = 20_000;
    const errors = [0, 0];
    const correlation = [zero, zero];
    let stated: number[] = [];
    for (let trial = 0; trial < trials; trial++) {
      const x = modulate(random.bits(4), 2);
      const y = product(
        h,
        x.map((value) => [value]),
      ).map(([value]) => add(value!, gaussian(noise)));
      const result = equalize(h, y, noise, method);
      stated = result.noise;
      result.symbols.forEach((value, layer) => {
        errors[layer]! += power(subtract(value, x[layer]!)) / trials;
        correlation[layer] = add(
          correlation[layer]!,
          scale(multiply(value, { re: x[layer]!.re, im: -x[layer]!.im }), 1 / trials),
        );
      });
    }
    stated.forEach((variance, layer) => {
      expect(errors[layer]! / variance).toBeCloseTo(1, 1);
      expect(power(subtract(correlation[layer]!, complex(1)))).toBeLessThan(1e-3);
    });
  });

  it("has the SINR 1/[(I + HᴴH/σ²)⁻¹] − 1 for MMSE, more layers than antennas included", () => {
    for (const [antennas, layers] of [
      [4, 3],
      [1, 2],
      [8, 4],
    ] as const) {
      const h = randomMatrix(antennas, layers);
      const noise = 0.2;
      const inside = product(hermitian(h), h).map((row, index) =>
        row.map((value, column) => add(scale(value, 1 / noise), complex(index === column ? 1 : 0))),
      );
      const y = h.map((row) => row[0]!);
      equalize(h, y, noise, "mmse").sinr.forEach((sinr, layer) => {
        expect(sinr).toBeCloseTo(1 / inverse(inside)[layer]![layer]!.re - 1, 8);
      });
    }
  });
});

describe.skipIf(!hasData)("least squares", () => {
  it("separates the ports of 40 random grants over a channel that stays", () => {
    for (let index = 0; index < 40; index++) {
      // Odd indices are without codebook, so that ports and layers are the same.
      const grant = randomGrant(random, 2 * index + 1);
      const dmrs = dmrsSymbols(grant);
      const transmission = dmrsTransmission(grant);
      const grid = emptyGrid(grant.nrOfLayers, transmission.symbolsPerSlot, 12 * grant.bwpSize);
      mapDmrs(grid, transmission, dmrs, identity(grant.nrOfLayers));
      const channel = grid.map(() => gaussian());
      const received = grid[0]!.map((line, symbol) =>
        line.map((_, subcarrier) =>
          grid.reduce((sum, port, p) => add(sum, multiply(channel[p]!, port[symbol]![subcarrier]!)), zero),
        ),
      );
      grant.dmrsPorts.forEach((port, layer) => {
        const estimates = despread(received, transmission, dmrs, port);
        const pilotsPerCode = 2 * grant.dmrsLength;
        expect(estimates).toHaveLength(
          leastSquares(received, transmission, dmrs, port).length / pilotsPerCode,
        );
        for (const estimate of estimates) {
          expect(power(subtract(estimate.channel, channel[layer]!))).toBeLessThan(1e-20);
        }
      });
    }
  });
});
