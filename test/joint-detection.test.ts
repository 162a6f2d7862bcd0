import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { createRandom, type Random } from "../src/radio/index.js";
import { equalization } from "../src/transceiver/equalization/function.js";
import { jointDemapping } from "../src/transceiver/equalization/joint-demapping.js";
import { LARGEST_RATIO } from "../src/transceiver/equalization/tree-search-kernel.js";
import { GRANT_FIELDS, goldBits, grantFieldIndex, LLR_SCALE } from "../src/transceiver/index.js";
import type { Matrix } from "./independent/channel-equalization.js";
import { add, type Complex, complex, multiply, zero } from "./independent/complex.js";
import { constellation } from "./independent/demapping.js";
import { cancelSuccessively, jointMaxLog } from "./independent/joint-detection.js";
import { testTargets } from "./targets.js";

const seed = 38_211_636;
const signalType = {
  startSymbolIndex: 0,
  dmrsConfigType: 1,
  dmrsSymbPos: [],
  numDmrsCdmGrpsNoData: 1,
} as const;

interface Elements {
  readonly layers: number;
  readonly antennas: number;
  readonly order: 2 | 4 | 6 | 8;
  readonly blocks: number;
  readonly snr_db: number;
}

/** Random symbols through random channels, with noise of variance 1. */
function receive({ layers, antennas, order, blocks, snr_db }: Elements, random: Random) {
  const count = 12 * blocks;
  const points = constellation(order).map(({ point }) => point);
  const gain = Math.sqrt(10 ** (snr_db / 10) / 2);
  const grid = new Float32Array(2 * antennas * count);
  const channel = new Float32Array(2 * layers * antennas * count);
  const noise = new Float32Array(antennas).fill(1);
  const systems = Array.from({ length: count }, (_, k) => {
    const sent = Array.from({ length: layers }, () => points[random.integer(points.length)]!);
    const h: Matrix = [];
    const y: Complex[] = [];
    for (let antenna = 0; antenna < antennas; antenna++) {
      const row = sent.map((_, layer) => {
        const at = 2 * ((layer * antennas + antenna) * count + k);
        channel[at] = gain * random.gaussian();
        channel[at + 1] = gain * random.gaussian();
        return complex(channel[at]!, channel[at + 1]!);
      });
      const at = 2 * (antenna * count + k);
      const signal = row.reduce((sum, value, layer) => add(sum, multiply(value, sent[layer]!)), zero);
      grid[at] = signal.re + Math.SQRT1_2 * random.gaussian();
      grid[at + 1] = signal.im + Math.SQRT1_2 * random.gaussian();
      h.push(row);
      y.push(complex(grid[at]!, grid[at + 1]!));
    }
    return { h, y, sent };
  });
  return { inputs: { grid, channel, noise }, systems, count };
}

