import { onnxModel } from "../../../neural/graph/graph.js";
import { tensor } from "../../../neural/graph/tensor.js";
import type { LearnedSystem } from "../../../neural/learned-system.js";
import { networkBuilder } from "../../../neural/network/builder.js";
import { gaussianWeights } from "../../../neural/network/initialization.js";
import { binaryCrossEntropy } from "../../../neural/training/losses.js";
import type { SymbolsParameters } from "../llrnet/dataset.js";
import { evaluateDemapper } from "./evaluation.js";

const HIDDEN = [32, 32];

/**
 * A dense demapper that does not know the noise, of the layers and ports of Sionna Research Kit's, so that theirs can be gone on from:
 * trained on symbols of mean power 1, as equalization gives them here.
 */
export const denseDemapper: LearnedSystem = {
  name: "dense-demapper-16qam",
  implements: "demapping",
  summary:
    "Soft bits of 16QAM from the symbol alone by two hidden layers, as in Sionna Research Kit, whose network can be gone on from.",
  ports: {
    inputs: [
      {
        name: "y",
        type: { elementType: "float32", shape: ["batch", 2] },
        meaning: "equalized symbol, real and imaginary part, mean power 1",
        symbol: { scale: 1 },
      },
    ],
    outputs: [
      {
        name: "output_1",
        type: { elementType: "float32", shape: ["batch", 4] },
        meaning: "soft bits of the symbol in the order of TS 38.211 5.1, natural logarithm of P(0)/P(1)",
        llr: { positiveBit: 0, scale: 1 },
      },
    ],
  },
  create(random) {
    const network = networkBuilder("dense-demapper");
    let values = network.input("y", "float32", ["batch", 2]);
    const sizes = [2, ...HIDDEN, 4];
    for (let layer = 0; layer < sizes.length - 1; layer++) {
      const [from, to] = [sizes[layer]!, sizes[layer + 1]!];
      const weight = gaussianWeights(random, [from, to], Math.sqrt(2 / from));
      values = network.add("Gemm", [
        values,
        network.initializer(`dense${layer}.weight`, weight),
        network.initializer(`dense${layer}.bias`, tensor("float32", [to])),
      ]);
      if (layer < sizes.length - 2) values = network.add("Relu", [values]);
    }
    network.output("output_1", values, ["batch", 4]);
    return onnxModel(network.graph());
  },
  minutes: 3,
  training: {
    dataset: {
      module: new URL("./dataset.js", import.meta.url),
      factory: "symbolsOnly",
      parameters: { order: 4, lowest_db: 4, highest_db: 18 } satisfies SymbolsParameters,
    },
    targets: { ones: { elementType: "float32", shape: ["batch", 4] } },
    loss: (builder, { output_1, ones }) =>
      binaryCrossEntropy(builder, builder.add("Neg", [output_1!]), ones!),
    optimizer: { kind: "adam" },
    schedule: { learningRate: 3e-3, decay: { kind: "cosine" } },
    steps: 6000,
    batch: 512,
    shards: 2,
  },
  evaluate: evaluateDemapper,
};
