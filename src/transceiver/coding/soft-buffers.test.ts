import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Target } from "../../compiler/index.js";
import { createArena, createFlowInstance, dataflow, int8, int32 } from "../../functions/index.js";
import { createRandom, type Random } from "../../radio/index.js";
import { codeBlocks } from "../pusch/code-blocks.js";
import { GRANT_FIELDS, grantFieldIndex } from "../pusch/grant-message.js";
import { parseCarrier, parseGrant, puschConfiguration } from "../pusch/index.js";
import { baseGraph } from "./base-graph.js";
import { prepareEncoder } from "./encode.js";
import { decoding } from "./function.js";
import { harqKey, harqProcessIndex, harqProcessKey, softBitCapacity } from "./soft-buffers.js";

const size = 52;
const graph = baseGraph(2, size);
const encodedBits = 50 * size;
const informationBits = 10 * size;
const shortEnd = 16 * size - 1;
const seed = 54222;

const flow = dataflow(
  "decode",
  { inputs: { codeword: int8("codeBlock", "circularBufferBit"), grant: int32("grantField") } },
  (inputs) => decoding(inputs),
);

/** A decoder of transport blocks of one or two code blocks that reach to the end of the buffer, or not so far. */
function createDecoder(target: Target, softBit: number) {
  const arena = createArena({ bytes: 8 * 2 ** 20, canaries: true });
  const instance = createFlowInstance(flow, { arena, target, stateDimensions: { softBit, harqProcess: 32 } });
  return {
    state: instance.state.decoding!,
    /** Of the latest slot. */
    row: () => instance.keyed[0]!.rows.view[0]!,
    check: () => arena.checkCanaries(),
    close: instance.close,
    decode(soft: Int8Array, lastPosition: number, grant: Grant) {
      const codeBlock = soft.length / encodedBits;
      const variant = instance.prepare({
        key: `${codeBlock} ${lastPosition}`,
        dimensions: {
          codeBlock,
          circularBufferBit: encodedBits,
          blockByte: informationBits / 8,
          grantField: GRANT_FIELDS,
        },
        parameters: { decoding: { lastPosition, maximumIterations: 5 } },
      });
      const { codeword, grant: message } = variant.inputs;
      codeword.view.set(soft);
      message.view[grantFieldIndex.valid] = 1;
      message.view[grantFieldIndex.rnti] = grant.rnti;
      message.view[grantFieldIndex.harqProcessId] = grant.process ?? 0;
      message.view[grantFieldIndex.newDataIndicator] = grant.isNew ? 1 : 0;
      message.view[grantFieldIndex.transportBlockSize] = grant.transportBlockSize;
      message.view[grantFieldIndex.baseGraph] = 2;
      message.view[grantFieldIndex.liftingSize] = size;
      message.view[grantFieldIndex.codeBlockCount] = codeBlock;
      const { rnti, process } = grant;
      instance.choose(harqProcessKey, process === undefined ? undefined : harqKey(rnti, process));
      variant.process();
      const { blocks, iterations } = variant.outputs;
      return { blocks: [...blocks.view], iterations: [...iterations.view] };
    },
  };
}

interface Grant {
  readonly rnti: number;
  /** Undefined: none is chosen. */
  readonly process: number | undefined;
  readonly isNew: boolean;
  readonly transportBlockSize: number;
}

/** Soft bits of random code blocks, few of them wrong or so many that they are not decoded alone. */
function received(count: number, lastPosition: number, wrong: number, random: Random): Int8Array {
  const soft = new Int8Array(count * encodedBits);
  const information = new Uint8Array(informationBits);
  const encoded = new Uint8Array(encodedBits);
  const encode = prepareEncoder(graph);
  for (let block = 0; block < count; block++) {
    // The same bits in every transmission: sums of several get better.
    createRandom(seed).fork(block).bits(information);
    encode(information, 0, encoded, 0);
    for (let k = 0; k <= lastPosition; k++) {
      const value = random.integer(60) * (random.next() < wrong ? -1 : 1);
      soft[block * encodedBits + k] = encoded[k] === 0 ? value : -value;
    }
  }
  return soft;
}

const limited = (v: number): number => Math.max(-127, Math.min(127, v));

