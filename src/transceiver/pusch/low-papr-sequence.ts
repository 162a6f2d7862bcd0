import { basePhases, isTabulatedLength } from "./low-papr-phases.js";

/** Groups of base sequences, u = 0 … 29. */
export const SEQUENCE_GROUPS = 30;

/**
 * Writes r_u,v of TS 38.211 5.2.2 without cyclic shift as interleaved complex numbers of magnitude 1. `index` is
 * 30·v + u. Allocates nothing.
 */
export type LowPaprSequence = (index: number, sequence: Float32Array) => void;

/**
 * Prepares low-PAPR sequences of type 1 of one length: 6, 12, 18, 24, 30 or any from 36 on. Below 72 there is only
 * v = 0.
 */
export function prepareLowPaprSequence(length: number): LowPaprSequence {
  return isTabulatedLength(length) ? tabulated(basePhases(length), length) : zadoffChu(length);
}

/** TS 38.211 5.2.2.2, Tables -1 to -4. */
function tabulated(phases: Int8Array, length: number): LowPaprSequence {
  const points = Float32Array.from(phases, (phase) => Math.cos((phase * Math.PI) / 4));
  const quadratures = Float32Array.from(phases, (phase) => Math.sin((phase * Math.PI) / 4));
  return (index, sequence) => {
    const row = (index % SEQUENCE_GROUPS) * length;
    for (let n = 0; n < length; n++) {
      sequence[2 * n] = points[row + n]!;
      sequence[2 * n + 1] = quadratures[row + n]!;
    }
  };
}

/**
 * TS 38.211 5.2.2.1, e^(-jπq·m(m+1)/N_ZC) repeated to the length, and length 30, which is the sequence q = u + 1 of
 * N = 31 from its second element on. m(m+1) is even, so that all phases are whole parts of a turn by N.
 */
function zadoffChu(length: number): LowPaprSequence {
  const short = length === 30;
  const size = short ? 31 : largestPrimeBelow(length);
  const turns = Array.from({ length: size }, (_, k) => (-2 * Math.PI * k) / size);
  const cosines = Float32Array.from(turns, Math.cos);
  const sines = Float32Array.from(turns, Math.sin);
  return (index, sequence) => {
    const group = index % SEQUENCE_GROUPS;
    const root = short ? group + 1 : zadoffChuRoot(size, group, (index - group) / SEQUENCE_GROUPS);
    // With phase q·m(m+1)/2 and step q·m modulo N, the next phase is a sum; after N of them both are 0 again.
    let step = short ? root : 0;
    let phase = step;
    for (let n = 0; n < length; n++) {
      sequence[2 * n] = cosines[phase]!;
      sequence[2 * n + 1] = sines[phase]!;
      step = (step + root) % size;
      phase = (phase + step) % size;
    }
  };
}

/** q: ⌊q̄ + ½⌋ + v·(-1)^⌊2q̄⌋ with q̄ = N_ZC·(u + 1)/31. */
function zadoffChuRoot(size: number, group: number, number: number): number {
  const product = size * (group + 1);
  const sign = Math.floor((2 * product) / 31) % 2 === 0 ? 1 : -1;
  return Math.floor((2 * product + 31) / 62) + number * sign;
}

function largestPrimeBelow(length: number): number {
  let candidate = length - 1;
  while (!isPrime(candidate)) candidate--;
  return candidate;
}

function isPrime(value: number): boolean {
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return true;
}
