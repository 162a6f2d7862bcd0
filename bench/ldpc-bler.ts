/**
 * At which Es/N0 in AWGN does the LDPC decoder lose one block of ten, and how many above?
 *
 *     npm run build && node dist/bench/ldpc-bler.js [--mcs 4,10] [--blocks 1000] [--seed 1] [--json]
 *
 * 2000 information bits without CRC, base graph 2 up to rate 0.67, redundancy version 0, bit interleaving, exact
 * demapping, 20 iterations. Beside the product's int8 decoder stand two in double precision with the same schedule:
 * min-sum normalized by 3/4, and sum-product. All decode the same bits and noise.
 */
import { parseArgs } from "node:util";
import { mcsLink } from "../test/ldpc-link.js";
import { floatReceiver, int8Receiver } from "../test/ldpc-receivers.js";
import { blockErrors, threshold } from "../test/ldpc-sweep.js";

/** Es/N0 asked for at a block error rate of 10 %, dB, by MCS index of table 1; 0.2 dB more are allowed. */
const WANTED: Readonly<Record<string, number>> = {
  4: -1.34,
  7: 1.39,
  10: 3.5,
  13: 5.94,
  16: 8.53,
  19: 10.61,
  22: 13.57,
  25: 16.47,
  27: 18.32,
};
const INFORMATION_BITS = 2000;
const ITERATIONS = 20;

const { values } = parseArgs({
  options: {
    mcs: { type: "string", default: Object.keys(WANTED).join(",") },
    blocks: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const blocks = wholeNumber("--blocks", values.blocks);
const seed = wholeNumber("--seed", values.seed);
const indices = values.mcs.split(",");
for (const index of indices) {
  if (!(index in WANTED)) fail(`--mcs takes ${Object.keys(WANTED).join(", ")}, not ${index}`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) fail(`${name} takes a whole number above 0, not ${text}`);
  return value;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (!values.json) {
  const unit = "Es/N0 in dB at a block error rate of 10 % with its 95 % interval; lost 0.5 and 1 dB above";
  console.log(`${blocks} blocks a point, seed ${seed}\n${unit}`);
}
for (const index of indices) {
  const wanted = WANTED[index]!;
  const link = mcsLink(Number(index), INFORMATION_BITS);
  const receivers = {
    int8: int8Receiver(link, ITERATIONS),
    "min-sum": floatReceiver(link, ITERATIONS, { factor: 0.75 }),
    "sum-product": floatReceiver(link, ITERATIONS, "sum-product"),
  };
  if (!values.json) console.log(`MCS ${index}, base graph ${link.graph.number}, asked: ${wanted.toFixed(2)}`);
  let start = wanted;
  for (const [decoder, receive] of Object.entries(receivers)) {
    const { snr, interval, iterations } = threshold(link, receive, start, blocks, seed);
    start = snr;
    const half = blockErrors(link, receive, snr + 0.5, blocks, seed);
    const one = blockErrors(link, receive, snr + 1, blocks, seed);
    if (values.json) {
      const row = {
        benchmark: "ldpc-bler",
        case: `MCS ${index}`,
        decoder,
        unit: "dB",
        wanted,
        snr_db: snr,
        interval_db: interval,
        iterations,
        bler_half_db_above: half.errors / blocks,
        bler_1_db_above: one.errors / blocks,
        n: blocks,
      };
      console.log(JSON.stringify(row));
    } else {
      const figures = [
        `${snr.toFixed(2).padStart(6)} ± ${interval.toFixed(2)} dB`,
        `${iterations.toFixed(1).padStart(4)} iterations`,
        `${half.errors} and ${one.errors} lost`,
      ];
      console.log(`  ${decoder.padEnd(11)} ${figures.join(", ")}`);
    }
  }
}
