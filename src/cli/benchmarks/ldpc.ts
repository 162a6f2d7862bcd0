import type { Target } from "../../compiler/index.js";
import { createArena, dataTypeOf } from "../../functions/index.js";
import { createRandom, type Random } from "../../radio/index.js";
import { type BaseGraph, baseGraph } from "../../transceiver/coding/base-graph.js";
import { decoderRows, prepareDecoder } from "../../transceiver/coding/decoder.js";
import { prepareEncoder } from "../../transceiver/coding/encode.js";
import { packBits } from "../../transceiver/crc/bits.js";
import { LLR_SCALE } from "../../transceiver/mapping/llr-scale.js";
import { type Measurement, ratePercentiles, timeCalls } from "./measure.js";

/** A measurement of the decoder. */
export interface LdpcMeasurement extends Measurement {
  /** Bits of information in a code block. */
  readonly informationBits: number;
  readonly iterations: number;
  /** dB: squared amplitude of a bit sent as ±1 over the variance of the real noise. */
  readonly snr_db: number;
}

interface LdpcCase {
  readonly name: string;
  readonly graph: 1 | 2;
  readonly rate: number;
  readonly snr_db: number;
}

/** SNRs lie 1 dB or more above what six iterations need: decoding must succeed. */
const cases: readonly LdpcCase[] = [
  { name: "BG1 Z=384 R=1/3", graph: 1, rate: 1 / 3, snr_db: 1.5 },
  { name: "BG1 Z=384 R=0.92", graph: 1, rate: 0.92, snr_db: 9 },
  { name: "BG2 Z=384 R=1/5", graph: 2, rate: 1 / 5, snr_db: -1 },
  { name: "BG2 Z=384 R=0.67", graph: 2, rate: 0.67, snr_db: 6 },
];

const liftingSize = 384;
const iterations = 6;
/** Different noise in turn, so that no branch predictor learns one code block by heart. */
const differentBlocks = 8;

/**
 * Times the decoder on one core: the whole call for one code block, from soft bits to packed information bits, six
 * iterations without early stop. Soft bits are those of random code blocks sent as ±1 through Gaussian noise.
 * Not measured: demapping, rate recovery, CRC, and memory that the caches have lost in between.
 */
export function* benchmarkLdpc(target: Target, seconds: number, seed: number): Generator<LdpcMeasurement> {
  for (const one of cases) yield measureCase(one, target, seconds, createRandom(seed).fork(one.name));
}

function measureCase(one: LdpcCase, target: Target, seconds: number, random: Random): LdpcMeasurement {
  const graph = baseGraph(one.graph, liftingSize);
  const informationBits = graph.informationColumns * liftingSize;
  const encodedBits = (graph.columns - 2) * liftingSize;
  const sentBits = Math.min(encodedBits, Math.ceil(informationBits / one.rate));
  const arena = createArena({ bytes: 4 * 2 ** 20 });
  const region = arena.region(one.name);
  const codeword = region.tensor("codeword", "int8", [encodedBits]);
  const block = region.tensor("block", "uint8", [informationBits / 8]);
  const rows = decoderRows(graph, sentBits - 1);
  const decode = prepareDecoder(
    {
      scratch: (name, dtype, ...shape) => region.tensor(name, dtype, shape),
      table(name, values) {
        const tensor = region.tensor(name, dataTypeOf(values), [values.length]);
        tensor.view.set(values);
        return tensor as never;
      },
      target,
      compile: (kernel) => target.compile(kernel, arena.memory),
      specialize: (kernel) => ({ run: target.compile(kernel, arena.memory) }),
    },
    graph,
    informationBits,
    { maximum: iterations, earlyStop: false },
  );
  const blocks = Array.from({ length: differentBlocks }, () =>
    transmittedBlock(graph, sentBits, one.snr_db, random),
  );

  let correct = true;
  for (const { softBits, information } of blocks) {
    codeword.view.set(softBits);
    const run = decode(codeword.offset, block.offset, rows);
    correct &&= run > 0 && information.every((byte, i) => block.view[i] === byte);
  }
  let next = 0;
  const timing = timeCalls(
    () => {
      decode(codeword.offset, block.offset, rows);
    },
    seconds,
    () => codeword.view.set(blocks[next++ % differentBlocks]!.softBits),
  );
  return {
    benchmark: "ldpc",
    case: one.name,
    target: target.name,
    ...ratePercentiles(timing, informationBits),
    correct,
    informationBits,
    iterations,
    snr_db: one.snr_db,
  };
}

/** Soft bits of a random code block of which the first `sentBits` of the circular buffer were received. */
function transmittedBlock(graph: BaseGraph, sentBits: number, snr_db: number, random: Random) {
  const bits = new Uint8Array(graph.informationColumns * graph.liftingSize);
  random.bits(bits);
  const information = new Uint8Array(bits.length / 8);
  packBits(bits, 0, bits.length, information);
  const encoded = new Uint8Array((graph.columns - 2) * graph.liftingSize);
  prepareEncoder(graph)(bits, 0, encoded, 0);
  const deviation = 10 ** (-snr_db / 20);
  const softBits = Int8Array.from(encoded, (bit, i) => {
    if (i >= sentBits) return 0;
    const llr = (2 / deviation ** 2) * (1 - 2 * bit + deviation * random.gaussian());
    return Math.max(-127, Math.min(127, Math.round(LLR_SCALE * llr)));
  });
  return { softBits, information };
}
