import { openTarget, type Target } from "../../../compiler/index.js";
import { defineFunction } from "../../../functions/index.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { interpret } from "../../../neural/interpreter/interpret.js";
import type {
  EvaluateOptions,
  Evaluation,
  EvaluationTable,
  EvaluationTarget,
} from "../../../neural/learned-system.js";
import { type Measured, proportion } from "../../../neural/measured.js";
import { numeric } from "../../../neural/operators/numeric.js";
import type { Random } from "../../../system/index.js";
import { createRandom } from "../../../system/index.js";
import type { SquareOrder } from "../axis-llr.js";
import { demapping } from "../function.js";
import { AXIS_BITS, exactRatios, maxLogRatios, scaledMaxLogRatios } from "./axis-ratios.js";
import { type CodedLink, codedLinkConfiguration, createCodedLink, type TriedDemapper } from "./coded-link.js";
import { demappingTime, TIMED_ELEMENTS } from "./demapping-time.js";
import { prepareLlrnet } from "./implementation.js";
import { type AxisResponse, formulaResponse, mutualInformation } from "./mutual-information.js";

/** How a constellation is judged. */
interface Trial {
  /** Es/N0, dB: where mutual information is compared, the first being where max-log loses most in use. */
  readonly snrs_db: readonly number[];
  /** The lowest code rate that the standard uses with it: there max-log costs most. */
  readonly mcsTable: 1 | 2;
  readonly mcsIndex: number;
  /** Resource blocks for one code block of about a thousand bits. */
  readonly rbSize: number;
  /** Es/N0 near which one block of ten is lost, dB: where the search begins. */
  readonly start_db: number;
}

const TRIALS: Readonly<Record<SquareOrder, Trial>> = {
  2: { snrs_db: [0, 4, 8], mcsTable: 1, mcsIndex: 5, rbSize: 10, start_db: -0.5 },
  4: { snrs_db: [4, 6, 8, 10], mcsTable: 1, mcsIndex: 10, rbSize: 4, start_db: 3.5 },
  6: { snrs_db: [8, 10, 12, 14], mcsTable: 1, mcsIndex: 17, rbSize: 3, start_db: 9.4 },
  8: { snrs_db: [12, 14, 16, 18], mcsTable: 2, mcsIndex: 20, rbSize: 2, start_db: 18 },
};

/** Share of max-log's loss that must be recovered, and dB that may be lost to log-MAP. */
const LEAST_RECOVERED = 0.8;
const MOST_LOST_DB = 0.05;

/** Transport blocks of a full evaluation. */
const BLOCKS = 6000;

const TIMED_RUNS = 50;

const systems = ["log-map", "max-log", "scaled-max-log"] as const;

