import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  type Operand,
  scf,
  vector,
} from "../../compiler/index.js";
import { broadcast, type Complex, multiply, split } from "../complex-lanes.js";

/** Consecutive subcarriers of a row that lie in consecutive bins of the transform. */
export interface SubcarrierRun {
  /** First subcarrier, counted in the row. */
  readonly subcarrier: number;
  readonly bin: number;
  readonly length: number;
}

/**
 * Where a row of subcarriers lies in a transform's bins: in one piece, or two where it reaches across bin 0.
 * @param first of the row's subcarriers, counted from the one in bin 0; negative below.
 */
export function subcarrierRuns(first: number, count: number, size: number): SubcarrierRun[] {
  const below = Math.min(count, Math.max(0, -first));
  const runs = [
    { subcarrier: 0, bin: size + first, length: below },
    { subcarrier: below, bin: Math.max(0, first), length: count - below },
  ];
  return runs.filter((run) => run.length > 0);
}

/** What the kernels that move subcarriers are specialized on. */
export interface SubcarrierRow {
  /** Subcarriers of the row, counted from the one in bin 0. */
  readonly first: number;
  readonly count: number;
  /** Bins of the transform. */
  readonly size: number;
  readonly lanes: number;
}

function rowName({ first, count, size, lanes }: SubcarrierRow): string {
  return `${size}_${first < 0 ? `minus${-first}` : first}_${count}_${lanes}`;
}

/**
 * Takes subcarriers out of a spectrum: `run(spectrum, factors, to, re, im)` gives
 * `to[k] = spectrum[bin of k]·factors[k]·(re + j·im)`; spectrum and factors in planes, `to` interleaved.
 */
export function takeSubcarriersKernel(row: SubcarrierRow): Kernel {
  const { first, count, size, lanes } = row;
  const shapes = {
    spectrum: buffer("f32", 2 * size),
    factors: buffer("f32", 2 * count),
    to: buffer("f32", 2 * count),
    re: argument("f32"),
    im: argument("f32"),
  };
  return kernel(`take_subcarriers_${rowName(row)}`, shapes, ({ spectrum, factors, to, re, im }) => {
    const common = broadcast(re, im, lanes);
    for (const run of subcarrierRuns(first, count, size)) {
      const value = (k: Operand): Complex => {
        const at = indexSum(k, run.subcarrier);
        const factor = {
          re: vector.load(factors, at, lanes),
          im: vector.load(factors, indexSum(at, count), lanes),
        };
        const bin = {
          re: vector.load(spectrum, indexSum(k, run.bin), lanes),
          im: vector.load(spectrum, indexSum(k, run.bin + size), lanes),
        };
        return multiply(multiply(bin, common), factor);
      };
      const whole = run.length - (run.length % lanes);
      scf.for(0, whole, lanes, (k) => {
        const { re, im } = value(k);
        vector.store(vector.interleave(re, im), to, arith.muli(indexSum(k, run.subcarrier), 2));
      });
      if (whole === run.length) continue;
      const { re, im } = value(whole);
      const mask = vector.createMask(2 * (run.length - whole), 2 * lanes);
      vector.maskedStore(vector.interleave(re, im), to, 2 * (run.subcarrier + whole), mask);
    }
  });
}

/**
 * Puts subcarriers into a spectrum: `run(from, spectrum, re, im)` gives `spectrum[bin of k] = from[k]·(re + j·im)`
 * and leaves the other bins; `from` interleaved, the spectrum in planes.
 */
export function putSubcarriersKernel(row: SubcarrierRow): Kernel {
  const { first, count, size, lanes } = row;
  const shapes = {
    from: buffer("f32", 2 * count),
    spectrum: buffer("f32", 2 * size),
    re: argument("f32"),
    im: argument("f32"),
  };
  return kernel(`put_subcarriers_${rowName(row)}`, shapes, ({ from, spectrum, re, im }) => {
    const common = broadcast(re, im, lanes);
    for (const run of subcarrierRuns(first, count, size)) {
      const value = (k: Operand): Complex => {
        const at = arith.muli(indexSum(k, run.subcarrier), 2);
        return multiply(
          split(vector.load(from, at, lanes), vector.load(from, indexSum(at, lanes), lanes)),
          common,
        );
      };
      const whole = run.length - (run.length % lanes);
      scf.for(0, whole, lanes, (k) => {
        const { re, im } = value(k);
        vector.store(re, spectrum, indexSum(k, run.bin));
        vector.store(im, spectrum, indexSum(k, run.bin + size));
      });
      if (whole === run.length) continue;
      const { re, im } = value(whole);
      const mask = vector.createMask(run.length - whole, lanes);
      vector.maskedStore(re, spectrum, run.bin + whole, mask);
      vector.maskedStore(im, spectrum, run.bin + whole + size, mask);
    }
  });
}
