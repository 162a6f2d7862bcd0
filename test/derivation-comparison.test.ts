import { describe, expect, it } from "vitest";
import {
  dataResourceIndices,
  dmrsSubcarrier,
  dmrsSymbolPositions,
  dmrsWeight,
  goldBits,
  mcs,
  precodingMatrix,
  prepareDmrsSequence,
  prepareLowPaprSequence,
  symbolPhases,
  symbolTimings,
  transportBlockSize,
} from "../src/transceiver/pusch/index.js";
import { crc } from "./independent/crc.js";
import { dmrsPositions, dmrsSymbols } from "./independent/dmrs.js";
import { goldSequence } from "./independent/gold.js";
import { codebook } from "./independent/layers-precoding.js";
import { lowPaprSequence } from "./independent/low-papr.js";
import { symbolTiming, upConversionPhase } from "./independent/ofdm.js";
import { randomGenerator } from "./independent/random-generator.js";
import { codebookTransmissions, randomGrant } from "./independent/random-grants.js";
import { outputLengths, referenceLength, startingPosition } from "./independent/rate-matching.js";
import { hasData } from "./independent/reference-data.js";
import { dataElements, pilots } from "./independent/resource-mapping.js";
import { filler, segment } from "./independent/segmentation.js";
import { transportBlockSize as independentSize, mcsTable, resourceElements } from "./independent/tbs.js";
import { transformPrecodedMcsTable } from "./independent/transform-precoding.js";
import { dimensions, dmrsTransmission, type IndependentGrant } from "./independent/transmitter.js";
import { carrierFor, productConfiguration } from "./product-grant.js";

const seed = 3821100;
const grantCount = 1000;

/** Where a code block's filler bits and its rate matching lie, by the independent implementation. */
function codingOf(grant: IndependentGrant) {
  const { transportBlockSize, baseGraph, codedBits, modulationOrder } = dimensions(grant);
  const crcLength = crc(transportBlockSize > 3824 ? "CRC24A" : "CRC16", []).length;
  const zeros = Array.from({ length: transportBlockSize + crcLength }, () => 0);
  const { codeBlocks, liftingSize } = segment(zeros, baseGraph);
  const encodedBits = (baseGraph === 1 ? 66 : 50) * liftingSize;
  const circularBufferSize = grant.limitedBuffer
    ? Math.min(encodedBits, referenceLength(grant.limitedBuffer, codeBlocks.length))
    : encodedBits;
  return {
    baseGraph,
    liftingSize,
    count: codeBlocks.length,
    codeBlockSize: codeBlocks[0]!.length,
    fillerBits: codeBlocks[0]!.filter((bit) => bit === filler).length,
    encodedBits,
    circularBufferSize,
    start: startingPosition(grant.rvIndex, baseGraph, circularBufferSize, liftingSize),
    outputBits: outputLengths(codedBits, codeBlocks.length, grant.nrOfLayers, modulationOrder),
  };
}

