import { describe, expect, it } from "vitest";
import { interpret } from "../../../neural/interpreter/interpret.js";
import { createRandom } from "../../../system/index.js";
import {
  CHANNEL_USES,
  MESSAGES,
  OVERSAMPLING,
  pulse,
  sampleTime,
  WINDOW_SAMPLES,
  WINDOW_SYMBOLS,
} from "./burst.js";
import { createOverTheAirDataset } from "./dataset.js";
import { differentialIsRight, drawDifferential } from "./differential.js";
import { CONSTELLATION, createOverTheAirLink, receiverOf } from "./network.js";
import { radioImpairments, recordWindow } from "./recording.js";

const air = () => ({ delay: 0, frequency: 0, drift: 0, phase: 0 });

describe("the pulse", () => {
  it("has energy 1 over samples, and hardly reaches into other channel uses after its matched filter", () => {
    for (let shift = 0; shift <= 3; shift++) {
      let sum = 0;
      for (let sample = -16; sample <= 16; sample++)
        sum += pulse(sample / OVERSAMPLING) * pulse(sample / OVERSAMPLING - shift);
      expect(Math.abs(sum - (shift === 0 ? 1 : 0))).toBeLessThan(0.02);
    }
  });
});

describe("differential QPSK", () => {
  it("comes through air without noise, and through no air at all where there is only noise", () => {
    const random = createRandom(1);
    const symbols = new Float64Array(2 * WINDOW_SYMBOLS);
    const quarters = new Uint8Array(WINDOW_SYMBOLS);
    const samples = new Float32Array(2 * WINDOW_SAMPLES);
    const through = (ebn0_db: number) => {
      let right = 0;
      for (let window = 0; window < 300; window++) {
        const drawn = air();
        drawDifferential(random, symbols, quarters);
        recordWindow(symbols, ebn0_db, undefined, random, drawn, samples);
        if (differentialIsRight(samples, drawn.delay, quarters)) right++;
      }
      return right;
    };
    expect(through(60)).toBe(300);
    // One in 256 by chance.
    expect(through(-40)).toBeLessThan(10);
  });
});

describe("the link", () => {
  const link = createOverTheAirLink(createRandom(4));
  const windows = (ebn0_db: number, seed: number, count: number) => {
    const { decided: _, ...inputs } = createOverTheAirDataset({ ebn0_db: [ebn0_db, ebn0_db] }).batch(
      createRandom(seed),
      count,
    );
    return inputs;
  };

  it("sends channel uses of power 1 a message through the air of the dataset", () => {
    const batch = windows(200, 6, 4);
    const received = interpret(link, batch).received!.data;
    const constellation = link.graph.initializers.get(CONSTELLATION)!.data as Float32Array;
    for (let window = 0; window < 4; window++) {
      for (let sample = 0; sample < WINDOW_SAMPLES; sample += 7) {
        let [re, im] = [0, 0];
        for (let symbol = 0; symbol < WINDOW_SYMBOLS; symbol++) {
          const place = Math.floor(symbol / CHANNEL_USES);
          const words = batch.messages!.data as Float32Array;
          const message = words
            .subarray((window * 5 + place) * MESSAGES, (window * 5 + place + 1) * MESSAGES)
            .indexOf(1);
          const row = constellation.subarray(message * 8, message * 8 + 8);
          const scale = 2 / Math.hypot(...row);
          const weight = Number(
            batch.pulses!.data[(window * WINDOW_SAMPLES + sample) * WINDOW_SYMBOLS + symbol],
          );
          re += weight * scale * row[2 * (symbol % CHANNEL_USES)]!;
          im += weight * scale * row[2 * (symbol % CHANNEL_USES) + 1]!;
        }
        const at = 2 * (window * WINDOW_SAMPLES + sample);
        const [cosine, sine] = [Number(batch.turn!.data[at]), Number(batch.turn!.data[at + 1])];
        expect(received[at]).toBeCloseTo(re * cosine - im * sine, 4);
        expect(received[at + 1]).toBeCloseTo(re * sine + im * cosine, 4);
      }
    }
  });

  it("has a receiver that decides alone as it does inside", () => {
    const batch = windows(8, 9, 3);
    const { received, scores } = interpret(link, batch);
    const alone = interpret(receiverOf(link), {
      received: { ...received!, data: Float32Array.from(received!.data), elementType: "float32" as const },
    });
    alone.scores!.data.forEach((score, index) => {
      expect(score).toBeCloseTo(scores!.data[index]!, 4);
    });
  });
});

describe("impaired radios", () => {
  it("saturate, and stay within the air's times", () => {
    const random = createRandom(3);
    const symbols = new Float64Array(2 * WINDOW_SYMBOLS).fill(5);
    const samples = new Float32Array(2 * WINDOW_SAMPLES);
    const drawn = air();
    recordWindow(symbols, 100, radioImpairments, random, drawn, samples);
    for (let sample = 0; sample < WINDOW_SAMPLES; sample++) {
      const amplitude = Math.hypot(samples[2 * sample]!, samples[2 * sample + 1]!);
      expect(amplitude).toBeLessThan((radioImpairments.saturation / Math.sqrt(OVERSAMPLING)) * 1.01);
    }
    expect(Math.abs(drawn.delay)).toBeLessThanOrEqual(0.5);
    expect(sampleTime(0) - 0.5).toBeGreaterThan(0);
    expect(sampleTime(WINDOW_SAMPLES - 1) + 0.5).toBeLessThan(WINDOW_SYMBOLS - 1);
  });
});
