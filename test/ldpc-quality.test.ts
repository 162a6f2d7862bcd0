import { describe, expect, it } from "vitest";
import { createRandom } from "../src/radio/index.js";
import { floatDecoder } from "./float-decoder.js";
import { baseGraph as independentBaseGraph } from "./independent/base-graphs.js";
import { type CheckRule, decode } from "./independent/min-sum.js";
import { hasData } from "./independent/reference-data.js";
import { FILLER_LLR, ldpcLink } from "./ldpc-link.js";
import { floatReceiver, int8Receiver, type LdpcReceiver } from "./ldpc-receivers.js";
import { threshold } from "./ldpc-sweep.js";

const seed = 5332;
const iterations = 20;

/** Base graph, information bits, rate, bits of a symbol, Es/N0 in dB at which float min-sum loses a tenth of the blocks. */
const links = [
  [2, 1000, 1 / 5, 2, -3.35],
  [2, 1000, 1 / 2, 4, 6.4],
  [2, 640, 2 / 3, 2, 3.35],
  [1, 1056, 1 / 3, 2, -0.7],
  [1, 1056, 0.6, 6, 12.7],
  [1, 1056, 0.89, 6, 18.55],
] as const;

describe.skipIf(!hasData)(`the float decoders that the int8 decoder is measured by, seed ${seed}`, () => {
  const rules = [
    ["normalized min-sum", { factor: 0.75 }, { name: "min-sum", factor: 0.75 }],
    ["sum-product", "sum-product", { name: "sum-product" }],
  ] as const;
  it.each(rules)("%s: equals the independent one", (_, rule, independentRule: CheckRule) => {
    for (const [number, informationBits, rate, order, snr] of [
      [2, 90, 1 / 5, 2, -3],
      [1, 200, 1 / 2, 4, 6],
      [1, 220, 0.85, 6, 18],
    ] as const) {
      const link = ldpcLink(number, informationBits, rate, order);
      const { graph, rows } = link;
      const size = graph.liftingSize;
      const llrs = new Float64Array((graph.columns - 2) * size);
      for (let block = 0; block < 4; block++) {
        link.send(snr, createRandom(seed).fork(block), new Uint8Array(informationBits), llrs);
        const punctured = Array.from({ length: 2 * size }, () => 0);
        const maximum = 3;
        const wanted = decode(independentBaseGraph(number), size, [...punctured, ...llrs], {
          rule: independentRule,
          iterations: maximum,
          rows,
        });
        const decoder = floatDecoder(graph, rows, maximum, rule);
        expect(decoder.decode(llrs)).toBe(wanted.satisfied ? wanted.iterations : -wanted.iterations);
        decoder.posterior.forEach((value, bit) => {
          // The table's error grows along a row and over iterations.
          const near = Math.abs(wanted.posterior[bit]! - value) < 1e-3;
          expect(near || Math.abs(value) > FILLER_LLR / 2, `bit ${bit}`).toBe(true);
        });
      }
    }
  });
});

describe(`int8 decoding in AWGN, ${iterations} iterations, seed ${seed}`, () => {
  const blocks = 300;
  const lost = (link: ReturnType<typeof ldpcLink>, receive: LdpcReceiver, snr: number): boolean[] => {
    const information = new Uint8Array(link.informationBits);
    const llrs = new Float64Array((link.graph.columns - 2) * link.graph.liftingSize);
    const random = createRandom(seed);
    return Array.from({ length: blocks }, (_, block) => {
      link.send(snr, random.fork(block), information, llrs);
      return receive(llrs, information) < 0;
    });
  };

  it.each(links)(
    "base graph %i, %i bits, rate %f, order %i: within 0.1 dB of float min-sum at %f dB",
    (number, informationBits, rate, order, snr) => {
      const link = ldpcLink(number, informationBits, rate, order);
      const float = lost(link, floatReceiver(link, iterations, { factor: 0.75 }), snr - 0.1);
      const int8 = lost(link, int8Receiver(link, iterations), snr);
      // The same noise for both. Were the decoder 0.1 dB worse, a block that one alone loses would be either's with
      // probability one half; three standard deviations say that it is not.
      const floatOnly = float.filter((failed, block) => failed && !int8[block]).length;
      const int8Only = int8.filter((failed, block) => failed && !float[block]).length;
      console.log(
        `rate ${rate.toFixed(2)}: float min-sum 0.1 dB below alone loses ${floatOnly}, int8 alone ${int8Only}`,
      );
      expect(floatOnly - int8Only).toBeGreaterThan(3 * Math.sqrt(floatOnly + int8Only));
    },
  );

  it.each([
    [2, 640, 2 / 3, 2, 3.3],
    [1, 1056, 1 / 3, 2, -1.1],
    [1, 1056, 0.89, 6, 18.5],
  ] as const)(
    "base graph %i, %i bits, rate %f, order %i: loses at most 0.35 dB to sum-product, from %f dB",
    (number, informationBits, rate, order, start) => {
      const link = ldpcLink(number, informationBits, rate, order);
      const int8 = threshold(link, int8Receiver(link, iterations), start, 300, seed);
      const best = threshold(link, floatReceiver(link, iterations, "sum-product"), start - 0.2, 80, seed);
      const interval = Math.hypot(int8.interval, best.interval);
      const loss = int8.snr - best.snr;
      console.log(`rate ${rate.toFixed(2)}: ${loss.toFixed(2)} ± ${interval.toFixed(2)} dB to sum-product`);
      expect(loss - interval).toBeLessThan(0.35);
    },
  );

  it.each(links)(
    "base graph %i, %i bits, rate %f, order %i: loses no block 1.5 dB above",
    (number, informationBits, rate, order, snr) => {
      const link = ldpcLink(number, informationBits, rate, order);
      expect(lost(link, int8Receiver(link, iterations), snr + 1.5).filter(Boolean)).toEqual([]);
    },
  );
});
