import { setImmediate } from "node:timers/promises";
import type { OnnxModel } from "../../neural/graph/graph.js";
import type { EvaluationTable, EvaluationTarget } from "../../neural/learned-system.js";
import { type Measured, meanOfDraws, meanOfShares, proportion } from "../../neural/measured.js";
import type { Random } from "../../system/index.js";
import { type EvaluationLink, type LinkSlot, prepareDecoding, prepareModel } from "./evaluation-link.js";

/** A receiver among others on the same slots and the same noise. */
export interface ComparedReceiver {
  readonly name: string;
  /** Whether it knows what no receiver knows: nobody need be as good. */
  readonly isGenie?: boolean;
  /**
   * Soft bits of one slot at several noise variances; what `take` is given may be overwritten by the next.
   * @param grids complex64 `[antenna][symbol][subcarrier]`, one a variance
   */
  receive(
    slot: LinkSlot,
    grids: readonly Float32Array[],
    variances: readonly number[],
    take: (index: number, llrs: Int8Array) => void,
  ): void | Promise<void>;
}

/** A neural receiver among others, as it stands in the slot path. */
export function modelReceiver(
  name: string,
  link: EvaluationLink,
  model: OnnxModel,
): ComparedReceiver & { release(): void } {
  const receiver = prepareModel(link, model);
  return {
    name,
    receive: (_, grids, __, take) => {
      grids.forEach((grid, index) => {
        take(index, receiver(grid));
      });
    },
    release: receiver.release,
  };
}