describe.skipIf(!hasData)(`what follows from ${grantCount} random grants, seed ${seed}`, () => {
  const random = randomGenerator(seed);
  const cases = hasData
    ? Array.from({ length: grantCount }, (_, index) => {
        const grant = randomGrant(random, index);
        const carrier = carrierFor(grant, random);
        return { index, grant, carrier, product: productConfiguration(grant, carrier) };
      })
    : [];

  it("has the same sizes, code blocks and rate matching", () => {
    for (const { index, grant, product } of cases) {
      const expected = dimensions(grant);
      expect(
        {
          modulationOrder: product.modulationOrder,
          transportBlockSize: product.transportBlockSize,
          codewordBits: product.codewordBits,
          dmrsSymbols: product.dmrs.symbols,
          baseGraph: product.codeBlocks.baseGraph,
          liftingSize: product.codeBlocks.liftingSize,
          count: product.codeBlocks.count,
          codeBlockSize: product.codeBlocks.codeBlockSize,
          fillerBits: product.codeBlocks.fillerBits,
          encodedBits: product.codeBlocks.encodedBits,
          circularBufferSize: product.rateMatching.circularBufferSize,
          start: product.rateMatching.start,
          outputBits: product.rateMatching.outputBits,
        },
        `grant ${index}: ${JSON.stringify(grant)}`,
      ).toEqual({
        modulationOrder: expected.modulationOrder,
        transportBlockSize: expected.transportBlockSize,
        codewordBits: expected.codedBits,
        dmrsSymbols: expected.dmrs.map(({ symbol }) => symbol),
        ...codingOf(grant),
      });
    }
  });

  it("has data on the same resource elements, in the same order", () => {
    for (const { index, grant, carrier, product } of cases) {
      const shift = 12 * (grant.bwpStart - carrier.offsetToCarrier);
      const expected = dataElements(grant, dmrsSymbols(grant)).map(
        ({ symbol, subcarrier }) => 12 * carrier.carrierPrbs * symbol + shift + subcarrier,
      );
      const found = dataResourceIndices(product.allocation, product.grant);
      expect([...found], `grant ${index}`).toEqual(expected);
    }
  });

  it("has the same pilots on every port", () => {
    for (const { index, grant, carrier, product } of cases.slice(0, 300)) {
      const { dmrs, dmrsInits, allocation } = product;
      const writeSequence = prepareDmrsSequence(dmrs);
      const sequence = new Float32Array(2 * dmrs.pilots);
      const shift = 12 * (grant.bwpStart - carrier.offsetToCarrier);
      grant.dmrsPorts.forEach((port, layer) => {
        const expected = pilots(dmrsTransmission(grant), dmrsSymbols(grant), port);
        const found = dmrs.symbols.flatMap((symbol, ordinal) => {
          writeSequence(dmrsInits[ordinal]!, sequence);
          return Array.from({ length: dmrs.pilots }, (_, pilot) => {
            const row = dmrs.ports[layer]!;
            const weight = dmrsWeight(dmrs, row, ordinal, pilot);
            const subcarrier = allocation.firstSubcarrier + dmrsSubcarrier(dmrs.configType, row.delta, pilot);
            return [symbol, subcarrier, weight * sequence[2 * pilot]!, weight * sequence[2 * pilot + 1]!];
          });
        });
        expect(found, `grant ${index}`).toEqual(
          expected.map(({ symbol, subcarrier, value }) => [
            symbol,
            shift + subcarrier,
            Math.fround(value.re),
            Math.fround(value.im),
          ]),
        );
      });
    }
  });

  it("has the same scrambling sequence", () => {
    for (const { grant, product } of cases.slice(0, 50)) {
      const bits = new Uint8Array(1000);
      goldBits(product.scramblingInit, bits);
      const expected = goldSequence(
        grant.rnti * 2 ** 15 + (grant.dataScramblingId ?? grant.physCellId),
        bits.length,
      );
      expect([...bits]).toEqual(expected);
    }
  });
});

