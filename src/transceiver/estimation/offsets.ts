import { floatLanes } from "../../compiler/index.js";
import { symbolsPerSlot, symbolTimings } from "../pusch/numerology.js";
import { correlationKernel } from "./correlation-kernel.js";
import { delayRotationKernel, ROTATION_BASE } from "./delay-rotation-kernel.js";
import { LEAST_MEASURED_BLOCKS, SPREADS, UNMEASURED_SPREAD } from "./frequency-filters.js";
import type { EstimationContext } from "./function.js";
import type { Pilots } from "./pilots.js";
import type { PilotPlan } from "./plan.js";

/** Delay, delay spread and carrier offset of a slot, and what takes them off. */
export interface Offsets {
  /** Measures the slot; its number within the subframe says where its symbols lie in time. Allocates nothing. */
  estimate(slotOfSubframe: number): void;
  /** Whether all pilots were finite and at least one not zero. */
  finite(): boolean;
  /** Seconds: mean delay. */
  timing(): number;
  /** Hz. */
  frequency(): number;
  /** Whether pilots agree on the delay beyond chance: noise alone passes with a probability below e^-8. */
  timingSignificant(): boolean;
  /** Whether positions of DM-RS agree on the frequency beyond chance. */
  frequencySignificant(): boolean;
  /** Index in `SPREADS` of the power delay profile's width. */
  spread(): number;
  /** Correlation of the channel between neighbouring positions times its and the noise's energy at the pilots. */
  correlatedEnergy(): number;
  /**
   * Energy at the pilots in `correlatedEnergy`, half that of both: each pair of positions correlates it in full only where
   * nothing changes between the two.
   */
  energy(): number;
  /** Radians by which the carrier turns from the first DM-RS symbol to each symbol of the slot. */
  readonly phases: Float64Array;
  /** Byte offset of the planes of the delay's phase ramp over the subcarriers. */
  readonly rotation: number;
}

/** Subcarriers over which the delay spread shows: two resource blocks. */
export const LONG_DISTANCE = 24;

/**
 * A uniform profile as wide as `SPREAD_PER_RMS` root mean square delay spreads holds nearly all of an exponential one
 * when it is centred `CENTRE_PER_SPREAD` of its width after the mean delay.
 */
const SPREAD_PER_RMS = 7;
export const CENTRE_PER_SPREAD = 0.3;

/**
 * The squared magnitude of a correlation of noise is distributed exponentially; from this many times its mean on, it is
 * taken for one of signal. What is tracked must not follow a slot in which nothing was sent.
 */
const SIGNIFICANT_POWER = 8;

/**
 * Index in `SPREADS` of the narrowest profile that is wide enough for what correlation loses over the long distance.
 * @param share `[0]`: squared magnitude of the correlation at the long distance over that at the short one; an argument that
 * is a fraction may be allocated.
 * @param shortDistance in subcarriers.
 */
export function spreadIndex(share: Float64Array, shortDistance: number): number {
  const widest = SPREADS.length - 1;
  const ratio = Math.min(1, share[0]!);
  // Of an exponential profile, |correlation|² is 1 / (1 + (2π·distance·rms)²).
  const slope = LONG_DISTANCE ** 2 * ratio - shortDistance ** 2;
  if (!(slope > 0)) return widest;
  const rms = Math.sqrt((1 - ratio) / slope) / (2 * Math.PI);
  let index = 0;
  while (index < widest && SPREADS[index]! < SPREAD_PER_RMS * rms) index++;
  return index;
}