export interface ComparisonOptions {
  readonly link: EvaluationLink;
  readonly receivers: readonly ComparedReceiver[];
  readonly snrs_db: readonly number[];
  readonly slots: number;
  readonly random: Random;
  /** Whether soft bits are decoded; block errors are 0 otherwise. */
  readonly decodes: boolean;
  readonly observe?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What came of it: `[receiver][SNR][slot]`. */
export interface Comparison {
  readonly names: readonly string[];
  readonly genies: readonly boolean[];
  readonly snrs_db: readonly number[];
  /** Share of the slot's bits that were decided wrongly. */
  readonly bitErrors: readonly (readonly Float64Array[])[];
  /** 1 where the transport block was lost. */
  readonly blockErrors: readonly (readonly Float64Array[])[];
}

/** Sends slots through independent channels and has each received at all SNRs by all receivers. */
export async function compareReceivers(options: ComparisonOptions): Promise<Comparison> {
  const { link, receivers, snrs_db, slots, random, decodes, observe = () => {}, signal } = options;
  const decode = decodes ? prepareDecoding(link) : undefined;
  const make = () => receivers.map(() => snrs_db.map(() => new Float64Array(slots)));
  const [bitErrors, blockErrors] = [make(), make()];
  const variances = snrs_db.map((snr_db) => 10 ** (-snr_db / 10));
  for (let index = 0; index < slots; index++) {
    signal?.throwIfAborted();
    const slot = link.next(random);
    const grids = variances.map((variance) => {
      const deviation = Math.sqrt(variance);
      return slot.clean.map((value, at) => value + deviation * slot.noise[at]!);
    });
    for (const [number, receiver] of receivers.entries())
      await receiver.receive(slot, grids, variances, (point, llrs) => {
        bitErrors[number]![point]![index] = errorShare(slot.codeword, llrs);
        if (decode) blockErrors[number]![point]![index] = decode(llrs, slot.payload) ? 0 : 1;
      });
    observe((index + 1) / slots);
    await setImmediate();
  }
  return {
    names: receivers.map(({ name }) => name),
    genies: receivers.map(({ isGenie }) => isGenie ?? false),
    snrs_db,
    bitErrors,
    blockErrors,
  };
}

/** Share of bits whose soft bit says otherwise; one that says nothing counts half. */
function errorShare(codeword: Uint8Array, llrs: Int8Array): number {
  let errors = 0;
  for (let bit = 0; bit < llrs.length; bit++) {
    const llr = llrs[bit]!;
    if (llr === 0) errors += 0.5;
    else if (llr < 0 !== (codeword[bit] === 1)) errors++;
  }
  return errors / llrs.length;
}

/** The mean of numbers drawn independently. */
export function meanOf(values: Float64Array, mean = meanOfDraws): Measured {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return mean(sum, squares, values.length);
}

export function bitErrorTable(title: string, comparison: Comparison): EvaluationTable {
  return table(title, comparison, (receiver, point) =>
    meanOf(comparison.bitErrors[receiver]![point]!, meanOfShares),
  );
}

export function blockErrorTable(title: string, comparison: Comparison): EvaluationTable {
  return table(title, comparison, (receiver, point) => {
    const lost = comparison.blockErrors[receiver]![point]!;
    return proportion(
      lost.reduce((sum, one) => sum + one, 0),
      lost.length,
    );
  });
}

function table(
  title: string,
  { names, snrs_db }: Comparison,
  measured: (receiver: number, point: number) => Measured,
): EvaluationTable {
  return {
    title,
    condition: "SNR (dB)",
    columns: names,
    rows: snrs_db.map((condition, point) => ({
      condition,
      values: names.map((_, receiver) => measured(receiver, point)),
    })),
  };
}

/** Points at which the last receiver is worse than one that is no genie, beyond the 95 % interval of the difference on the same slots. */
export function worsePoints(
  { names, genies, snrs_db }: Comparison,
  errors: readonly (readonly Float64Array[])[],
): string[] {
  const last = errors.at(-1)!;
  return names.slice(0, -1).flatMap((name, receiver) =>
    snrs_db.flatMap((snr_db, point) => {
      if (genies[receiver]) return [];
      const difference = last[point]!.map((value, slot) => value - errors[receiver]![point]![slot]!);
      return meanOf(difference).interval![0] > 0 ? [`${name} at ${snr_db} dB`] : [];
    }),
  );
}

/** The target that no point is worse. */
export function noWorseTarget(name: string, worse: readonly string[]): EvaluationTarget {
  return {
    name: worse.length === 0 ? name : `${name}: behind ${worse.join(", ")}`,
    measured: { value: worse.length },
    required: "0 points",
    isMet: worse.length === 0,
  };
}

/** Slots of an interval's estimate are drawn again so often. */
const RESAMPLINGS = 200;

/**
 * How much less SNR the last receiver needs than another for a block error rate, by straight lines through the rates'
 * logarithms; the interval by drawing the slots again, without an end on a side that the SNRs do not show.
 * @returns NaN where the rates of one of them do not pass it between the SNRs
 */
export function gainAt(rate: number, comparison: Comparison, other: string, random: Random): Measured {
  const receiver = comparison.names.indexOf(other);
  const slots = comparison.blockErrors[0]![0]!.length;
  const gain = (draw: (index: number) => number): number => {
    const required = (errors: readonly Float64Array[]) =>
      requiredSnr(
        rate,
        comparison.snrs_db,
        errors.map((lost) => {
          let sum = 0;
          for (let index = 0; index < slots; index++) sum += lost[draw(index)]!;
          return sum / slots;
        }),
        0.5 / slots,
      );
    return required(comparison.blockErrors[receiver]!) - required(comparison.blockErrors.at(-1)!);
  };
  const value = gain((index) => index);
  const gains = Array.from({ length: RESAMPLINGS }, () => {
    const drawn = Uint32Array.from({ length: slots }, () => random.integer(slots));
    return gain((index) => drawn[index]!);
  });
  // Draws in which a rate is reached beyond the SNRs say nothing: their gains may be the least or the greatest of all.
  const least = gains.map((one) => (Number.isFinite(one) ? one : Number.NEGATIVE_INFINITY));
  const greatest = gains.map((one) => (Number.isFinite(one) ? one : Number.POSITIVE_INFINITY));
  const at = (values: number[], share: number): number =>
    values.sort((a, b) => (a < b ? -1 : Number(a > b)))[Math.round(share * (RESAMPLINGS - 1))]!;
  return { value, interval: [at(least, 0.025), at(greatest, 0.975)], count: slots };
}

/**
 * The SNR in dB at which falling rates reach one, between the points around it; NaN where they do not.
 * @param least what a rate of 0 counts as: half an error of those that were counted
 */
export function requiredSnr(
  rate: number,
  snrs_db: readonly number[],
  rates: readonly number[],
  least: number,
): number {
  const below = rates.findIndex((one) => one <= rate);
  if (below < 1) return Number.NaN;
  const log = (one: number) => Math.log(Math.max(one, least));
  const [high, low] = [log(rates[below - 1]!), log(rates[below]!)];
  const share = (high - Math.log(rate)) / (high - low);
  return snrs_db[below - 1]! + share * (snrs_db[below]! - snrs_db[below - 1]!);
}
