import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Target } from "../src/compiler/index.js";
import { type PreparedFunction, prepareFunction } from "../src/functions/index.js";
import { builtInModel } from "../src/neural/models/built-in.js";
import { createModel, portsOf } from "../src/neural/models/model.js";
import { writeModelDirectory } from "../src/neural/models/model-directory.js";
import { createRandom, type DelayProfileName } from "../src/radio/index.js";
import {
  estimation,
  estimationParameters,
  QUALITY_FIELDS,
  qualityFieldIndex,
} from "../src/transceiver/estimation/function.js";
import { GRANT_FIELDS, writeGrantMessage } from "../src/transceiver/pusch/grant-message.js";
import type { PuschConfiguration } from "../src/transceiver/pusch/index.js";
import { OFFSET_FIELDS, offsetFieldIndex } from "../src/transceiver/synchronization/offsets.js";
import { add, type Complex, complex, multiply, zero } from "./independent/complex.js";
import { dmrsSymbols } from "./independent/dmrs.js";
import { despread } from "./independent/estimation.js";
import { symbolsPerSlot } from "./independent/ofdm.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { hasData } from "./independent/reference-data.js";
import { dimensions, transmit } from "./independent/transmitter.js";
import { carrierFor, productConfiguration } from "./product-grant.js";
import { type Air, configurationOf, type ReceivedGrid, receiveGrid, relativeError } from "./received-grid.js";
import { testTargets } from "./targets.js";

const methods = ["ls", "lmmse"] as const;
const allMethods = [...methods, "learned-mmse"] as const;
type Method = (typeof allMethods)[number];
const seed = 38_211_641;
const decibels = (ratio: number) => 10 * Math.log10(ratio);

function prepare(target: Target, method: string, configuration: PuschConfiguration, antennas: number) {
  return prepareFunction(estimation, method, {
    target,
    dimensions: {
      antenna: antennas,
      layer: configuration.layers,
      symbol: configuration.grant.nrOfSymbols,
      subcarrier: configuration.allocation.subcarriers,
      grantField: GRANT_FIELDS,
      offsetField: OFFSET_FIELDS,
      qualityField: QUALITY_FIELDS,
    },
    parameters: estimationParameters(configuration),
  });
}

type Prepared = PreparedFunction<typeof estimation.inputs, typeof estimation.outputs, Record<never, never>>;

function process(prepared: Prepared, received: Pick<ReceivedGrid, "grid" | "message">): void {
  prepared.inputs.grid.view.set(received.grid);
  prepared.inputs.grant.view.set(received.message);
  prepared.process();
}

/** Means over slots: relative error of the channel, estimated over true noise, timing and frequency. */
function average(target: Target, method: Method, configuration: PuschConfiguration, air: Air, slots: number) {
  const prepared = prepare(target, method, configuration, air.antennas);
  const random = createRandom(seed);
  const mean = { error: 0, noise: 0, timing: 0, frequency: 0, snr: 0 };
  for (let slot = 0; slot < slots; slot++) {
    const received = receiveGrid(configuration, air, random);
    process(prepared, received);
    const { channel, noise, quality } = prepared.outputs;
    mean.error += relativeError(channel.view, received.channel) / slots;
    for (const variance of noise.view) mean.noise += variance / received.noise / air.antennas / slots;
    mean.timing += quality.view[qualityFieldIndex.timing]! / slots;
    mean.frequency += quality.view[qualityFieldIndex.frequency]! / slots;
    mean.snr += quality.view[qualityFieldIndex.snr]! / slots;
  }
  prepared.release();
  return mean;
}

