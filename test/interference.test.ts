import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prepareFunction, runFunction } from "../src/functions/index.js";
import { createRandom } from "../src/radio/index.js";
import { whitening } from "../src/transceiver/equalization/whitening.js";
import { estimationParameters } from "../src/transceiver/estimation/function.js";
import {
  INTERFERENCE_BLOCKS,
  interference,
  interferenceGroups,
} from "../src/transceiver/estimation/interference.js";
import { hermitian, type Matrix, product } from "./independent/channel-equalization.js";
import { add, type Complex, complex, conjugate, multiply, zero } from "./independent/complex.js";
import { type InterferedSlot, interferedSlots } from "./interfered-slot.js";
import { configurationOf, receiveGrid } from "./received-grid.js";
import { testTargets } from "./targets.js";

const seed = 38_104_832;
const decibels = (ratio: number) => 10 * Math.log10(ratio);

/** Complex numbers of a list of interleaved ones. */
function complexes(values: ArrayLike<number>, first: number, count: number): Complex[] {
  return Array.from({ length: count }, (_, k) =>
    complex(values[2 * (first + k)]!, values[2 * (first + k) + 1]!),
  );
}

describe.each(testTargets)("whitening on $name", (target) => {
  const run = (
    sizes: { antenna: number; layer: number; symbol: number; blocks: number; groups: number },
    inputs: Record<"grid" | "channel" | "covariance", Float32Array>,
  ) => {
    const { blocks, groups: interferenceGroup, ...others } = sizes;
    const dimensions = { ...others, subcarrier: 12 * blocks, interferenceGroup };
    return runFunction(whitening, "cholesky", { target, dimensions, inputs }).outputs;
  };

  it("makes W·R·Wᴴ the identity, alike for grid and channel, group by group", () => {
    const sizes = fc.record({
      antenna: fc.integer({ min: 1, max: 8 }),
      layer: fc.integer({ min: 1, max: 2 }),
      symbol: fc.integer({ min: 1, max: 2 }),
      blocks: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 1e6 }), (own, number) => {
        const { antenna: antennas, layer: layers, symbol, blocks } = own;
        const groups = Math.ceil(blocks / INTERFERENCE_BLOCKS);
        const random = createRandom(number);
        const size = 12 * symbol * blocks;
        const covariance = new Float32Array(2 * groups * antennas * antennas);
        const matrices: Matrix[] = [];
        for (let group = 0; group < groups; group++) {
          const root: Matrix = Array.from({ length: antennas }, () =>
            Array.from({ length: antennas }, () => complex(random.gaussian(), random.gaussian())),
          );
          const matrix = product(root, hermitian(root)).map((row, r) =>
            row.map((value, c) => (r === c ? add(value, complex(0.5)) : value)),
          );
          matrices.push(matrix);
          matrix.flat().forEach(({ re, im }, k) => {
            covariance.set([re, im], 2 * (group * antennas * antennas + k));
          });
        }
        // Unit vectors as the signals: each resource element shows one column of W, and the channel all of them scaled.
        const grid = new Float32Array(2 * antennas * size);
        const channel = new Float32Array(2 * layers * antennas * size);
        for (let k = 0; k < size; k++) {
          grid[2 * ((k % antennas) * size + k)] = 1;
          for (let layer = 0; layer < layers; layer++)
            channel[2 * ((layer * antennas + (k % antennas)) * size + k) + 1] = 2 + layer;
        }
        const out = run({ ...own, groups }, { grid, channel, covariance });
        const columnAt = (values: ArrayLike<number>, row: number, k: number) =>
          Array.from(
            { length: antennas },
            (_, a) => complexes(values, (row * antennas + a) * size + k, 1)[0]!,
          );
        for (let group = 0; group < groups; group++) {
          const first = 12 * INTERFERENCE_BLOCKS * group;
          const columns = Array.from({ length: antennas }, (_, a) => {
            const k = first + ((a - (first % antennas) + antennas) % antennas);
            const column = columnAt(out.grid, 0, k);
            for (let layer = 0; layer < layers; layer++)
              columnAt(out.channel, layer, k).forEach((value, row) => {
                const wanted = multiply(column[row]!, complex(0, 2 + layer));
                expect(Math.hypot(value.re - wanted.re, value.im - wanted.im)).toBeLessThan(1e-5);
              });
            return column;
          });
          const w: Matrix = Array.from({ length: antennas }, (_, row) =>
            columns.map((column) => column[row]!),
          );
          product(product(w, matrices[group]!), hermitian(w)).forEach((row, r) => {
            row.forEach(({ re, im }, c) => {
              expect(Math.hypot(re - (r === c ? 1 : 0), im)).toBeLessThan(1e-3);
            });
          });
        }
        expect([...out.noise]).toEqual(Array(antennas).fill(1));
      }),
      { numRuns: 40, seed },
    );
  });

  it("leaves out antennas of infinite variance, and takes singular covariance and zeros for very little", () => {
    const sizes = { antenna: 3, layer: 1, symbol: 1, blocks: 1, groups: 1 };
    const random = createRandom(seed);
    const draw = (length: number) => Float32Array.from({ length }, () => random.gaussian());
    const inputs = { grid: draw(72), channel: draw(72), covariance: new Float32Array(18) };
    for (const [antenna, variance] of [1, Number.POSITIVE_INFINITY, 4].entries())
      inputs.covariance[8 * antenna] = variance;
    const { grid, noise } = run(sizes, inputs);
    expect([...noise]).toEqual([1, Number.POSITIVE_INFINITY, 1]);
    expect(grid.slice(0, 24)).toEqual(inputs.grid.slice(0, 24));
    expect(grid.slice(24, 48).every((value) => value === 0)).toBe(true);
    expect(grid.slice(48)).toEqual(inputs.grid.slice(48).map((value) => value / 2));
    for (const covariance of [new Float32Array(18), inputs.covariance.map((_, k) => (k % 2 === 0 ? 1 : 0))]) {
      const out = run(sizes, { ...inputs, covariance });
      expect(out.grid.every(Number.isFinite) && out.channel.every(Number.isFinite)).toBe(true);
      expect([...out.noise]).toEqual([1, 1, 1]);
    }
    const missing = run(sizes, { ...inputs, covariance: new Float32Array(18).fill(Number.NaN) });
    expect([...missing.noise]).toEqual(Array(3).fill(Number.POSITIVE_INFINITY));
  });
});