describe.each(testTargets)("successive cancellation on $name", (target) => {
  const run = (elements: Elements, inputs: ReturnType<typeof receive>["inputs"]) =>
    runFunction(equalization, "mmse-sic", {
      target,
      dimensions: {
        antenna: elements.antennas,
        layer: elements.layers,
        symbol: 1,
        subcarrier: 12 * elements.blocks,
        re: 12 * elements.blocks,
      },
      parameters: { signalType, modulationOrder: elements.order },
      inputs,
    }).outputs;

  it.each([
    [1, 2, 4, 12],
    [2, 2, 2, 6],
    [2, 4, 6, 15],
    [3, 3, 4, 15],
    [4, 4, 4, 18],
    [4, 8, 8, 22],
    [5, 6, 2, 10],
  ] as const)(
    "%i layers, %i antennas, Q_m %i is what double precision gives",
    (layers, antennas, order, snr_db) => {
      const elements = { layers, antennas, order, blocks: 10, snr_db };
      const { inputs, systems, count } = receive(elements, createRandom(seed));
      const { symbols, noise } = run(elements, inputs);
      let compared = 0;
      systems.forEach(({ h, y }, k) => {
        for (const [index, step] of cancelSuccessively(h, y, order).entries()) {
          // Where the order or a decision hangs on a rounding error, what follows may differ.
          if (step.lead < 1.001) return;
          const at = step.layer * count + k;
          const tolerance = 1e-3 * (1 + Math.sqrt(step.noise));
          expect(Math.abs(symbols[2 * at]! - step.symbol.re)).toBeLessThan(tolerance);
          expect(Math.abs(symbols[2 * at + 1]! - step.symbol.im)).toBeLessThan(tolerance);
          // What decisions before may have got wrong comes on top.
          expect(noise[at]! / step.noise).toBeGreaterThan(0.999);
          if (index === 0) expect(noise[at]! / step.noise).toBeLessThan(1.001);
          compared++;
          if (step.margin < 1e-3) return;
        }
      });
      expect(compared).toBeGreaterThan(0.9 * count * layers);
    },
  );

  it("says of its errors, wrong decisions included, about how large they are", () => {
    for (const [snr_db, least, most] of [
      [10, 0.7, 1.5],
      [16, 0.7, 1.5],
      [24, 0.7, 1.3],
    ] as const) {
      const elements = { layers: 4, antennas: 4, order: 4, blocks: 300, snr_db } as const;
      const { inputs, systems, count } = receive(elements, createRandom(seed));
      const { symbols, noise } = run(elements, inputs);
      let [error, said] = [0, 0];
      systems.forEach(({ sent }, k) => {
        for (const [layer, { re, im }] of sent.entries()) {
          const at = layer * count + k;
          // Large errors of layers that are hardly seen would outweigh all others.
          if (noise[at]! > 1) continue;
          error += (symbols[2 * at]! - re) ** 2 + (symbols[2 * at + 1]! - im) ** 2;
          said += noise[at]!;
        }
      });
      console.log(
        `${target.name}, ${snr_db} dB: error power over what is said: ${(error / said).toFixed(2)}`,
      );
      expect(error / said).toBeGreaterThan(least);
      expect(error / said).toBeLessThan(most);
    }
  });

  it("wants the modulation order where there are several layers", () => {
    const dimensions = { antenna: 2, layer: 2, symbol: 1, subcarrier: 12, re: 12 };
    const of = (parameters: object, layer: number) => () =>
      runFunction(equalization, "mmse-sic", {
        target,
        dimensions: { ...dimensions, layer },
        parameters: { signalType, ...parameters },
        inputs: {},
      });
    expect(of({}, 2)).toThrow(/equalization.modulationOrder.*give 2, 4, 6 or 8/);
    expect(of({ modulationOrder: 1 }, 2)).toThrow(/π\/2-BPSK/);
    expect(of({ modulationOrder: 1 }, 1)).not.toThrow();
  });
});