describe("estimation against the independent implementation", () => {
  it.skipIf(!hasData)(
    "finds the flat channel of each layer of random grants of an independent transmitter",
    () => {
      const random = randomGenerator(seed);
      const antennas = 2;
      const outcomes = testTargets.flatMap((target) =>
        methods.map((method) => ({ target, method, worst: { small: 0, large: 0 } })),
      );
      let worstReference = 0;
      for (let index = 0; index < 50; index++) {
        const grant = randomGrant(random, index);
        const configuration = productConfiguration(grant, carrierFor(grant, random));
        const ports = transmit(grant, random.bits(dimensions(grant).transportBlockSize));
        const gains = Array.from({ length: antennas }, () =>
          ports.map(() => complex(random.normal(), random.normal())),
        );
        const symbols = symbolsPerSlot(grant.cyclicPrefix);
        const received = gains.map((row) =>
          Array.from({ length: symbols }, (_, symbol) =>
            ports[0]![symbol]!.map((_, k) =>
              row.reduce((sum, gain, port) => add(sum, multiply(gain, ports[port]![symbol]![k]!)), zero),
            ),
          ),
        );
        const subcarriers = 12 * grant.rbSize;
        const grid = new Float32Array(2 * antennas * grant.nrOfSymbols * subcarriers);
        received.forEach((antenna, a) => {
          for (let l = 0; l < grant.nrOfSymbols; l++)
            for (let k = 0; k < subcarriers; k++) {
              const { re, im } = antenna[grant.startSymbolIndex + l]![12 * grant.rbStart + k]!;
              grid.set([re, im], 2 * ((a * grant.nrOfSymbols + l) * subcarriers + k));
            }
        });
        const message = new Int32Array(GRANT_FIELDS);
        writeGrantMessage(configuration, message);
        const dmrs = dmrsSymbols(grant);
        const transmission = {
          ...grant,
          symbolsPerSlot: symbols,
          dmrsScramblingId: grant.dmrsScramblingId ?? grant.physCellId,
        };
        // [layer][antenna]
        const wanted = Array.from({ length: grant.nrOfLayers * antennas }, (_, row): Complex => {
          const port = grant.dmrsPorts[Math.floor(row / antennas)]!;
          const reference = despread(received[row % antennas]!, transmission, dmrs, port);
          const [{ channel: first }] = reference as [(typeof reference)[number]];
          for (const { channel: other } of reference)
            worstReference = Math.max(worstReference, Math.hypot(other.re - first.re, other.im - first.im));
          return first;
        });
        const size = grant.nrOfSymbols * subcarriers;
        const kind = grant.rbSize < 4 ? "small" : "large";
        for (const { target, method, worst } of outcomes) {
          const prepared = prepare(target, method, configuration, antennas);
          process(prepared, { grid, message });
          const channel = prepared.outputs.channel.view;
          wanted.forEach(({ re, im }, row) => {
            for (let at = 2 * row * size; at < 2 * (row + 1) * size; at += 2)
              worst[kind] = Math.max(worst[kind], Math.hypot(channel[at]! - re, channel[at + 1]! - im));
          });
          prepared.release();
        }
      }
      expect(worstReference).toBeLessThan(1e-9);
      for (const { target, method, worst } of outcomes) {
        const name = `${method} on ${target.name}`;
        console.log(
          `${name}: largest difference ${worst.large.toFixed(3)}, below 4 PRBs ${worst.small.toFixed(3)}`,
        );
        // Gains are of size 1 to 4. Filters made for spread channels have few degrees of freedom left in one or two blocks.
        expect(worst.large, name).toBeLessThan(0.1);
        expect(worst.small, name).toBeLessThan(0.3);
      }
    },
  );
});

