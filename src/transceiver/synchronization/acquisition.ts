import type { CompiledKernel, Target } from "../../compiler/index.js";
import { InputError } from "../../errors.js";
import {
  type FourierTransform,
  planTable,
  transformTable,
  transformWorkLength,
} from "../extraction/fourier-transform.js";
import { fourierTransformKernel } from "../extraction/fourier-transform-kernel.js";
import { symbolTable } from "../extraction/symbol-table.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { dmrsWeight, prepareDmrsSequence } from "../pusch/dmrs.js";
import { dmrsSubcarrier } from "../pusch/dmrs-ports.js";
import { slotSamples } from "../pusch/numerology.js";

/** Blocks of the search are this many symbol bodies long; offsets of SCS / 4 are then shifts by whole bins. */
const BLOCK_SYMBOLS = 4;

/** Frequency hypotheses in quarters of the subcarrier spacing: 1/8 at most remains, which costs 0.2 dB. */
const QUARTERS = [-2, -1, 0, 1, 2] as const;

/** A slot is found where chance gives such a correlation anywhere in the samples with less than this probability. */
const FALSE_ALARM = 1e-4;

/** Where a slot was found. */
export interface Acquisition {
  /** First sample of the slot. */
  readonly start: number;
  /** Hz, within half the subcarrier spacing: positive, where the signal lies above the carrier frequency. */
  readonly frequency: number;
  /** Mean part of the energy in the DM-RS symbols that is correlated with the DM-RS: 1 without noise or channel. */
  readonly correlation: number;
  /** Probability, at most, that noise alone looks as much like the slot anywhere in the samples. */
  readonly falseAlarm: number;
}

/**
 * Finds a granted slot in a recording by its DM-RS: correlation in time with each layer's reference signals of every
 * DM-RS symbol, under frequency offsets up to half the subcarrier spacing, powers added over symbols, layers and
 * antennas; then the frequency from the cyclic prefixes of the slot that was found. Control path: allocates, and
 * takes some tens of milliseconds for a million samples.
 * @param samples complex64 `[antenna][sample]`, at the carrier's sample rate; the whole slot must lie inside. What is
 * not a number counts as 0.
 * @param antennas 1 unless given.
 * @returns the place where the correlation is greatest, or undefined where it may be chance.
 * @throws InputError where no slot fits into the samples.
 */
export function acquireSlot(
  samples: Float32Array,
  configuration: PuschConfiguration,
  target: Target,
  antennas = 1,
): Acquisition | undefined {
  const { carrier, allocation, grant, dmrs } = configuration;
  const count = samples.length / (2 * antennas);
  const slot = slotSamples(carrier, grant.slot);
  if (!Number.isInteger(count) || count < slot)
    throw new InputError("samples", count, `give whole antennas of at least a slot, ${slot} samples`);
  const starts = count - slot + 1;
  const bodies = bodyStarts(configuration);
  const engine = transformer(carrier.fftSize, target);
  const templates = grant.dmrsSymbPos.flatMap((symbol, ordinal) =>
    dmrs.ports.map((_, layer) => ({
      body: bodies[symbol]!,
      spectrum: engine.template(referenceRow(configuration, ordinal, layer)),
    })),
  );
  const scores = QUARTERS.map(() => new Float64Array(starts));
  for (let antenna = 0; antenna < antennas; antenna++) {
    const own = samples
      .subarray(2 * antenna * count, 2 * (antenna + 1) * count)
      .map((value) => (Number.isFinite(value) ? value : 0));
    const energies = runningEnergies(own, carrier.fftSize);
    engine.correlate(own, templates, (quarter, template, position, power) => {
      const start = position - templates[template]!.body;
      if (start >= 0 && start < starts && energies[position]! > 0)
        scores[quarter]![start]! += power / energies[position]!;
    });
  }
  const [best, quarter] = greatest(scores);
  const correlation = scores[quarter]![best]! / (grant.dmrsSymbPos.length * antennas);
  // In noise that fills the allocation only, each term is exponential with mean 1 / subcarriers.
  const terms = templates.length * antennas;
  const single = gammaTail(terms, scores[quarter]![best]! * allocation.subcarriers);
  const falseAlarm = Math.min(1, single * starts * QUARTERS.length);
  if (!(falseAlarm < FALSE_ALARM)) return undefined;
  const near = (QUARTERS[quarter]! / 4) * carrier.subcarrierSpacing * 1000;
  const frequency = prefixFrequency(samples, count, antennas, best, configuration, near);
  return { start: best, frequency, correlation, falseAlarm };
}

