export { ciphering, deciphering } from "./ciphering/function.js";
export { decoding, encoding } from "./coding/function.js";
export { analogToDigital, digitalToAnalog } from "./conversion/function.js";
export { crcFieldIndex } from "./crc/check.js";
export { crcAttachment, crcCheck } from "./crc/function.js";
export { detection } from "./detection/function.js";
export { equalization } from "./equalization/function.js";
export { estimation, qualityFieldIndex, referenceSignals } from "./estimation/function.js";
export { extraction, insertion } from "./extraction/function.js";
export { deinterleaving, interleaving } from "./interleaving/function.js";
export { judgedSystem, learnedSystem, learnedSystems } from "./learned-systems.js";
export { demapping, mapping } from "./mapping/function.js";
export { LLR_SCALE } from "./mapping/llr-scale.js";
export { GRANT_FIELDS, grantFieldIndex, writeGrantMessage } from "./pusch/grant-message.js";
export {
  type Carrier,
  type CarrierInput,
  goldBits,
  type PuschConfiguration,
  type PuschGrant,
  type PuschGrantInput,
  parseCarrier,
  parseGrant,
  puschConfiguration,
} from "./pusch/index.js";
export {
  createUplinkReceiver,
  type ReceiverOptions,
  type SlotResult,
  type UplinkReceiver,
} from "./receiver.js";
export {
  createSimulatedCell,
  type SimulatedCell,
  type SimulatedCellOptions,
  type SimulatedSlot,
} from "./simulated-cell.js";
export { type SimulationOptions, type SimulationReport, simulate } from "./simulation.js";
export { advance, synchronization } from "./synchronization/function.js";
export { OFFSET_FIELDS, offsetFieldIndex } from "./synchronization/offsets.js";
export { uplink, uplinkFromGrid } from "./uplink.js";
export { type CellSlot, type CellUser, type UplinkCellOptions, uplinkCell } from "./uplink-cell.js";
export { type UplinkSettings, uplinkConfiguration, uplinkStateDimensions } from "./uplink-configuration.js";
export { uplinkTransmit } from "./uplink-transmit.js";
export { uplinkTransmitConfiguration } from "./uplink-transmit-configuration.js";