describe.each(testTargets)("interference on $name", (target) => {
  const grant = {
    rbSize: 24,
    nrOfLayers: 2,
    dmrsPorts: [0, 1],
    dmrsSymbPos: [2, 11],
    numDmrsCdmGrpsNoData: 2,
  };
  const prepare = (given: Record<string, unknown>, antennas: number) => {
    const configuration = configurationOf(given);
    const received = receiveGrid(configuration, { profile: "flat", snr_db: 0, antennas }, createRandom(seed));
    const prepared = prepareFunction(interference, "dmrs-residuals", {
      target,
      dimensions: {
        ...received.dimensions,
        grantField: received.message.length,
        interferenceGroup: interferenceGroups(received.dimensions.subcarrier),
      },
      parameters: estimationParameters(configuration),
    });
    prepared.inputs.grant.view.set(received.message);
    prepared.inputs.grid.view.set(received.grid);
    prepared.inputs.channel.view.set(received.channel);
    return { prepared, received };
  };

  it.each([
    grant,
    { ...grant, nrOfLayers: 3, dmrsPorts: [0, 1, 2] },
    { ...grant, dmrsConfigType: 2, nrOfLayers: 4, dmrsPorts: [0, 1, 2, 5], numDmrsCdmGrpsNoData: 3 },
    { ...grant, dmrsLength: 2, dmrsSymbPos: [2, 3], nrOfLayers: 2, dmrsPorts: [4, 1], rbSize: 7 },
    { ...grant, rbSize: 273, nrOfLayers: 1, dmrsPorts: [1], dmrsSymbPos: [2] },
  ])("finds, with the channel known, that noise of one source comes in alike: %j", (given) => {
    const antennas = 3;
    const { prepared, received } = prepare(given, antennas);
    const { symbol, subcarrier } = received.dimensions;
    // One source of power 1 at the antennas' gains, and a tenth of that white.
    const gains = [complex(1, 0), complex(0.5, -1), complex(-0.3, 0.2)];
    const random = createRandom(seed + 1);
    const silent = receiveGridWithoutNoise(given, antennas);
    const grid = prepared.inputs.grid.view;
    grid.set(silent);
    const size = symbol * subcarrier;
    for (let k = 0; k < size; k++) {
      const source = complex(Math.SQRT1_2 * random.gaussian(), Math.SQRT1_2 * random.gaussian());
      gains.forEach((gain, antenna) => {
        const { re, im } = multiply(gain, source);
        grid[2 * (antenna * size + k)]! += re + Math.sqrt(0.05) * random.gaussian();
        grid[2 * (antenna * size + k) + 1]! += im + Math.sqrt(0.05) * random.gaussian();
      });
    }
    const wanted: Matrix = gains.map((a, r) =>
      gains.map((b, c) => add(multiply(a, conjugate(b)), r === c ? complex(0.1) : zero)),
    );
    prepared.inputs.noise.view.set(wanted.map((row, r) => row[r]!.re));
    prepared.process();
    const values = prepared.outputs.covariance.view;
    for (let group = 0; group < interferenceGroups(subcarrier); group++)
      complexes(values, group * antennas * antennas, antennas * antennas).forEach(({ re, im }, k) => {
        const [row, column] = [Math.floor(k / antennas), k % antennas];
        const entry = wanted[row]![column]!;
        const unit = Math.sqrt(wanted[row]![row]!.re * wanted[column]![column]!.re);
        expect(Math.hypot(re - entry.re, im - entry.im) / unit, `${group}: ${row}, ${column}`).toBeLessThan(
          0.35,
        );
      });
    prepared.release();
  });

  /** The same slot without noise. */
  function receiveGridWithoutNoise(given: Record<string, unknown>, antennas: number): Float32Array {
    const air = { profile: "flat", snr_db: Number.POSITIVE_INFINITY, antennas } as const;
    return receiveGrid(configurationOf(given), air, createRandom(seed)).grid;
  }

  it("leaves the diagonal of the noise where it is white, and where residuals are no numbers", () => {
    const { prepared } = prepare({ ...grant, rbSize: 100 }, 4);
    prepared.inputs.noise.view.set([1, 2, 3, 4]);
    prepared.process();
    const values = prepared.outputs.covariance.view;
    for (let k = 0; k < values.length / 2; k++) {
      const [row, column] = [Math.floor(k / 4) % 4, k % 4];
      const size = Math.hypot(values[2 * k]!, values[2 * k + 1]!) / Math.sqrt((row + 1) * (column + 1));
      if (row === column) expect(Math.abs(size - 1)).toBeLessThan(0.35);
      else expect(size).toBeLessThan(0.15);
    }
    prepared.inputs.grid.view.fill(Number.NaN);
    prepared.process();
    const diagonal = Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? [k / 5 + 1, 0] : [0, 0])).flat();
    expect([...values.subarray(0, 32)]).toEqual(diagonal);
    prepared.inputs.noise.view.set([1, Number.NaN, Number.POSITIVE_INFINITY, 0]);
    prepared.process();
    const [out, none] = [Number.POSITIVE_INFINITY, 0];
    expect([0, 5, 10, 15].map((k) => values[2 * k])).toEqual([1, out, out, none]);
    prepared.inputs.grant.view.fill(0);
    prepared.inputs.noise.view.fill(Number.POSITIVE_INFINITY);
    prepared.process();
    expect([0, 5, 10, 15].map((k) => values[2 * k])).toEqual([out, out, out, out]);
    prepared.release();
  });
});