describe.each(testTargets)("tree search on $name", (target) => {
  const run = (
    elements: Elements,
    inputs: ReturnType<typeof receive>["inputs"],
    survivors: 4 | 8 | 16 | 32 | 64,
    scramblingInit = 0,
  ) => {
    const { layers, antennas, order, blocks } = elements;
    const grant = new Int32Array(GRANT_FIELDS);
    grant[grantFieldIndex.valid] = 1;
    grant[grantFieldIndex.modulationOrder] = order;
    grant[grantFieldIndex.scramblingInit] = scramblingInit;
    return runFunction(jointDemapping, "k-best", {
      target,
      dimensions: {
        antenna: antennas,
        layer: layers,
        symbol: 1,
        subcarrier: 12 * blocks,
        codewordBit: 12 * blocks * layers * order,
        grantField: GRANT_FIELDS,
      },
      parameters: { signalType, survivors },
      inputs: { ...inputs, grant },
    }).outputs.llrs;
  };

  /** The largest differences of soft bits from the exact ones, limited alike, and the share of those within one step. */
  const compare = (elements: Elements, survivors: 4 | 8 | 16 | 32 | 64) => {
    const { inputs, systems } = receive(elements, createRandom(seed));
    const llrs = run(elements, inputs, survivors, 4711);
    const scrambling = new Uint8Array(llrs.length);
    goldBits(4711, scrambling);
    const limit = LLR_SCALE * LARGEST_RATIO;
    let [bit, near, wrongSigns] = [0, 0, 0];
    for (const { h, y } of systems)
      for (const ratio of jointMaxLog(h, y, elements.order).flat()) {
        const wanted = Math.max(-limit, Math.min(limit, LLR_SCALE * ratio));
        const found = scrambling[bit] === 1 ? -llrs[bit]! : llrs[bit]!;
        if (Math.abs(found - wanted) <= 1) near++;
        if (found * wanted < -1) wrongSigns++;
        bit++;
      }
    return { near: near / bit, wrongSigns: wrongSigns / bit };
  };

  it.each([
    [1, 1, 2, 4],
    [1, 3, 4, 16],
    [1, 2, 6, 64],
    [2, 2, 2, 16],
    [2, 5, 2, 16],
    [3, 3, 2, 64],
  ] as const)("%i layers, %i antennas, Q_m %i: a list of all %i candidates gives exact max-log", (...of) => {
    const [layers, antennas, order, survivors] = of;
    for (const snr_db of [0, 12])
      expect(compare({ layers, antennas, order, blocks: 3, snr_db }, survivors)).toEqual({
        near: 1,
        wrongSigns: 0,
      });
  });

  it("finds with 16 survivors nearly what the search of all combinations finds", () => {
    for (const [layers, order, snr_db] of [
      [2, 4, 12],
      [3, 2, 6],
      [4, 2, 8],
    ] as const) {
      const { near, wrongSigns } = compare({ layers, antennas: layers, order, blocks: 8, snr_db }, 16);
      console.log(
        `${target.name}, ${layers} layers, Q_m ${order}: ${(100 * near).toFixed(1)} % within a step`,
      );
      expect(wrongSigns).toBeLessThan(0.002);
      expect(near).toBeGreaterThan(0.95);
    }
  });

  it("gives 0 where something is not finite, leaves out antennas, and nothing without grant", () => {
    const elements = { layers: 2, antennas: 3, order: 4, blocks: 1, snr_db: 12 } as const;
    const { inputs } = receive(elements, createRandom(seed));
    inputs.grid[2 * 5] = Number.NaN;
    const llrs = run(elements, inputs, 16);
    llrs.forEach((llr, bit) => {
      const spoilt = Math.floor(bit / 8) === 5;
      if (spoilt) expect(llr).toBe(0);
    });
    expect(llrs.filter((llr) => llr !== 0).length).toBeGreaterThan(80);
    inputs.grid[2 * 5] = 0;
    inputs.noise[2] = Number.POSITIVE_INFINITY;
    const two = {
      grid: inputs.grid.slice(0, 48),
      channel: Float32Array.from([...inputs.channel.slice(0, 48), ...inputs.channel.slice(72, 120)]),
      noise: inputs.noise.slice(0, 2),
    };
    expect(run(elements, inputs, 16)).toEqual(run({ ...elements, antennas: 2 }, two, 16));
  });

  it("stays within its limits for any input", () => {
    const values = fc.constantFrom(0, 1, -1, 1e-30, 1e30, -3e38, Number.NaN, Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(fc.infiniteStream(values), (stream) => {
        const draw = (length: number) => Float32Array.from({ length }, () => stream.next().value);
        const elements = { layers: 2, antennas: 2, order: 2, blocks: 1, snr_db: 0 } as const;
        const llrs = run(elements, { grid: draw(48), channel: draw(96), noise: draw(2) }, 4);
        expect(llrs.every((llr) => Math.abs(llr) <= LLR_SCALE * LARGEST_RATIO)).toBe(true);
      }),
      { numRuns: 100, seed },
    );
  });
});
