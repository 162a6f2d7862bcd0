/** Neural receivers that others trained, each on its own configuration. The files are not part of the package. */
import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { readOnnx } from "../../../neural/onnx/index.js";
import { createRandom } from "../../../system/index.js";
import { classicalNames, classicalReceivers } from "../classical-receivers.js";
import { type ChannelDraws, createEvaluationLink, prepareModel } from "../evaluation-link.js";
import { compareReceivers, meanOf, modelReceiver } from "../receiver-comparison.js";
import { ownConfiguration } from "./evaluation.js";
import { aerialReceiver, type ImportedReceiver, sionnaRkReceiver } from "./receivers.js";

const directory = "../shared/data/onnx";
const files: readonly (readonly [ImportedReceiver, string])[] = [
  [aerialReceiver, `${directory}/aerial_neural_receiver.onnx`],
  [sionnaRkReceiver, `${directory}/sionna_rk_neural_receiver.onnx`],
];

const draws: ChannelDraws = {
  profiles: ["TDL-C"],
  delaySpread_s: [100e-9, 100e-9],
  maximumDoppler_hz: [20, 20],
  timing_s: 20e-9,
  frequency_hz: 5,
};

/** Where the classical receiver makes some percent of bit errors. */
const SNR_DB: ReadonlyMap<ImportedReceiver, number> = new Map([
  [aerialReceiver, 1],
  [sionnaRkReceiver, 15],
]);

describe.skipIf(!files.every(([, path]) => existsSync(path))).each(files)("$name", (receiver, path) => {
  let model: OnnxModel;
  beforeAll(() => {
    model = readOnnx(readFileSync(path));
  });
  const seed = 12;

  it("makes fewer bit errors than least squares with linear interpolation, on other widths, too", async () => {
    for (const blocks of [4, 9]) {
      const link = createEvaluationLink(ownConfiguration(receiver, blocks), receiver.antennas, draws);
      const learned = modelReceiver(receiver.name, link, model);
      const { names, bitErrors } = await compareReceivers({
        link,
        receivers: [...classicalReceivers(link), learned],
        snrs_db: [SNR_DB.get(receiver)!],
        slots: 16,
        random: createRandom(seed),
        decodes: false,
      });
      learned.release();
      const rate = (name: string) => meanOf(bitErrors[names.indexOf(name)]![0]!).value;
      const [own, linear, known] = [receiver.name, classicalNames.linear, classicalNames.known].map(rate);
      console.log(receiver.name, { seed, blocks, own, linear, known });
      expect(linear).toBeGreaterThan(0.01);
      expect(own).toBeLessThan(linear!);
      expect(own).toBeGreaterThan(0.9 * known!);
    }
  }, 60_000);

  it("gives log-likelihood ratios: bits are wrong as often as they say", () => {
    const link = createEvaluationLink(ownConfiguration(receiver, 8), receiver.antennas, draws);
    const receive = prepareModel(link, model);
    const random = createRandom(seed);
    const deviation = 10 ** (-SNR_DB.get(receiver)! / 20);
    let [expected, wrong] = [0, 0];
    for (let slot = 0; slot < 16; slot++) {
      const { clean, noise, codeword } = link.next(random);
      const llrs = receive(clean.map((value, at) => value + deviation * noise[at]!));
      llrs.forEach((llr, bit) => {
        // The port's scale is 4.
        expected += 1 / (1 + Math.exp(Math.abs(llr) / 4));
        if (llr < 0 !== (codeword[bit] === 1)) wrong++;
      });
    }
    receive.release();
    console.log(receiver.name, { seed, expected, wrong });
    expect(wrong / expected).toBeGreaterThan(0.6);
    expect(wrong / expected).toBeLessThan(1.6);
  }, 60_000);

  it("is silent on configurations that it was not made for, and where there is nothing", () => {
    const other = files.find(([one]) => one !== receiver)![0];
    for (const [configuration, antennas] of [
      [ownConfiguration(other, 2), other.antennas],
      [ownConfiguration(receiver, 2), receiver.antennas],
    ] as const) {
      const link = createEvaluationLink(configuration, antennas, draws);
      const receive = prepareModel(link, model);
      const { clean } = link.next(createRandom(seed));
      const isOwn = antennas === receiver.antennas;
      expect(receive(clean).some((llr) => llr !== 0)).toBe(isOwn);
      for (const nothing of [0, Number.NaN, Number.POSITIVE_INFINITY])
        expect(receive(clean.map(() => nothing)).every((llr) => llr === 0)).toBe(true);
      receive.release();
    }
  }, 60_000);
});