describe("interference rejection combining", () => {
  const target = testTargets[0]!;
  const slot = (
    antennas: number,
    interference_db: number,
    more: Partial<InterferedSlot> = {},
  ): InterferedSlot => ({
    grant: {
      rbSize: 51,
      mcsIndex: 9,
      dmrsSymbPos: [2, 11],
      nrOfLayers: 2,
      dmrsPorts: [0, 1],
      numDmrsCdmGrpsNoData: 2,
    },
    air: { profile: "TDL-A", delaySpread_s: 100e-9, snr_db: 15, antennas },
    interferer: { nrOfLayers: 1, dmrsPorts: [0] },
    interference_db,
    ...more,
  });

  it.each([
    [4, 0, 5],
    [4, 10, 6],
    [8, 0, 6],
    [8, 10, 8],
  ])(
    "gains with %i antennas on an interferer at %i dB at least %i dB",
    (antennas, interference_db, least) => {
      const { mmse, irc } = interferedSlots(slot(antennas, interference_db), 8, createRandom(seed), target);
      const gain = decibels(mmse.error / irc.error);
      console.log(`${antennas} antennas, interferer at ${interference_db} dB: ${gain.toFixed(1)} dB gained`);
      expect(gain).toBeGreaterThan(least);
    },
  );

  it("works with successive cancellation as with MMSE", () => {
    const own = slot(4, 0, { equalization: "mmse-sic" });
    const { mmse, irc } = interferedSlots(own, 8, createRandom(seed), target);
    expect(decibels(mmse.error / irc.error)).toBeGreaterThan(4);
  });

  it.each([
    [4, 51],
    [4, 4],
    [4, 1],
    [8, 51],
    [8, 4],
  ])(
    "loses with %i antennas and %i resource blocks less than 0.3 dB without interferer",
    (antennas, rbSize) => {
      const own = slot(antennas, Number.NEGATIVE_INFINITY);
      const grant = { ...own.grant, rbSize };
      const slots = Math.ceil(240 / rbSize);
      const { mmse, irc } = interferedSlots({ ...own, grant }, slots, createRandom(seed), target);
      const loss = decibels(irc.error / mmse.error);
      console.log(`${antennas} antennas, ${rbSize} resource blocks: ${loss.toFixed(2)} dB lost`);
      expect(loss).toBeLessThan(0.3);
    },
  );
});
