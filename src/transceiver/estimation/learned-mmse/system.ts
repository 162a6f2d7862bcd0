import type { LearnedSystem } from "../../../neural/learned-system.js";
import { evaluateArrayNetwork } from "./array-evaluation.js";
import { type ArrayVariant, arrayNetwork, arrayPorts, initialArrayWeights } from "./array-network.js";
import { arrayTraining, HIERARCHY, trainHierarchy } from "./hierarchy.js";
import { LEARNED_MMSE_NAME } from "./learned-filtering.js";
import { evaluateProfileNetwork } from "./profile-evaluation.js";
import { profileNetwork, profilePorts } from "./profile-network.js";
import { profileTraining } from "./profile-training.js";

const PAPER = 'Neumann, Wiese and Utschick, "Learning the MMSE Channel Estimator", 2018';

const variants: readonly ArrayVariant[] = [
  { transform: "circulant", activation: "softmax" },
  { transform: "circulant", activation: "relu" },
  { transform: "toeplitz", activation: "softmax" },
  { transform: "toeplitz", activation: "relu" },
];

/** The networks of the paper for 64 antennas. */
function arraySystem(variant: ArrayVariant): LearnedSystem {
  const { transform, activation } = variant;
  const antennas = HIERARCHY.at(-1)!;
  return {
    name: `learned-mmse-${transform}-${activation}`,
    implements: "estimation",
    summary: `Channels of ${antennas} antennas from noisy observations by a ${transform} filter that two convolutions with ${activation} between find (${PAPER}).`,
    ports: arrayPorts(antennas),
    create: (random) => arrayNetwork(variant, antennas, initialArrayWeights(variant, antennas, random)),
    pretrain: (random, options) => trainHierarchy(variant, random, options),
    training: arrayTraining(variant, antennas),
    minutes: 10,
    evaluate: (model, options) => evaluateArrayNetwork(transform, model, options),
  };
}

/** What weights the filters of `estimation`'s implementation "learned-mmse". */
const profileSystem: LearnedSystem = {
  name: LEARNED_MMSE_NAME,
  implements: "estimation",
  summary: `Weights of the MMSE filters of prior power delay profiles, from statistics of a slot's DM-RS (after ${PAPER}).`,
  ports: profilePorts,
  create: profileNetwork,
  training: profileTraining,
  minutes: 10,
  evaluate: evaluateProfileNetwork,
};

/** Learned MMSE estimation: on the paper's array model, and of the channel in NR. */
export const learnedMmseSystems: readonly LearnedSystem[] = [...variants.map(arraySystem), profileSystem];
