import type { FunctionData } from "../functions/index.js";
import { deciphering } from "./ciphering/function.js";
import { decoding } from "./coding/function.js";
import { analogToDigital } from "./conversion/function.js";
import { crcCheck } from "./crc/function.js";
import { detection } from "./detection/function.js";
import { equalization } from "./equalization/function.js";
import { estimation } from "./estimation/function.js";
import { extraction } from "./extraction/function.js";
import { deinterleaving } from "./interleaving/function.js";
import { demapping } from "./mapping/function.js";
import { synchronization } from "./synchronization/function.js";

/** The functions of the receive chain whose implementations can be chosen, in the order in which a slot passes them. */
export const receiverFunctions: readonly FunctionData[] = [
  analogToDigital,
  synchronization,
  extraction,
  detection,
  estimation,
  equalization,
  demapping,
  deinterleaving,
  decoding,
  crcCheck,
  deciphering,
];
