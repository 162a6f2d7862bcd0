import { InputError } from "../errors.js";
import type { JudgedSystem, LearnedSystem } from "../neural/learned-system.js";
import { deeprxSystem } from "./detection/deeprx/system.js";
import { evaluateImported } from "./detection/imported/evaluation.js";
import { importedReceivers } from "./detection/imported/receivers.js";
import { detnetBpsk, detnetQpsk } from "./equalization/detnet/systems.js";
import { mmnetBpsk, mmnetQpsk } from "./equalization/mmnet/systems.js";
import { learnedMmseSystems } from "./estimation/learned-mmse/system.js";
import { autoencoder } from "./link/autoencoder/system.js";
import { overTheAirLink, overTheAirReceiver } from "./link/over-the-air/systems.js";
import { denseDemapper } from "./mapping/dense-demapper/system.js";
import { llrnetSystems } from "./mapping/llrnet/system.js";

/** The systems that can be trained and judged here. */
export const learnedSystems: readonly LearnedSystem[] = [
  ...llrnetSystems,
  denseDemapper,
  ...learnedMmseSystems,
  detnetBpsk,
  detnetQpsk,
  mmnetBpsk,
  mmnetQpsk,
  deeprxSystem,
  autoencoder,
  overTheAirLink,
  overTheAirReceiver,
];

/** What networks can be judged as: learned systems, and the receivers of others, which are not trained here. */
export const judgedSystems: readonly JudgedSystem[] = [
  ...learnedSystems,
  ...importedReceivers.map(
    (receiver): JudgedSystem => ({
      name: `${receiver.name.toLowerCase()}-receiver`,
      implements: "detection",
      summary: `The neural receiver of ${receiver.name}, on the configuration that it was made for.`,
      evaluate: (model, options) => evaluateImported(receiver, model, options),
    }),
  ),
];

/** @throws InputError where there is none of the name, with those that there are */
export function learnedSystem(name: string): LearnedSystem {
  return named(learnedSystems, name);
}

/** @throws InputError where there is none of the name, with those that there are */
export function judgedSystem(name: string): JudgedSystem {
  return named(judgedSystems, name);
}

function named<S extends JudgedSystem>(systems: readonly S[], name: string): S {
  const found = systems.find((system) => system.name === name);
  if (found === undefined)
    throw new InputError("system", name, `give one of ${systems.map((one) => one.name).join(", ")}`);
  return found;
}
