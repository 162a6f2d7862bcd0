import { defineFunction, prepareFunction } from "../../../functions/index.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import type {
  EvaluateOptions,
  Evaluation,
  EvaluationTable,
  EvaluationTarget,
} from "../../../neural/learned-system.js";
import { type Measured, meanOfDraws } from "../../../neural/measured.js";
import { createRandom } from "../../../system/index.js";
import {
  createEvaluationLink,
  type EvaluationLink,
  prepareLeastSquares,
} from "../../detection/evaluation-link.js";
import { GRANT_FIELDS, writeGrantMessage } from "../../pusch/grant-message.js";
import { parseCarrier, parseGrant, puschConfiguration } from "../../pusch/index.js";
import { OFFSET_FIELDS } from "../../synchronization/offsets.js";
import { prepareEstimation } from "../estimation.js";
import { estimation, estimationParameters, QUALITY_FIELDS } from "../function.js";
import { learnedFiltering } from "./learned-filtering.js";

const RECEIVE_ANTENNAS = 2;

/** Profiles that no network saw, and one that it was trained on. */
const PROFILES = ["TDL-A", "TDL-E", "TDL-C"] as const;
const UNSEEN = ["TDL-A", "TDL-E"] as const;

const SNRS_DB = [-5, 0, 5, 10, 15, 20, 25] as const;

/** Slots of a full evaluation, a profile. */
const SLOTS = 1000;

/**
 * What is drawn for each slot. With these spreads the longest delay, 20.65 times the spread of TDL-E, is within the cyclic
 * prefix: the link knows no interference between symbols. What the receiver leaves of both offsets is within its tracking's
 * reach.
 */
const DRAWS = {
  delaySpread_s: [10e-9, 110e-9],
  maximumDoppler_hz: [0, 100],
  timing_s: 50e-9,
  frequency_hz: 30,
} as const;

type Estimate = (grid: Float32Array, references: Float32Array) => Float32Array;

/**
 * Judges learned MMSE estimation by the mean squared error of the channel over whole slots of 24 resource blocks with two
 * DM-RS symbols, relative to the channel's power, beside least squares with linear interpolation and the estimators `ls` and
 * `lmmse`: on the same draws, of profiles that it was not trained on and one that it was.
 */
export async function evaluateProfileNetwork(
  model: OnnxModel,
  { seed, effort, observe = () => {}, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const slots = Math.max(4, Math.round(effort * SLOTS));
  const tables: EvaluationTable[] = [];
  for (const profile of PROFILES) {
    const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
    const grant = { slot: 0, physCellId: 1, rnti: 17, rbStart: 0, rbSize: 24, mcsIndex: 13, nrOfLayers: 1 };
    const link = createEvaluationLink(
      puschConfiguration(carrier, parseGrant(grant, carrier)),
      RECEIVE_ANTENNAS,
      {
        ...DRAWS,
        profiles: [profile],
      },
    );
    const estimates = prepareEstimates(link, model);
    const sums = SNRS_DB.map(() => Object.keys(estimates).map(() => ({ sum: 0, squares: 0 })));
    const random = createRandom(seed).fork(profile);
    for (let index = 0; index < slots; index++) {
      if (index % 10 === 0) {
        signal?.throwIfAborted();
        await new Promise(setImmediate);
        observe((tables.length + index / slots) / PROFILES.length);
      }
      const slot = link.next(random.fork(index));
      const grid = new Float32Array(slot.clean.length);
      SNRS_DB.forEach((snr_db, row) => {
        const deviation = Math.sqrt(10 ** (-snr_db / 10));
        for (let at = 0; at < grid.length; at++) grid[at] = slot.clean[at]! + deviation * slot.noise[at]!;
        Object.values(estimates).forEach((estimate, column) => {
          const error = meanSquaredError(estimate(grid, slot.references), slot.response);
          sums[row]![column]!.sum += error;
          sums[row]![column]!.squares += error ** 2;
        });
      });
    }
    tables.push({
      title: `Mean squared error of the channel, ${profile}${(UNSEEN as readonly string[]).includes(profile) ? ", not trained on" : ""} (${slots} slots, delay spread 10 to 110 ns, up to 100 Hz)`,
      condition: "SNR (dB)",
      columns: Object.keys(estimates),
      rows: SNRS_DB.map((condition, row) => ({
        condition,
        values: sums[row]!.map(({ sum, squares }) => meanOfDraws(sum, squares, slots)),
      })),
    });
  }
  observe(1);
  return {
    seed,
    tables,
    targets: tables.slice(0, UNSEEN.length).flatMap((table, at) => targetsOf(UNSEEN[at]!, table)),
  };
}

/** The ratio to a baseline where it is worst, in dB, must be below 0. */
function targetsOf(profile: string, { rows, columns }: EvaluationTable): EvaluationTarget[] {
  const learned = columns.length - 1;
  return columns.slice(0, 2).map((baseline, column) => {
    const ratios = rows.map(({ values }) => 10 * Math.log10(values[learned]!.value / values[column]!.value));
    const worst = Math.max(...ratios);
    const measured: Measured = { value: worst, count: rows[0]!.values[learned]!.count! };
    return {
      name: `error on ${profile}, not trained on, over that of ${baseline}, at the worst of all SNRs (dB)`,
      measured,
      required: "< 0 dB",
      isMet: worst < 0,
    };
  });
}

/** Estimators by name, each overwriting what it returned before. */
function prepareEstimates(link: EvaluationLink, model: OnnxModel): Record<string, Estimate> {
  const definition = defineFunction({
    name: "estimation",
    inputs: estimation.inputs,
    outputs: estimation.outputs,
    parameters: estimation.parameters,
  });
  for (const method of ["ls", "lmmse"] as const)
    definition.implement(method, { kind: "model", prepare: (context) => prepareEstimation(method, context) });
  definition.implement("learned-mmse", {
    kind: "neural",
    prepare: (context) => prepareEstimation("lmmse", context, learnedFiltering(model)),
  });
  const { configuration, target, arena } = link;
  const prepared = (implementation: string): Estimate => {
    const { inputs, outputs, process } = prepareFunction(definition, implementation, {
      target,
      arena,
      dimensions: {
        antenna: RECEIVE_ANTENNAS,
        layer: 1,
        symbol: configuration.grant.nrOfSymbols,
        subcarrier: configuration.allocation.subcarriers,
        grantField: GRANT_FIELDS,
        offsetField: OFFSET_FIELDS,
        qualityField: QUALITY_FIELDS,
      },
      parameters: estimationParameters(configuration),
    });
    writeGrantMessage(configuration, inputs.grant.view);
    return (grid) => {
      inputs.grid.view.set(grid);
      process();
      return outputs.channel.view;
    };
  };
  return {
    "LS, linear": prepareLeastSquares(link, "linear"),
    ls: prepared("ls"),
    lmmse: prepared("lmmse"),
    "learned-mmse": prepared("learned-mmse"),
  };
}

function meanSquaredError(estimate: Float32Array, truth: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < truth.length; at++) sum += (estimate[at]! - truth[at]!) ** 2;
  return (2 * sum) / truth.length;
}