/** Judges an LLRnet by mutual information and by blocks lost, beside log-MAP, max-log and scaled max-log. */
export async function evaluateLlrnet(
  order: SquareOrder,
  model: OnnxModel,
  { seed, effort, observe = () => {}, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const trial = TRIALS[order];
  const information = informationTable(order, model, trial);
  const targets = [recoveryTarget(order, information, trial)];
  observe(0.05);
  const target = openTarget();
  const demappers = [
    ...systems.map((implementation) => ({ definition: demapping, implementation })),
    tried(model),
  ];
  const link = createCodedLink(
    codedLinkConfiguration(trial.mcsTable, trial.mcsIndex, trial.rbSize),
    demappers,
    target,
  );
  try {
    const blocks = Math.max(50, Math.round(effort * BLOCKS));
    const random = createRandom(seed);
    const operating_db = findOperatingPoint(link, random, trial.start_db, Math.ceil(blocks / 10));
    const points: Counts[] = [];
    for (const snr_db of [operating_db - SLOPE_DB, operating_db, operating_db + SLOPE_DB]) {
      signal?.throwIfAborted();
      points.push(await count(link, snr_db, blocks, random.fork("blocks")));
      observe(0.05 + (0.95 * points.length) / 3);
    }
    const distances = systemNames(3).map((_, system) => distanceInDecibels(points, system));
    targets.push({
      name: `block error rate at ${operating_db.toFixed(2)} dB, behind log-MAP`,
      measured: distances[3]!,
      required: `≤ ${MOST_LOST_DB} dB`,
      isMet: distances[3]!.interval![1] <= MOST_LOST_DB,
    });
    return {
      seed,
      tables: [
        information,
        errorTable(trial, points),
        distanceTable(operating_db, distances),
        timeTable(order, demappers, random, target),
      ],
      targets,
    };
  } finally {
    link.close();
  }
}

function systemNames(count: number): string[] {
  return ["log-MAP", "max-log", "scaled max-log"].slice(0, count).concat("LLRnet");
}

/** Takes the time: on a machine with other work it says what it costs there. */
function timeTable(
  order: SquareOrder,
  demappers: readonly TriedDemapper[],
  random: Random,
  target: Target,
): EvaluationTable {
  return {
    title: `Time of a slot, ${TIMED_ELEMENTS} resource elements, ${target.name} (median of ${TIMED_RUNS} runs, µs)`,
    condition: "points",
    columns: systemNames(3),
    rows: [
      {
        condition: 2 ** order,
        values: demappers.map((demapper) => ({
          value: demappingTime(demapper, order, TIMED_RUNS, random, target),
          count: TIMED_RUNS,
        })),
      },
    ],
  };
}

/** Demapping by a model that is not the packaged one. */
function tried(model: OnnxModel): TriedDemapper {
  const definition = defineFunction({
    name: "demapping",
    inputs: demapping.inputs,
    outputs: demapping.outputs,
    state: demapping.state,
  });
  definition.implement("llrnet", {
    kind: "neural",
    prepare: (context) => prepareLlrnet(context, () => model),
  });
  return { definition, implementation: "llrnet" };
}

/** What a network says of one axis: it is asked for symbols with the amplitude on both. */
function modelResponse(order: SquareOrder, model: OnnxModel): AxisResponse {
  const bits = AXIS_BITS[order].length;
  return (amplitudes, noise) => {
    const count = amplitudes.length;
    const { llrs } = interpret(model, {
      symbols: numeric(
        "float32",
        [count, 2],
        Float64Array.from({ length: 2 * count }, (_, at) => amplitudes[at >> 1]!),
      ),
      noise: numeric("float32", [count, 1], new Float64Array(count).fill(noise)),
    });
    return Float64Array.from({ length: count * bits }, (_, at) => llrs!.data[2 * at]!);
  };
}

function informationTable(order: SquareOrder, model: OnnxModel, { snrs_db }: Trial): EvaluationTable {
  const responses = [
    ...[exactRatios, maxLogRatios, scaledMaxLogRatios].map((ratios) => formulaResponse(order, ratios)),
    modelResponse(order, model),
  ];
  return {
    title: `Mutual information, ${2 ** order} points, white noise (bit a symbol, by quadrature)`,
    condition: "Es/N0 (dB)",
    columns: systemNames(3),
    rows: snrs_db.map((snr_db) => ({
      condition: snr_db,
      values: responses.map((response) => ({ value: mutualInformation(order, snr_db, response) })),
    })),
  };
}

function recoveryTarget(order: SquareOrder, { rows }: EvaluationTable, { snrs_db }: Trial): EvaluationTarget {
  const [exact, maxLog, , learned] = rows[0]!.values.map(({ value }) => value) as [
    number,
    number,
    number,
    number,
  ];
  // For one point a side max-log is exact: there is nothing to recover, and nothing may be lost.
  if (order === 2)
    return {
      name: `mutual information lost to log-MAP at ${snrs_db[0]} dB`,
      measured: { value: exact - learned },
      required: "≤ 0.001 bit",
      isMet: exact - learned <= 0.001,
    };
  const recovered = (learned - maxLog) / (exact - maxLog);
  return {
    name: `max-log's loss of mutual information at ${snrs_db[0]} dB that is recovered`,
    measured: { value: recovered },
    required: `≥ ${100 * LEAST_RECOVERED} %`,
    isMet: recovered >= LEAST_RECOVERED,
  };
}

/** What was lost at one signal to noise ratio. */
interface Counts {
  readonly snr_db: number;
  readonly blocks: number;
  /** By demapper. */
  readonly lost: readonly number[];
  /** By demapper: blocks that were lost by it or by log-MAP alone. */
  readonly discordant: readonly number[];
}

/** Half the distance between the points that the slope of the block error rate is taken from, dB. */
const SLOPE_DB = 0.15;

/** Blocks between two turns of the event loop. */
const TURN = 100;

async function count(link: CodedLink, snr_db: number, blocks: number, random: Random): Promise<Counts> {
  const lost = [0, 0, 0, 0];
  const discordant = [0, 0, 0, 0];
  for (let block = 0; block < blocks; block++) {
    if (block % TURN === 0) await new Promise(setImmediate);
    const outcomes = link.send(snr_db, random.fork(block));
    outcomes.forEach((isLost, system) => {
      if (isLost) lost[system]!++;
      if (isLost !== outcomes[0]) discordant[system]!++;
    });
  }
  return { snr_db, blocks, lost, discordant };
}

/** Es/N0 at which log-MAP loses about one block of ten, to a tenth of a decibel. */
function findOperatingPoint(link: CodedLink, random: Random, start_db: number, blocks: number): number {
  const isLossy = (tenths: number): boolean => {
    let lost = 0;
    for (let block = 0; block < blocks; block++)
      if (link.send(tenths / 10, random.fork(`search ${block}`))[0]) lost++;
    return lost > 0.1 * blocks;
  };
  let tenths = Math.round(10 * start_db);
  if (isLossy(tenths)) {
    do tenths++;
    while (isLossy(tenths));
    return tenths / 10;
  }
  while (!isLossy(tenths - 1)) tenths--;
  return tenths / 10;
}

/**
 * How much more signal a demapper needs than log-MAP for the same block error rate, about one in ten: the difference of their
 * rates over the slope of log-MAP's. Both see the same noise, so only the blocks that one of them alone loses count.
 */
function distanceInDecibels([below, at, above]: readonly Counts[], system: number): Measured {
  const slope = (below!.lost[0]! / below!.blocks - above!.lost[0]! / above!.blocks) / (2 * SLOPE_DB);
  const value = (at!.lost[system]! - at!.lost[0]!) / at!.blocks / slope;
  const half = (1.96 * Math.sqrt(Math.max(1, at!.discordant[system]!))) / at!.blocks / slope;
  return { value, interval: [value - half, value + half], count: at!.discordant[system]! };
}

function errorTable({ mcsTable, mcsIndex }: Trial, points: readonly Counts[]): EvaluationTable {
  return {
    title: `Block error rate, MCS ${mcsIndex} of table ${mcsTable}, white noise, 20 iterations (the same noise for all)`,
    condition: "Es/N0 (dB)",
    columns: systemNames(3),
    rows: points.map(({ snr_db, blocks, lost }) => ({
      condition: Number(snr_db.toFixed(2)),
      values: lost.map((one) => proportion(one, blocks)),
    })),
  };
}

function distanceTable(operating_db: number, distances: readonly Measured[]): EvaluationTable {
  return {
    title:
      "Behind log-MAP at a block error rate of about 10 % (dB; counted: blocks that one of the two alone loses)",
    condition: "Es/N0 (dB)",
    columns: systemNames(3),
    rows: [{ condition: Number(operating_db.toFixed(2)), values: distances }],
  };
}