describe.each(testTargets)("channel estimates on TDL channels on $name", (target) => {
  const configuration = configurationOf({ rbSize: 24 });
  const profiles: [DelayProfileName, number][] = [
    ["TDL-A", 30e-9],
    ["TDL-B", 100e-9],
    ["TDL-C", 300e-9],
  ];
  it("LMMSE beats LS up to 10 dB and at 30 dB stays below -25 dB", () => {
    for (const [profile, delaySpread_s] of profiles)
      for (const snr_db of [-5, 0, 5, 10, 20, 30]) {
        const air = { profile, delaySpread_s, doppler_hz: 10, snr_db, antennas: 1 };
        const [ls, lmmse] = methods.map((method) =>
          decibels(average(target, method, configuration, air, 8).error),
        );
        console.log(
          `${profile} ${Math.round(delaySpread_s * 1e9)} ns, ${snr_db} dB: error of LS ${ls!.toFixed(1)} dB, of LMMSE ${lmmse!.toFixed(1)} dB`,
        );
        if (snr_db <= 10) expect(lmmse).toBeLessThan(ls!);
        expect(ls).toBeLessThan(Math.max(-snr_db - 3, -25));
      }
  });

  it.each(allMethods)(
    "%s is as good with a timing offset of half a prefix or 500 Hz of carrier offset",
    (method) => {
      const still = { profile: "TDL-B", delaySpread_s: 100e-9, snr_db: 15, antennas: 1 } as const;
      const without = average(target, method, configuration, still, 10);
      const half = 72 / 2048 / 30e3;
      for (const timing_s of [-half, half]) {
        const moved = average(target, method, configuration, { ...still, timing_s }, 10);
        expect(decibels(moved.error / without.error)).toBeLessThan(1);
        // The discrete lag measures the circular mean of the delays, which moves a little with the offset.
        expect(Math.abs(moved.timing - without.timing - timing_s)).toBeLessThan(10e-9);
      }
      const turned = average(target, method, configuration, { ...still, frequency_hz: 500 }, 10);
      expect(decibels(turned.error / without.error)).toBeLessThan(0.5);
      expect(Math.abs(turned.frequency - without.frequency - 500)).toBeLessThan(5);
    },
  );

  it("finds frequency within 3 Hz and timing within 3 ns at 20 dB on a flat channel", () => {
    const air = { profile: "flat", snr_db: 20, antennas: 2, timing_s: 2e-7, frequency_hz: -321 } as const;
    const { timing, frequency, snr } = average(target, "lmmse", configuration, air, 10);
    expect(Math.abs(timing - 2e-7)).toBeLessThan(3e-9);
    expect(Math.abs(frequency + 321)).toBeLessThan(3);
    expect(decibels(snr)).toBeGreaterThan(17);
    expect(decibels(snr)).toBeLessThan(23);
  });

  it.each([
    ["one PRB", { rbSize: 1 }],
    ["one PRB, type 2", { rbSize: 1, dmrsConfigType: 2 }],
    ["two layers in one PRB", { rbSize: 1, nrOfLayers: 2 }],
    ["four layers, double symbol", { rbSize: 6, nrOfLayers: 4, dmrsLength: 2, dmrsPorts: [0, 1, 4, 5] }],
    [
      "four layers, type 2, three groups",
      { rbSize: 6, nrOfLayers: 4, dmrsConfigType: 2, dmrsPorts: [0, 1, 2, 4] },
    ],
    ["one position", { rbSize: 6, dmrsAdditionalPosition: 0 }],
    ["four positions", { rbSize: 6, dmrsAdditionalPosition: 3 }],
  ])("works with %s", (_, grant) => {
    const groups = "nrOfLayers" in grant && "dmrsConfigType" in grant ? { numDmrsCdmGrpsNoData: 3 } : {};
    const additional = "dmrsLength" in grant ? { dmrsAdditionalPosition: 1 } : {};
    const small = configurationOf({ ...grant, ...groups, ...additional });
    const air = { profile: "TDL-A", delaySpread_s: 30e-9, snr_db: 20, antennas: 2 } as const;
    for (const method of allMethods)
      expect(decibels(average(target, method, small, air, 12).error)).toBeLessThan(-14);
  });
});

describe.each(testTargets)("noise estimates on $name", (target) => {
  it.each(["flat", "TDL-C"] as const)("are within 10 % at 0, 10 and 20 dB, on %s (300 ns)", (profile) => {
    const spread = profile === "flat" ? {} : { delaySpread_s: 300e-9 };
    for (const grant of [{ rbSize: 51 }, { rbSize: 51, nrOfLayers: 2 }, { rbSize: 51, dmrsConfigType: 2 }])
      for (const snr_db of [0, 10, 20]) {
        const air = { profile, ...spread, snr_db, antennas: 2 } as const;
        const { noise } = average(target, "lmmse", configurationOf(grant), air, 4);
        expect(Math.abs(noise - 1), `${JSON.stringify(grant)}, ${snr_db} dB: ${noise}`).toBeLessThan(0.1);
      }
  });

  it("saturate where the channel's own spread leaks: prints at which SNR they are 3 dB too high", () => {
    for (const [profile, delaySpread_s] of [
      ["TDL-A", 30e-9],
      ["TDL-B", 100e-9],
      ["TDL-C", 300e-9],
    ] as const) {
      const air = { profile, delaySpread_s, snr_db: 60, antennas: 1 };
      const { noise } = average(target, "lmmse", configurationOf({ rbSize: 51 }), air, 10);
      const floor = 60 - decibels(noise);
      console.log(
        `noise of ${profile} ${Math.round(delaySpread_s * 1e9)} ns saturates at ${floor.toFixed(1)} dB`,
      );
      expect(floor).toBeGreaterThan(28);
    }
  });
});

