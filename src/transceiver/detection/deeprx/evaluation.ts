import type { OnnxModel } from "../../../neural/graph/graph.js";
import type { EvaluateOptions, Evaluation } from "../../../neural/learned-system.js";
import { createRandom } from "../../../system/index.js";
import { type PuschConfiguration, parseCarrier, parseGrant, puschConfiguration } from "../../pusch/index.js";
import { classicalNames, classicalReceivers } from "../classical-receivers.js";
import { type ChannelDraws, createEvaluationLink } from "../evaluation-link.js";
import {
  bitErrorTable,
  blockErrorTable,
  compareReceivers,
  gainAt,
  meanOf,
  modelReceiver,
  noWorseTarget,
  worsePoints,
} from "../receiver-comparison.js";
import { DEEPRX_ANTENNAS } from "./features.js";

/** Channels that no training has seen. */
export const unseenDraws: ChannelDraws = {
  profiles: ["TDL-A", "TDL-E"],
  delaySpread_s: [10e-9, 300e-9],
  maximumDoppler_hz: [0, 500],
  timing_s: 50e-9,
  frequency_hz: 20,
};

/** Resource blocks of the slots: twice as many as those of training. */
const BLOCKS = 12;

/** 16-QAM at a code rate of 658/1024. */
const MCS = 16;

/** Slots of a full evaluation, of uncoded bits and of blocks. */
const BIT_SLOTS = 600;
const BLOCK_SLOTS = 1500;

const BIT_SNRS_DB = [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30];
const BLOCK_SNRS_DB = [6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 21];

/** The most uncoded bit errors with one DM-RS symbol at the highest SNR, and the least gain with two in dB. */
const HIGHEST_FLOOR = 1e-2;
const LEAST_GAIN_DB = 0.5;

/** The rate at which receivers are compared. */
const BLOCK_ERROR_RATE = 0.1;

/** The configuration of the evaluation with these DM-RS symbols. */
export function evaluationConfiguration(dmrsSymbPos: readonly number[], blocks = BLOCKS): PuschConfiguration {
  const carrier = parseCarrier({ subcarrierSpacing: 15, carrierPrbs: blocks });
  const grant = {
    slot: 0,
    physCellId: 1,
    rnti: 1,
    rbStart: 0,
    rbSize: blocks,
    mcsIndex: MCS,
    dmrsSymbPos,
    numDmrsCdmGrpsNoData: 2,
  };
  return puschConfiguration(carrier, parseGrant(grant, carrier));
}

/** Measures a DeepRx beside classical receivers on channels that it was not trained on, all on the same slots and noise. */
export async function evaluateDeeprx(
  model: OnnxModel,
  { seed, effort, observe = () => {}, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const random = createRandom(seed);
  const measure = async (
    dmrsSymbols: readonly number[],
    draws: ChannelDraws,
    snrs_db: readonly number[],
    slots: number,
    [from, to]: readonly [number, number],
  ) => {
    const link = createEvaluationLink(evaluationConfiguration(dmrsSymbols), DEEPRX_ANTENNAS, draws);
    const learned = modelReceiver("DeepRx", link, model);
    try {
      return await compareReceivers({
        link,
        receivers: [...classicalReceivers(link), learned],
        snrs_db,
        slots: Math.max(20, Math.round(effort * slots)),
        random: random.fork(`${dmrsSymbols} ${draws.maximumDoppler_hz}`),
        decodes: snrs_db === BLOCK_SNRS_DB,
        observe: (done) => observe(from + (to - from) * done),
        signal,
      });
    } finally {
      learned.release();
    }
  };
  const one = await measure([2], unseenDraws, BIT_SNRS_DB, BIT_SLOTS, [0, 0.25]);
  const two = await measure([2, 11], unseenDraws, BLOCK_SNRS_DB, BLOCK_SLOTS, [0.25, 0.85]);
  const slow = { ...unseenDraws, maximumDoppler_hz: [0, 20] as const };
  const still = await measure([2, 11], slow, BLOCK_SNRS_DB, BLOCK_SLOTS / 3, [0.85, 1]);
  const floor = meanOf(one.bitErrors.at(-1)!.at(-1)!);
  const gain = gainAt(BLOCK_ERROR_RATE, two, classicalNames.linear, random.fork("gain"));
  const channels = "TDL-A and TDL-E, 10 to 300 ns";
  return {
    seed,
    tables: [
      bitErrorTable(`Uncoded bit error rate, 16-QAM, one DM-RS symbol, ${channels}, Doppler to 500 Hz`, one),
      blockErrorTable(`Block error rate, MCS ${MCS}, two DM-RS symbols, ${channels}, Doppler to 500 Hz`, two),
      bitErrorTable(`Uncoded bit error rate of the same`, two),
      blockErrorTable(
        `Block error rate, MCS ${MCS}, two DM-RS symbols, ${channels}, Doppler to 20 Hz`,
        still,
      ),
    ],
    targets: [
      {
        name: `uncoded bit error rate with one DM-RS symbol at ${BIT_SNRS_DB.at(-1)} dB`,
        measured: floor,
        required: `≤ ${HIGHEST_FLOOR}`,
        isMet: floor.value <= HIGHEST_FLOOR,
      },
      {
        name: `gain over ${classicalNames.linear} at a block error rate of ${BLOCK_ERROR_RATE} with two`,
        measured: gain,
        required: `≥ ${LEAST_GAIN_DB} dB`,
        isMet: gain.value >= LEAST_GAIN_DB,
      },
      noWorseTarget("points worse in uncoded bits with one", worsePoints(one, one.bitErrors)),
      noWorseTarget("points worse in blocks with two", worsePoints(two, two.blockErrors)),
      noWorseTarget("points worse in blocks with two, slow", worsePoints(still, still.blockErrors)),
    ],
  };
}