/** First sample of every symbol's body, from the start of the grant's slot. */
function bodyStarts({ carrier, grant }: PuschConfiguration): number[] {
  const { slots, symbols, starts, prefixes } = symbolTable(carrier);
  const first = (grant.slot % slots) * symbols;
  return Array.from({ length: symbols }, (_, symbol) => starts[first + symbol]! + prefixes[first + symbol]!);
}

/** Bins of a transform of the carrier with a layer's reference signals of one DM-RS symbol, energy 1, interleaved. */
function referenceRow(configuration: PuschConfiguration, ordinal: number, layer: number): Float32Array {
  const { carrier, allocation, dmrs, dmrsInits } = configuration;
  const port = dmrs.ports[layer]!;
  const sequence = new Float32Array(2 * dmrs.pilots);
  prepareDmrsSequence(dmrs)(dmrsInits[ordinal]!, sequence);
  const bins = new Float32Array(2 * carrier.fftSize);
  for (let pilot = 0; pilot < dmrs.pilots; pilot++) {
    const subcarrier = allocation.firstSubcarrier + dmrsSubcarrier(dmrs.configType, port.delta, pilot);
    const bin = (subcarrier - allocation.gridSubcarriers / 2 + carrier.fftSize) % carrier.fftSize;
    const weight = dmrsWeight(dmrs, port, ordinal, pilot) / Math.sqrt(dmrs.pilots);
    bins[2 * bin] = weight * sequence[2 * pilot]!;
    bins[2 * bin + 1] = weight * sequence[2 * pilot + 1]!;
  }
  return bins;
}

/** Energy of the `length` samples from each on; fewer at the end. */
function runningEnergies(samples: Float32Array, length: number): Float64Array {
  const count = samples.length / 2;
  const sums = new Float64Array(count + 1);
  for (let n = 0; n < count; n++) sums[n + 1] = sums[n]! + samples[2 * n]! ** 2 + samples[2 * n + 1]! ** 2;
  return sums.subarray(0, count).map((sum, n) => sums[Math.min(count, n + length)]! - sum);
}

type Template = { readonly body: number; readonly spectrum: Float32Array };

