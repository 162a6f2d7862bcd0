/**
 * A demapper for QPSK that is learned: makes a network, trains it on noisy symbols, and compares its soft bits with the exact ones.
 *
 *     node dist/examples/learned-demapper.js
 */
import { fileURLToPath } from "node:url";
import {
  binaryCrossEntropy,
  type Dataset,
  openNeural,
  type Random,
  type TrainingSpecification,
  tensor,
} from "../src/index.js";

/** QPSK symbols in white noise: what the network sees, and the bits that were sent. */
export function noisyQpsk({ noiseVariance }: { noiseVariance: number }): Dataset {
  return {
    batch(random: Random, samples: number) {
      const bits = new Uint8Array(2 * samples);
      random.bits(bits);
      const deviation = Math.sqrt(noiseVariance / 2);
      const symbols = Float32Array.from(
        bits,
        (bit) => (1 - 2 * bit) / Math.SQRT2 + deviation * random.gaussian(),
      );
      return {
        symbols: tensor("float32", [samples, 2], symbols),
        bits: tensor("float32", [samples, 2], Float32Array.from(bits)),
      };
    },
  };
}

const noiseVariance = 0.4;

const training: TrainingSpecification = {
  dataset: { module: new URL(import.meta.url), factory: "noisyQpsk", parameters: { noiseVariance } },
  targets: { bits: { elementType: "float32", shape: ["batch", 2] } },
  // A soft bit is the logarithm of P(0)/P(1): the logit of a 1 is its negative.
  loss: (builder, { llrs, bits }) => binaryCrossEntropy(builder, builder.add("Neg", [llrs!]), bits!),
  optimizer: { kind: "adam" },
  schedule: { learningRate: 0.01, decay: { kind: "cosine" } },
  steps: 1500,
  batch: 512,
  shards: 1,
};

async function demonstrate(): Promise<void> {
  const neural = openNeural();
  const untrained = await neural.create(
    {
      name: "learned-demapper",
      inputs: [{ name: "symbols", shape: ["batch", 2] }],
      layers: [
        { type: "dense", units: 8, activation: "relu" },
        { type: "dense", units: 2 },
      ],
      outputs: [{ name: "llrs" }],
    },
    { seed: 1 },
  );
  const { model, result } = await untrained.train(training, { seed: 1 });
  console.log(`${model.reference.slice(0, 24)} after ${result.steps} steps, ${result.seconds.toFixed(1)} s`);

  const symbols = [0.7, -0.7, 0.2, 0.1, -0.4, 0.9];
  const instance = await model.instantiate({ target: "wasm", batch: symbols.length / 2 });
  const { llrs } = await instance.infer({ symbols: tensor("float32", [3, 2], Float32Array.from(symbols)) });
  symbols.forEach((symbol, at) => {
    const exact = (2 * Math.SQRT2 * symbol) / noiseVariance;
    console.log(`${symbol}: ${Number(llrs!.data[at]).toFixed(2)}, exactly ${exact.toFixed(2)}`);
  });
  console.log(`${(1e6 * instance.cost.p50_s).toFixed(1)} µs a call`);
  await instance.release();
}

// The training's threads import the module, too.
if (process.argv[1] === fileURLToPath(import.meta.url)) await demonstrate();