export function prepareOffsets(context: EstimationContext, plan: PilotPlan, pilots: Pilots): Offsets {
  const { antennas, groups, positions, blocks } = plan;
  const { dmrsConfigType, dmrsSymbPos, dmrsLength } = plan.pilotPosition;
  const { subcarrierSpacing, cyclicPrefix } = plan.signalType;
  const lanes = floatLanes(context.target);
  const runCorrelation = context.compile(correlationKernel(lanes));
  const rotate = context.compile(delayRotationKernel(lanes));
  const sum = context.scratch("correlation", "float32", 2);
  const rotors = context.scratch("rotors", "float32", 2 * blocks);
  const base = context.scratch("rotationBase", "float32", 2 * ROTATION_BASE);
  const rotation = context.scratch("rotation", "float32", 2, plan.subcarrierStride).offset;

  // Two pilots on, the weights of a frequency CDM pair are the same again.
  const shortDistance = dmrsConfigType === 1 ? 4 : 6;
  const longLag = (LONG_DISTANCE / 12) * plan.pilotsPerBlock;
  const times = symbolTimes(subcarrierSpacing, cyclicPrefix);
  const perSlot = symbolsPerSlot(cyclicPrefix);
  /** Correlations: at the short distance, at the long one, then between neighbouring positions. */
  const correlations = new Float64Array(2 * (2 + positions));
  let [slot, spread] = [0, 0];
  // Fields of an object are written in place; a variable of a closure would be allocated anew with every fraction.
  // `noisePower` is the mean squared magnitude of a product of two pilots where all that was received is noise.
  const found = { delay: 0, frequency: 0, energy: 0, noisePower: 0, correlatedEnergy: 0, pairedEnergy: 0 };
  /** Squared magnitudes of the correlations. */
  const powers = new Float64Array(2 + positions);
  const phases = new Float64Array(perSlot);

  const correlate = (a: number, b: number) => {
    runCorrelation(a, b, sum.offset, plan.pilots, plan.pilotStride);
  };
  const add = (index: number, a: number, b: number) => {
    correlate(a, b);
    correlations[2 * index]! += sum.view[0]!;
    correlations[2 * index + 1]! += sum.view[1]!;
  };
  const time = (symbol: number) => times[slot * perSlot + symbol]!;

  const measure = () => {
    correlations.fill(0);
    found.energy = 0;
    found.pairedEnergy = 0;
    for (let antenna = 0; antenna < antennas; antenna++)
      for (let group = 0; group < groups.length; group++)
        for (let ordinal = 0; ordinal < dmrsSymbPos.length; ordinal++) {
          const row = pilots.row(antenna, group, ordinal);
          correlate(row, row);
          found.energy += sum.view[0]!;
          const position = Math.floor(ordinal / dmrsLength);
          const pairs = (position > 0 ? 1 : 0) + (position < positions - 1 ? 1 : 0);
          found.pairedEnergy += (pairs / 2) * sum.view[0]!;
          add(0, row, row + 4 * 2);
          if (blocks >= LEAST_MEASURED_BLOCKS) add(1, row, row + 4 * longLag);
          if (ordinal >= dmrsLength) add(1 + position, pilots.row(antenna, group, ordinal - dmrsLength), row);
        }
    for (let index = 0; index < powers.length; index++)
      powers[index] = correlations[2 * index]! ** 2 + correlations[2 * index + 1]! ** 2;
    found.noisePower = (found.energy / (antennas * groups.length * dmrsSymbPos.length * plan.pilots)) ** 2;
  };

  const share = new Float64Array(1);
  const chooseSpread = (): number => {
    if (blocks < LEAST_MEASURED_BLOCKS) return UNMEASURED_SPREAD;
    const near = powers[0]! / (plan.pilots - 2) ** 2;
    const far = powers[1]! / (plan.pilots - longLag) ** 2;
    share[0] = far / near;
    return spreadIndex(share, shortDistance);
  };

  const measureFrequency = () => {
    // Each interval's phase counts by its correlation and, as an estimate of frequency, by the square of its duration.
    let weighted = 0;
    let weights = 0;
    found.correlatedEnergy = 0;
    for (let position = 1; position < positions; position++) {
      const interval =
        time(dmrsSymbPos[position * dmrsLength]!) - time(dmrsSymbPos[(position - 1) * dmrsLength]!);
      const index = 1 + position;
      const strength = Math.sqrt(powers[index]!);
      const phase = Math.atan2(correlations[2 * index + 1]!, correlations[2 * index]!);
      weighted += strength * interval * phase;
      weights += strength * interval * interval;
      found.correlatedEnergy += strength;
    }
    found.frequency = weights > 0 ? weighted / weights / (2 * Math.PI) : 0;
    for (let symbol = 0; symbol < perSlot; symbol++)
      phases[symbol] = 2 * Math.PI * found.frequency * (time(symbol) - time(dmrsSymbPos[0]!));
  };

  /** The phase ramp of the mean delay and the profile's centre after it. */
  const fillRotation = () => {
    const centre = found.delay + (blocks < LEAST_MEASURED_BLOCKS ? 0 : CENTRE_PER_SPREAD * SPREADS[spread]!);
    const step = -2 * Math.PI * centre;
    for (let k = 0; k < 12; k++) {
      base.view[k] = Math.cos(step * k);
      base.view[ROTATION_BASE + k] = Math.sin(step * k);
    }
    const stepRe = Math.cos(12 * step);
    const stepIm = Math.sin(12 * step);
    let re = 1;
    let im = 0;
    for (let block = 0; block < blocks; block++) {
      rotors.view[2 * block] = re;
      rotors.view[2 * block + 1] = im;
      const next = re * stepRe - im * stepIm;
      im = re * stepIm + im * stepRe;
      re = next;
    }
    rotate(rotors.offset, base.offset, rotation, blocks, plan.subcarrierStride);
  };

  return {
    rotation,
    phases,
    estimate(slotOfSubframe) {
      slot = slotOfSubframe;
      measure();
      found.delay = -Math.atan2(correlations[1]!, correlations[0]!) / (2 * Math.PI * shortDistance);
      spread = chooseSpread();
      measureFrequency();
      if (Number.isFinite(found.delay)) fillRotation();
    },
    finite: () =>
      Number.isFinite(found.energy) &&
      found.energy > 0 &&
      Number.isFinite(found.delay) &&
      Number.isFinite(found.frequency),
    timing: () => found.delay / (1000 * subcarrierSpacing),
    frequency: () => found.frequency,
    timingSignificant() {
      const products = antennas * groups.length * dmrsSymbPos.length * (plan.pilots - 2);
      return powers[0]! > SIGNIFICANT_POWER * products * found.noisePower;
    },
    frequencySignificant() {
      const products = antennas * groups.length * dmrsLength * plan.pilots;
      let sum = 0;
      for (let position = 1; position < positions; position++) sum += powers[1 + position]!;
      return positions > 1 && sum > SIGNIFICANT_POWER * (positions - 1) * products * found.noisePower;
    },
    spread: () => spread,
    correlatedEnergy: () => found.correlatedEnergy,
    energy: () => found.pairedEnergy,
  };
}

/** Start of every OFDM symbol's body in a subframe, in seconds. */
function symbolTimes(subcarrierSpacing: 15 | 30 | 60, cyclicPrefix: "normal" | "extended"): Float64Array {
  const sampleRate = 30_720_000;
  const timings = symbolTimings({ subcarrierSpacing, cyclicPrefix, sampleRate });
  return Float64Array.from(timings, ({ start, prefix }) => (start + prefix) / sampleRate);
}
