import { describe, expect, it } from "vitest";
import { builtInModel } from "../../../neural/models/built-in.js";
import { createRandom } from "../../../system/index.js";
import { classicalNames, classicalReceivers } from "../classical-receivers.js";
import { createEvaluationLink } from "../evaluation-link.js";
import { type Comparison, compareReceivers, meanOf, modelReceiver } from "../receiver-comparison.js";
import { evaluationConfiguration, unseenDraws } from "./evaluation.js";
import { deeprxSystem } from "./system.js";

const seed = 31;

describe(`the packaged DeepRx on channels that it has not seen, seed ${seed}`, () => {
  const { manifest, onnx } = builtInModel("deeprx");

  /** Bit error rates of a few slots, by name. */
  async function measure(dmrsSymbols: readonly number[], snr_db: number, slots: number) {
    const link = createEvaluationLink(evaluationConfiguration(dmrsSymbols, 6), 2, unseenDraws);
    const learned = modelReceiver("DeepRx", link, onnx);
    const comparison: Comparison = await compareReceivers({
      link,
      receivers: [...classicalReceivers(link), learned],
      snrs_db: [snr_db],
      slots,
      random: createRandom(seed),
      decodes: false,
    });
    learned.release();
    const rates = new Map(
      comparison.names.map((name, index) => [name, meanOf(comparison.bitErrors[index]![0]!).value]),
    );
    console.log({ dmrsSymbols, snr_db, slots }, rates);
    return (name: string): number => rates.get(name)!;
  }

  it("says of itself what the system says", () => {
    expect(manifest.inputs).toEqual(deeprxSystem.ports.inputs);
    expect(manifest.outputs).toEqual(deeprxSystem.ports.outputs);
    expect(manifest.implements).toBe(deeprxSystem.implements);
  });

  it("follows the channel from one DM-RS symbol, where LMMSE cannot", async () => {
    const rate = await measure([2], 27, 40);
    expect(rate(classicalNames.blocks)).toBeGreaterThan(0.06);
    expect(rate("DeepRx")).toBeLessThan(0.015);
  }, 60_000);

  it("comes closer to the known channel than LMMSE with two", async () => {
    const rate = await measure([2, 11], 15, 40);
    expect(rate("DeepRx")).toBeLessThan(rate(classicalNames.blocks));
    expect(rate("DeepRx")).toBeLessThan(rate(classicalNames.linear));
    expect(rate("DeepRx")).toBeGreaterThan(rate(classicalNames.known));
  }, 60_000);
});
