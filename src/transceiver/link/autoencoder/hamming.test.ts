import { describe, expect, it } from "vitest";
import { createRandom } from "../../../system/index.js";
import { createLinkDataset } from "./dataset.js";
import { decideHard, decideSoft, LENGTH, MESSAGES, signals } from "./hamming.js";

/** Block error rates under soft and hard decisions at an Eb/N0, over the noise that the network is judged with. */
function rates(ebn0_db: number, uses: number): [soft: number, hard: number] {
  const { noise } = createLinkDataset({ bits: 4, channelUses: LENGTH, ebn0_db }).batch(createRandom(2), uses);
  const received = new Float64Array(LENGTH);
  let [soft, hard] = [0, 0];
  for (let use = 0; use < uses; use++) {
    const sent = use % MESSAGES;
    for (let k = 0; k < LENGTH; k++) received[k] = signals[sent]![k]! + Number(noise!.data[use * LENGTH + k]);
    if (decideSoft(received) !== sent) soft++;
    if (decideHard(received) !== sent) hard++;
  }
  return [soft / uses, hard / uses];
}

describe("Hamming (7,4)", () => {
  it("has the distance 3 between any two codewords", () => {
    for (let a = 0; a < MESSAGES; a++) {
      for (let b = 0; b < a; b++) {
        const distance = signals[a]!.filter((chip, index) => chip !== signals[b]![index]).length;
        expect(distance).toBeGreaterThanOrEqual(3);
      }
    }
  });

  it("corrects any one wrong bit", () => {
    signals.forEach((signal, message) => {
      for (let wrong = 0; wrong < LENGTH; wrong++) {
        const received = signal.map((chip, index) => (index === wrong ? -chip : chip));
        expect(decideHard(received)).toBe(message);
      }
    });
  });

  // Computed in closed form and by Monte Carlo elsewhere.
  it.each([
    [0, 1.79e-1, 2.63e-1],
    [2, 6.37e-2, 1.24e-1],
    [4, 1.18e-2, 3.67e-2],
  ])("loses the blocks that it must at %s dB", (ebn0_db, soft, hard) => {
    const uses = 60_000;
    const [measuredSoft, measuredHard] = rates(ebn0_db, uses);
    const tolerance = (rate: number) => 4 * Math.sqrt(rate / uses) + 0.01 * rate;
    expect(Math.abs(measuredSoft - soft)).toBeLessThan(tolerance(soft));
    expect(Math.abs(measuredHard - hard)).toBeLessThan(tolerance(hard));
  });
});