describe.each(testTargets)("estimation's edges on $name", (target) => {
  const configuration = configurationOf({ rbSize: 4, nrOfLayers: 2 });
  const air = { profile: "TDL-A", delaySpread_s: 30e-9, snr_db: 20, antennas: 2 } as const;

  it.each(allMethods)(
    "%s gives no channel and infinite noise for pilots that are no numbers, zeros and no grant",
    (method) => {
      const prepared = prepare(target, method, configuration, 2);
      const received = receiveGrid(configuration, air, createRandom(seed));
      const applied = [1e-7, 250, 1, 0];
      prepared.inputs.applied.view.set(applied);
      const spoilt = received.grid.slice();
      spoilt[2 * (2 * 48 + 4)] = NaN;
      const none = received.message.slice();
      none[0] = 0;
      for (const input of [
        { ...received, grid: spoilt },
        { ...received, grid: received.grid.map(() => 0) },
        { ...received, grid: received.grid.map(() => Infinity) },
        { ...received, message: none },
      ]) {
        process(prepared, input);
        expect(prepared.outputs.channel.view.every((value) => value === 0)).toBe(true);
        expect([...prepared.outputs.noise.view]).toEqual([Infinity, Infinity]);
        expect([...prepared.outputs.tracking.view]).toEqual([...Float32Array.from(applied)]);
      }
      prepared.release();
    },
  );

  it.each(allMethods)(
    "%s adds what is left to what was applied and keeps nothing from slot to slot",
    (method) => {
      const prepared = prepare(target, method, configuration, 2);
      prepared.inputs.applied.view.set([1e-7, 250, 0, 0]);
      const received = receiveGrid(configuration, { ...air, frequency_hz: 100 }, createRandom(seed));
      process(prepared, received);
      const first = prepared.outputs.channel.view.slice();
      const { tracking, quality } = prepared.outputs;
      expect(tracking.view[offsetFieldIndex.frequency]).toBeCloseTo(
        250 + quality.view[qualityFieldIndex.frequency]!,
        2,
      );
      expect(tracking.view[offsetFieldIndex.timing]).toBeCloseTo(
        1e-7 + quality.view[qualityFieldIndex.timing]!,
        12,
      );
      expect(tracking.view[offsetFieldIndex.valid]).toBe(1);
      process(prepared, receiveGrid(configuration, { ...air, snr_db: -5 }, createRandom(seed + 1)));
      process(prepared, received);
      expect(prepared.outputs.channel.view).toEqual(first);
      prepared.release();
    },
  );

  it("is LMMSE's where a network gives weights that are no numbers", () => {
    const directory = mkdtempSync(join(tmpdir(), "neuroran-estimation-"));
    const { onnx } = builtInModel("learned-mmse-nr");
    const initializers = new Map(onnx.graph.initializers);
    const [name, weights] = [...initializers].find(([one]) => one === "likelihood.bias")!;
    initializers.set(name, { ...weights, data: new Float32Array(weights.data.length).fill(NaN) });
    const broken = { ...onnx, graph: { ...onnx.graph, initializers } };
    const path = join(directory, "broken");
    writeModelDirectory(path, createModel({ format: 1, name: "broken", ...portsOf(broken) }, broken));
    const received = receiveGrid(configuration, air, createRandom(seed));
    const [learned, lmmse] = [path, "lmmse"].map((method) => prepare(target, method, configuration, 2));
    for (const one of [learned!, lmmse!]) process(one, received);
    expect(learned!.outputs.channel.view).toEqual(lmmse!.outputs.channel.view);
    expect(learned!.outputs.noise.view).toEqual(lmmse!.outputs.noise.view);
    for (const one of [learned!, lmmse!]) one.release();
    rmSync(directory, { recursive: true });
  });

  it("refuses dimensions that do not fit the pilots", () => {
    const wrong = (change: Record<string, number>) => () =>
      prepareFunction(estimation, "ls", {
        target,
        dimensions: {
          antenna: 1,
          layer: 2,
          symbol: 14,
          subcarrier: 48,
          grantField: GRANT_FIELDS,
          offsetField: OFFSET_FIELDS,
          qualityField: QUALITY_FIELDS,
          ...change,
        },
        parameters: estimationParameters(configuration),
      });
    expect(wrong({ layer: 1 })).toThrow(/layer is 1 and must be 2/);
    expect(wrong({ subcarrier: 50 })).toThrow(/multiple of 12/);
    expect(wrong({ symbol: 8 })).toThrow(/do not fit a grid of symbols 0 to 7/);
  });
});
