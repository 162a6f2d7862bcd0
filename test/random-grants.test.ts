import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Target, TargetName } from "../src/compiler/index.js";
import { createArena, createFlowInstance, startSlotExecutor } from "../src/functions/index.js";
import { createRandom, type Random } from "../src/radio/index.js";
import {
  type PuschConfiguration,
  parseCarrier,
  parseGrant,
  puschConfiguration,
} from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver, defaultGuard } from "../src/transceiver/receiver.js";
import { type uplink, uplinkFromGrid } from "../src/transceiver/uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../src/transceiver/uplink-configuration.js";
import type { UplinkInstanceOptions } from "../src/transceiver/uplink-instance.js";
import { warmUpGrants } from "../src/transceiver/warm-up.js";
import { receiveGrid } from "./received-grid.js";
import { testTargets } from "./targets.js";

const seed = 1000;
const slots = 1000;
const antennas = 2;
const maximumVariants = 16;
const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 });

// Kernels are to be compiled while slots run: the cache begins empty.
const directory = mkdtempSync(join(tmpdir(), "neuroran-grants-"));
process.env.NEURORAN_CACHE = directory;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function choose<T>(random: Random, of: readonly T[]): T {
  return of[random.integer(of.length)]!;
}

/** Any grant of the carrier for one or two layers, with or without transform precoding. */
function randomGrant(random: Random, slot: number): PuschConfiguration {
  for (;;) {
    const rbSize = 1 + random.integer(carrier.carrierPrbs);
    const nrOfLayers = 1 + random.integer(antennas);
    const dmrsConfigType = choose(random, [1, 2] as const);
    const numDmrsCdmGrpsNoData = 1 + random.integer(dmrsConfigType + 1);
    const grant = {
      slot: slot % 20,
      physCellId: random.integer(1008),
      rnti: 1 + random.integer(65519),
      rbStart: random.integer(carrier.carrierPrbs + 1 - rbSize),
      rbSize,
      mcsTable: 1 + random.integer(3),
      mcsIndex: random.integer(29),
      nrOfLayers,
      harqProcessId: random.integer(16),
      startSymbolIndex: 0,
      nrOfSymbols: 6 + random.integer(9),
      dmrsConfigType,
      dmrsLength: 1 + random.integer(2),
      dmrsAdditionalPosition: random.integer(4),
      dmrsPorts:
        nrOfLayers === 2
          ? choose(random, [
              [0, 1],
              [0, 2],
            ] as const)
          : [random.integer(2)],
      numDmrsCdmGrpsNoData,
      transformPrecoding: random.integer(4) === 0,
    };
    try {
      return puschConfiguration(carrier, parseGrant(grant, carrier));
    } catch {
      // Not every choice goes with every other.
    }
  }
}

/** An instance of the receiver, and what it says of a slot. */
function createReceiver(target: Target) {
  const arena = createArena({ bytes: 2 ** 28 });
  const free = arena.available().bytes;
  const instance = createFlowInstance(uplinkFromGrid, {
    arena,
    target,
    maximumVariants,
    stateDimensions: uplinkStateDimensions(carrier, antennas),
  });
  const prepare = (configuration: PuschConfiguration) =>
    instance.prepare(uplinkConfiguration(configuration, { receiveAntennas: antennas, guard: 0 }, false));
  return {
    instance,
    prepare,
    taken: () => free - arena.available().bytes,
    receive(configuration: PuschConfiguration, grid: Float32Array, message: Int32Array) {
      const begin = performance.now();
      const variant = prepare(configuration);
      const prepared = performance.now();
      variant.inputs.grid.view.set(grid);
      variant.inputs.grant.view.set(message);
      variant.process();
      const end = performance.now();
      const { crc, block, iterations } = variant.outputs;
      return {
        prepare_ms: prepared - begin,
        slot_ms: end - begin,
        crc: crc.view[0],
        block: [...block.view],
        iterations: [...iterations.view],
      };
    },
  };
}

const summary = (durations: number[]): string => {
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return `p50 ${at(0.5).toFixed(2)} p99 ${at(0.99).toFixed(2)} maximum ${at(1).toFixed(2)} ms`;
};

