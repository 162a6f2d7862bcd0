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
  modelReceiver,
} from "../receiver-comparison.js";
import { aerialReceiver, type ImportedReceiver, sionnaRkReceiver } from "./receivers.js";

/** How a receiver's own configuration is evaluated. */
interface Trial {
  readonly grant: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly snrs_db: readonly number[];
}

const BLOCKS = 24;

const trials: ReadonlyMap<ImportedReceiver, Trial> = new Map([
  [
    aerialReceiver,
    {
      // The MCS and the DM-RS of its own example.
      grant: {
        mcsIndex: 7,
        nrOfSymbols: 12,
        dmrsMappingType: "B",
        dmrsSymbPos: [0, 5, 10],
        numDmrsCdmGrpsNoData: 2,
      },
      text: "MCS 7 (QPSK), 4 antennas, DM-RS symbols 0, 5, 10",
      snrs_db: [-8, -7, -6, -5, -4, -3, -2, -1, 0, 2],
    },
  ],
  [
    sionnaRkReceiver,
    {
      grant: { mcsIndex: 13, nrOfSymbols: 13, dmrsSymbPos: [2, 7, 11], numDmrsCdmGrpsNoData: 1 },
      text: "MCS 13 (16-QAM), 1 antenna, DM-RS symbols 2, 7, 11",
      snrs_db: [6, 8, 10, 12, 14, 16, 18, 20, 22],
    },
  ],
]);

/** What these networks were trained on is not ours: urban channels, of which TDL-A and -C stand for the kind. */
const draws: ChannelDraws = {
  profiles: ["TDL-A", "TDL-C"],
  delaySpread_s: [30e-9, 300e-9],
  maximumDoppler_hz: [0, 100],
  timing_s: 50e-9,
  frequency_hz: 20,
};

/** The rate at which receivers are compared. */
const BLOCK_ERROR_RATE = 0.1;

/** Slots of a full evaluation. */
const SLOTS = 1000;

/** The configuration that a receiver is evaluated on. */
export function ownConfiguration(receiver: ImportedReceiver, blocks = BLOCKS): PuschConfiguration {
  const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: blocks });
  const { grant } = trials.get(receiver)!;
  const whole = { slot: 0, physCellId: 1, rnti: 1, rbStart: 0, rbSize: blocks, ...grant };
  return puschConfiguration(carrier, parseGrant(whole, carrier));
}

/** Measures an imported receiver beside classical ones on its own configuration, all on the same slots and noise. */
export async function evaluateImported(
  receiver: ImportedReceiver,
  model: OnnxModel,
  { seed, effort, observe = () => {}, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const { text, snrs_db } = trials.get(receiver)!;
  const link = createEvaluationLink(ownConfiguration(receiver), receiver.antennas, draws);
  const learned = modelReceiver(receiver.name, link, model);
  try {
    const comparison = await compareReceivers({
      link,
      receivers: [...classicalReceivers(link), learned],
      snrs_db,
      slots: Math.max(20, Math.round(effort * SLOTS)),
      random: createRandom(seed),
      decodes: true,
      observe,
      signal,
    });
    const gain = gainAt(BLOCK_ERROR_RATE, comparison, classicalNames.linear, createRandom(seed).fork("gain"));
    const place = `${text}, ${BLOCKS} resource blocks, TDL-A and TDL-C, 30 to 300 ns, Doppler to 100 Hz`;
    return {
      seed,
      tables: [
        blockErrorTable(`Block error rate, ${place}`, comparison),
        bitErrorTable("Uncoded bit error rate of the same", comparison),
      ],
      targets: [
        {
          name: `gain over ${classicalNames.linear} at a block error rate of ${BLOCK_ERROR_RATE}`,
          measured: gain,
          required: "> 0 dB",
          isMet: gain.interval![0] > 0,
        },
      ],
    };
  } finally {
    learned.release();
  }
}
