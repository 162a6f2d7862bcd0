import { InputError } from "../errors.js";
import type { LearnedSystem } from "../neural/learned-system.js";
import { deeprxSystem } from "./detection/deeprx/system.js";
import { detnetBpsk, detnetQpsk } from "./equalization/detnet/systems.js";
import { mmnetBpsk, mmnetQpsk } from "./equalization/mmnet/systems.js";
import { learnedMmseSystems } from "./estimation/learned-mmse/system.js";
import { autoencoder } from "./link/autoencoder/system.js";
import { overTheAirLink, overTheAirReceiver } from "./link/over-the-air/systems.js";
import { llrnetSystems } from "./mapping/llrnet/system.js";

/** The systems that can be trained and judged here. */
export const learnedSystems: readonly LearnedSystem[] = [
  ...llrnetSystems,
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

/** @throws InputError where there is none of the name, with those that there are */
export function learnedSystem(name: string): LearnedSystem {
  const found = learnedSystems.find((system) => system.name === name);
  if (found === undefined)
    throw new InputError("system", name, `give one of ${learnedSystems.map((one) => one.name).join(", ")}`);
  return found;
}