describe.each(testTargets)("a new grant in every slot on $name", (target) => {
  it(`is received at once, ${slots} of seed ${seed}, in bounded memory`, { timeout: 240_000 }, () => {
    const random = createRandom(seed);
    const receiver = createReceiver(target);
    // The same without a compiler's thread: every kernel is compiled before its first slot. Native code takes a minute so.
    const { compileInBackground: _, ...atOnce } = target;
    const reference = target.name === "wasm" ? createReceiver(atOnce) : undefined;
    const before = target.counts();
    for (const grant of warmUpGrants(carrier, antennas)) receiver.prepare(grant);
    receiver.instance.settle();
    const warm = new Set(receiver.instance.kernels().map(({ name }) => name));

    const air = { profile: "flat", snr_db: 35, antennas } as const;
    const prepare_ms: number[] = [];
    const slot_ms: number[] = [];
    const late = new Set<string>();
    let [passed, most, generic, kernels] = [0, 0, 0, 0];
    for (let slot = 0; slot < slots; slot++) {
      const configuration = randomGrant(random, slot);
      const { grid, message, payload } = receiveGrid(configuration, air, random);
      const {
        prepare_ms: preparing,
        slot_ms: whole,
        ...found
      } = receiver.receive(configuration, grid, message);
      prepare_ms.push(preparing);
      slot_ms.push(whole);
      if (found.crc) expect(found.block, `slot ${slot}`).toEqual([...payload]);
      if (reference) {
        const { prepare_ms: _p, slot_ms: _s, ...wanted } = reference.receive(configuration, grid, message);
        expect(found, `slot ${slot}`).toEqual(wanted);
      }
      passed += found.crc!;
      most = Math.max(most, receiver.taken());
      const records = receiver.instance.kernels();
      kernels = Math.max(kernels, records.length);
      generic += records.some(({ compileMilliseconds }) => compileMilliseconds === undefined) ? 1 : 0;
      for (const { name, specialized } of records) if (!specialized && !warm.has(name)) late.add(name);
    }
    const { compiled, loaded } = target.counts();
    console.log(
      [
        `${target.name}: ${slots} random grants of seed ${seed}, ${passed} received, after a start with ${warm.size} kernels`,
        `slot, preparation included: ${summary(slot_ms)}; preparation: ${summary(prepare_ms)}`,
        `variants kept: ${maximumVariants}; kernels kept at most: ${kernels}; compiled: ${compiled - before.compiled}, loaded: ${loaded - before.loaded}`,
        `memory of tensors at most: ${(most / 2 ** 20).toFixed(1)} MiB; slots while something was being compiled: ${generic}`,
      ].join("\n"),
    );
    expect([...late], "compiled while a slot waited").toEqual([]);
    expect(passed).toBeGreaterThan(0.98 * slots);
    expect(generic).toBeGreaterThan(0);
    expect(kernels).toBeLessThan(400);
    expect(most).toBeLessThan(64 * 2 ** 20);
    receiver.instance.settle();
    receiver.instance.close();
    expect(receiver.taken()).toBe(0);
    reference?.instance.close();
  });

  it("finds a slot thread that was started warm", async () => {
    const settings = { receiveAntennas: antennas, guard: defaultGuard(carrier) };
    const options: UplinkInstanceOptions = {
      target: target.name as TargetName,
      stateDimensions: uplinkStateDimensions(carrier, antennas),
      warmUp: { carrier, settings },
    };
    const executor = await startSlotExecutor<typeof uplink>({
      module: new URL("../src/transceiver/uplink-instance.js", import.meta.url),
      factory: "createUplink",
      options,
      arenaBytes: 2 ** 28,
    });
    await executor.prepare(uplinkConfiguration(randomGrant(createRandom(5), 0), settings));
    const { kernels } = executor.statistics();
    await executor.close();
    // One grant alone takes less than thirty.
    expect(kernels.length).toBeGreaterThan(70);
  });

  it("is received by a warm receiver without another kernel but its code's", () => {
    const receiver = createUplinkReceiver({ carrier, receiveAntennas: antennas, target });
    receiver.warmUp("grid");
    const warm = new Set(receiver.kernels().map(({ name }) => name));
    const random = createRandom(7);
    const grant = { slot: 3, physCellId: 9, rnti: 4711, rbStart: 2, rbSize: 33, mcsIndex: 15, nrOfLayers: 2 };
    const configuration = puschConfiguration(carrier, parseGrant(grant, carrier));
    const numbers = 2 * antennas * 14 * 12 * carrier.carrierPrbs;
    receiver.receiveGrid(
      Float32Array.from({ length: numbers }, () => random.gaussian()),
      grant,
    );
    const further = receiver.kernels().filter(({ name }) => !warm.has(name));
    const { liftingSize, baseGraph } = configuration.codeBlocks;
    const code = new RegExp(`bg${baseGraph}_z${liftingSize}_`);
    expect(further.filter(({ name, specialized }) => !(specialized && code.test(name)))).toEqual([]);
    receiver.close();
  });
});