describe.each(testTargets)(`soft buffers on $name, seed ${seed}`, (target) => {
  it.each([2 * encodedBits, 2 * encodedBits + 37, encodedBits])(
    "keep what random grants of two users' interleaved processes leave undecoded, %i soft bits a process",
    (softBit) => {
      const random = createRandom(seed);
      const decoder = createDecoder(target, softBit);
      const plain = createDecoder(target, 0);
      const kept = new Map<number, { key: string; soft: Int8Array; lastPosition: number }>();
      const seen = { combined: 0, decodedByCombining: 0, fresh: 0, replaced: 0 };
      for (let slot = 0; slot < 1000; slot++) {
        const count = random.next() < 0.6 ? 2 : 1;
        const grant = {
          rnti: random.next() < 0.5 ? 17 : 18,
          process: random.integer(16),
          isNew: random.next() < 0.2,
          // Sizes of the same code: another size is another block all the same.
          transportBlockSize: random.next() < 0.95 ? 1000 : 1008,
        };
        const lastPosition = random.next() < 0.5 ? encodedBits - 1 : shortEnd;
        const soft = received(count, lastPosition, random.next() < 0.8 ? 0.3 : 0.02, random);

        const key = `${grant.transportBlockSize} ${count}`;
        const process = harqKey(grant.rnti, grant.process);
        const before = kept.get(process);
        const combines = !grant.isNew && before?.key === key;
        const sum = combines ? soft.map((value, k) => limited(value + before.soft[k]!)) : soft;
        const reached = combines ? Math.max(before.lastPosition, lastPosition) : lastPosition;
        const wanted = plain.decode(sum, reached, { ...grant, isNew: true });

        expect(decoder.decode(soft, lastPosition, grant), `slot ${slot}`).toEqual(wanted);
        decoder.check();
        const holds = wanted.iterations.every((iterations) => iterations > 0);
        if (combines) seen.combined++;
        else if (before) seen.replaced++;
        else seen.fresh++;
        if (combines && holds) seen.decodedByCombining++;
        const fits = count * encodedBits <= softBit;
        if (fits && (!holds || count === 1)) kept.set(process, { key, soft: sum, lastPosition: reached });
        else kept.delete(process);
        const flags = decoder.state.harqProcesses!.view.filter((_, k) => k % 7 === harqProcessIndex.kept);
        expect(flags[decoder.row()]).toBe(kept.has(process) ? 1 : 0);
      }
      for (const number of Object.values(seen)) expect(number).toBeGreaterThan(5);
      decoder.close();
      plain.close();
    },
  );

  it("are left alone by a slot for which no process is chosen", () => {
    const random = createRandom(seed);
    const decoder = createDecoder(target, 2 * encodedBits);
    const soft = received(2, shortEnd, 0.4, random);
    const grant = { rnti: 1, process: 3, isNew: true, transportBlockSize: 1000 };
    const first = decoder.decode(soft, shortEnd, grant);
    expect(first.iterations.some((iterations) => iterations < 0)).toBe(true);
    const before = decoder.state.softBits!.view.slice();
    const none = { ...grant, isNew: false, process: undefined };
    for (let count = 0; count < 3; count++) expect(decoder.decode(soft, shortEnd, none)).toEqual(first);
    expect(decoder.state.softBits!.view).toEqual(before);
    expect(decoder.decode(soft, shortEnd, { ...grant, isNew: false })).not.toEqual(first);
    decoder.close();
  });

  it("have room for every transport block of a carrier", () => {
    for (const [carrierPrbs, layers] of [
      [25, 1],
      [106, 2],
      [273, 4],
    ] as const) {
      const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs });
      const capacity = softBitCapacity(carrierPrbs, layers);
      expect(capacity % 64).toBe(0);
      let most = 0;
      for (const mcsTable of [1, 2, 3]) {
        for (let mcsIndex = 0; mcsIndex < 28; mcsIndex++) {
          for (const rbSize of [1, 2, 7, carrierPrbs - 1, carrierPrbs]) {
            const grant = {
              slot: 0,
              physCellId: 1,
              rnti: 1,
              rbStart: 0,
              rbSize,
              mcsTable,
              mcsIndex,
              nrOfLayers: layers,
              dmrsAdditionalPosition: 0,
              numDmrsCdmGrpsNoData: layers > 2 ? 2 : 1,
            };
            const { count, encodedBits } = puschConfiguration(carrier, parseGrant(grant, carrier)).codeBlocks;
            most = Math.max(most, count * encodedBits);
          }
        }
      }
      expect(capacity).toBeGreaterThanOrEqual(most);
      expect(capacity).toBeLessThan(1.1 * most + 64);
    }
    // 1,277,992 bits at rate 948/1024 are the largest block of 273 PRBs.
    const { count, encodedBits } = codeBlocks(1_277_992, 948 / 1024);
    expect(softBitCapacity(273, 4)).toBe(64 * Math.ceil((count * encodedBits) / 64));
  });
});