describe("tables of both implementations", () => {
  it.skipIf(!hasData)("agree on every MCS that is not reserved", () => {
    for (const table of [1, 2, 3] as const) {
      const expected = mcsTable(table).map(({ modulationOrder, codeRate1024 }) => ({
        modulationOrder,
        targetCodeRate: codeRate1024 / 1024,
      }));
      expect(expected.map((_, index) => mcs(table, index))).toEqual(expected);
      expect(mcs(table, expected.length).targetCodeRate).toBeUndefined();
    }
  });

  it("agree on every MCS with transform precoding", () => {
    for (const [table, number] of [
      [1, 1],
      [3, 2],
    ] as const)
      for (const q of [1, 2] as const) {
        const expected = transformPrecodedMcsTable(number, q === 1).map(
          ({ modulationOrder, codeRate1024 }) => ({ modulationOrder, targetCodeRate: codeRate1024 / 1024 }),
        );
        expect(Array.from({ length: 28 }, (_, index) => mcs(table, index, q))).toEqual(expected);
      }
  });

  it("agree on every low-PAPR sequence up to 20 PRBs", () => {
    for (let prbs = 1; prbs <= 20; prbs++) {
      const length = 6 * prbs;
      const write = prepareLowPaprSequence(length);
      const sequence = new Float32Array(2 * length);
      for (let index = 0; index < (length < 72 ? 30 : 60); index++) {
        write(index, sequence);
        const expected = lowPaprSequence(index % 30, Math.floor(index / 30), length);
        const distances = expected.map(({ re, im }, n) =>
          Math.hypot(sequence[2 * n]! - re, sequence[2 * n + 1]! - im),
        );
        expect(Math.max(...distances), `length ${length}, index ${index}`).toBeLessThan(1e-6);
      }
    }
  });

  it.skipIf(!hasData)("agree on the transport block size of every MCS, number of PRBs and of layers", () => {
    for (const table of [1, 2, 3] as const) {
      for (const { modulationOrder, codeRate1024 } of mcsTable(table)) {
        for (let prbs = 1; prbs <= 275; prbs++) {
          const layers = 1 + (prbs % 4);
          const symbols = 2 + (prbs % 13);
          const dmrsPerPrb = 12 + 6 * (prbs % 2);
          const overheadPerPrb = symbols > 3 ? 6 * (prbs % 3) : 0;
          const sameOnBoth = { modulationOrder, layers };
          const found = transportBlockSize({
            ...sameOnBoth,
            targetCodeRate: codeRate1024 / 1024,
            prbs,
            symbols,
            dmrsPerPrb,
            overheadPerPrb,
            scaling: 1,
          });
          const expected = independentSize({
            ...sameOnBoth,
            codeRate1024,
            resourceElements: resourceElements(symbols, dmrsPerPrb, overheadPerPrb, prbs),
          });
          expect(found, `table ${table}, rate ${codeRate1024}/1024, ${prbs} PRBs`).toBe(expected);
        }
      }
    }
  });

  it("agree on every precoding matrix", () => {
    const cases = codebookTransmissions.flatMap((transmission) =>
      transmission.nrOfLayers === 1
        ? [
            { ...transmission, transformPrecoding: false },
            { ...transmission, transformPrecoding: true },
          ]
        : [{ ...transmission, transformPrecoding: false }],
    );
    for (const { nrOfLayers, antennaPorts, tpmi, transformPrecoding } of cases) {
      const expected = codebook(nrOfLayers, antennaPorts, transformPrecoding)[tpmi!]!.flat();
      const found = precodingMatrix(nrOfLayers, antennaPorts, tpmi!, transformPrecoding);
      expected.forEach(({ re, im }, index) => {
        expect(found[2 * index]).toBeCloseTo(re, 12);
        expect(found[2 * index + 1]).toBeCloseTo(im, 12);
      });
    }
  });

  it("agree on DM-RS positions for every length, mapping type and start", () => {
    for (const length of [1, 2] as const) {
      for (const mappingType of ["A", "B"] as const) {
        for (const additionalPosition of length === 1 ? ([0, 1, 2, 3] as const) : ([0, 1] as const)) {
          for (let nrOfSymbols = 1; nrOfSymbols <= 14; nrOfSymbols++) {
            const startSymbolIndex = mappingType === "A" ? 0 : 14 - nrOfSymbols;
            const common = { mappingType, startSymbolIndex, nrOfSymbols };
            const expected = dmrsPositions({
              ...common,
              dmrsConfigType: 1,
              dmrsLength: length,
              dmrsTypeAPosition: 2,
              dmrsAdditionalPosition: additionalPosition,
            })?.flatMap((position) =>
              Array.from({ length }, (_, lPrime) => startSymbolIndex + position + lPrime),
            );
            const found = dmrsSymbolPositions({ ...common, length, additionalPosition, typeAPosition: 2 });
            expect(found, JSON.stringify({ ...common, length, additionalPosition })).toEqual(expected);
          }
        }
      }
    }
  });

  const numerologies = [
    [15, "normal"],
    [30, "normal"],
    [60, "normal"],
    [60, "extended"],
  ] as const;

  it.each(numerologies)(
    "agree on the symbols of a subframe at %i kHz, %s prefix",
    (subcarrierSpacing, cyclicPrefix) => {
      const sampleRate = 30.72e6;
      const carrierFrequency = 3_427_500_123;
      const perSlot = cyclicPrefix === "normal" ? 14 : 12;
      const timings = symbolTimings({ subcarrierSpacing, cyclicPrefix, sampleRate });
      const phases = symbolPhases(subcarrierSpacing, cyclicPrefix, carrierFrequency);
      expect(timings).toHaveLength((perSlot * subcarrierSpacing) / 15);
      timings.forEach(({ start, prefix }, index) => {
        const slot = Math.floor(index / perSlot);
        const expected = symbolTiming({ subcarrierSpacing, cyclicPrefix }, slot, index % perSlot);
        // κ = 64 units of T_c are one sample at this rate.
        expect({ start, prefix }).toEqual({ start: expected.start / 64, prefix: expected.prefix / 64 });
        const configuration = { subcarrierSpacing, cyclicPrefix, slot, sampleRate, carrierFrequency };
        const phase = upConversionPhase(configuration, index % perSlot);
        expect(phases[2 * index]).toBeCloseTo(phase.re, 6);
        expect(phases[2 * index + 1]).toBeCloseTo(phase.im, 6);
      });
    },
  );
});
