import type { LearnedSystem } from "../neural/learned-system.js";
import { detnetBpsk, detnetQpsk } from "./equalization/detnet/systems.js";
import { mmnetBpsk, mmnetQpsk } from "./equalization/mmnet/systems.js";
import { autoencoder } from "./link/autoencoder/system.js";
import { overTheAirLink, overTheAirReceiver } from "./link/over-the-air/systems.js";
import { llrnetSystems } from "./mapping/llrnet/system.js";

/** The systems that can be trained and judged here. */
export const learnedSystems: readonly LearnedSystem[] = [
  ...llrnetSystems,
  detnetBpsk,
  detnetQpsk,
  mmnetBpsk,
  mmnetQpsk,
  autoencoder,
  overTheAirLink,
  overTheAirReceiver,
];