/** Correlation by transforms of blocks, in a memory of its own. */
function transformer(size: number, target: Target) {
  const block = BLOCK_SYMBOLS * size;
  const shape = { input: "interleaved", output: "interleaved", lanes: 4 } as const;
  const transforms: FourierTransform[] = [
    { ...shape, size, sign: 1 },
    { ...shape, size: block, sign: -1 },
    { ...shape, size: block, sign: 1 },
  ];
  let end = 64;
  const place = (length: number): number => {
    const offset = end;
    end += Math.ceil((4 * length + 64) / 64) * 64;
    return offset;
  };
  const [input, output, work] = [place(2 * block), place(2 * block), place(transformWorkLength(block))];
  const tables = transforms.map((transform) => {
    const [table, plan] = [transformTable(transform), planTable(transform)];
    return { table, offset: place(table.length), plan, planOffset: place(plan.length) };
  });
  const pages = Math.ceil(end / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const from = new Float32Array(memory.buffer, input, 2 * block);
  const to = new Float32Array(memory.buffer, output, 2 * block);
  for (const { table, offset, plan, planOffset } of tables) {
    new Float32Array(memory.buffer, offset, table.length).set(table);
    new Int32Array(memory.buffer, planOffset, plan.length).set(plan);
  }
  const [modulate, analyse, synthesize] = transforms.map((transform, index) => {
    const run: CompiledKernel = target.compile(fourierTransformKernel(transform), memory);
    const { offset, planOffset } = tables[index]!;
    return () => run(input, work, offset, output, planOffset);
  }) as [() => void, () => void, () => void];

  return {
    /** The spectrum, over a block, of the signal of one symbol whose bins are given; the signal has energy 1. */
    template(bins: Float32Array): Float32Array {
      from.set(bins);
      modulate();
      from.fill(0);
      for (let at = 0; at < 2 * size; at++) from[at] = to[at]! / Math.sqrt(size);
      analyse();
      return to.slice();
    },
    /** Calls back with the squared correlation at every position, for every frequency and template. */
    correlate(
      samples: Float32Array,
      templates: readonly Template[],
      found: (quarter: number, template: number, position: number, power: number) => void,
    ): void {
      const count = samples.length / 2;
      const step = block - size + 1;
      for (let first = 0; first < count; first += step) {
        const part = samples.subarray(2 * first, 2 * Math.min(count, first + block));
        from.fill(0).set(part);
        analyse();
        const spectrum = to.slice();
        templates.forEach((template, index) => {
          QUARTERS.forEach((bins, quarter) => {
            multiplyConjugate(spectrum, template.spectrum, bins, from);
            synthesize();
            for (let n = 0; n < Math.min(step, count - first); n++)
              found(quarter, index, first + n, (to[2 * n]! ** 2 + to[2 * n + 1]! ** 2) / block ** 2);
          });
        });
      }
    },
  };
}

/** product(k) = a(k)·conj(b(k - shift)): b is higher by `shift` bins. */
function multiplyConjugate(a: Float32Array, b: Float32Array, shift: number, product: Float32Array): void {
  const size = a.length / 2;
  for (let k = 0; k < size; k++) {
    const other = 2 * ((k - shift + size) % size);
    const [aRe, aIm, bRe, bIm] = [a[2 * k]!, a[2 * k + 1]!, b[other]!, b[other + 1]!];
    product[2 * k] = aRe * bRe + aIm * bIm;
    product[2 * k + 1] = aIm * bRe - aRe * bIm;
  }
}

/** Index and row of the greatest score. */
function greatest(scores: readonly Float64Array[]): [best: number, row: number] {
  let [best, row] = [0, 0];
  scores.forEach((values, index) => {
    values.forEach((value, at) => {
      if (value > scores[row]![best]!) [best, row] = [at, index];
    });
  });
  return [best, row];
}

/** Probability that a sum of `terms` exponential variables of mean 1 exceeds x. */
function gammaTail(terms: number, x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; k < terms; k++) {
    term *= x / k;
    sum += term;
  }
  return Math.exp(-x) * sum;
}

/**
 * Frequency in Hz from the cyclic prefixes of the granted symbols of the slot at `start`; prefixes know it up to
 * multiples of the spacing, and the one nearest to `near` is taken.
 */
function prefixFrequency(
  samples: Float32Array,
  count: number,
  antennas: number,
  start: number,
  configuration: PuschConfiguration,
  near: number,
): number {
  const { carrier, grant } = configuration;
  const { shortestPrefix } = symbolTable(carrier);
  const bodies = bodyStarts(configuration);
  let [re, im] = [0, 0];
  for (let antenna = 0; antenna < antennas; antenna++)
    for (let symbol = grant.startSymbolIndex; symbol < grant.startSymbolIndex + grant.nrOfSymbols; symbol++) {
      const end = 2 * (antenna * count + start + bodies[symbol]!);
      for (let at = end - 2 * shortestPrefix; at < end; at += 2) {
        const late = at + 2 * carrier.fftSize;
        const [a, b, c, d] = [samples[at]!, samples[at + 1]!, samples[late]!, samples[late + 1]!];
        if (!Number.isFinite(a + b + c + d)) continue;
        re += a * c + b * d;
        im += a * d - b * c;
      }
    }
  const spacing = carrier.subcarrierSpacing * 1000;
  const estimate = (Math.atan2(im, re) / (2 * Math.PI)) * spacing;
  return estimate + spacing * Math.round((near - estimate) / spacing);
}
