/** Trains with a checkpoint after every step, to be killed: `node train-process.js <seed> <checkpoint> <result>`. */
import { writeFileSync } from "node:fs";
import { train } from "../../src/neural/training/trainer.js";
import { circleNetwork } from "./circle-training.js";
import { fingerprint, resumedTraining } from "./resumed-training.js";

const [seed, path, result] = [Number(process.argv[2]), process.argv[3]!, process.argv[4]!];
const trained = await train(circleNetwork(16, seed), resumedTraining, {
  seed,
  checkpoint: { path, everySeconds: 0 },
});
writeFileSync(result, fingerprint(trained));
