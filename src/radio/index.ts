export { createRandom, type Random } from "../system/index.js";
export { compressedPrbBytes, compressPrbs, decompressPrbs, prbSubcarriers } from "./block-floating-point.js";
export { type DelayProfile, type DelayProfileName, delayProfiles } from "./delay-profiles.js";
export {
  decodeFronthaul,
  encodeFronthaul,
  type FronthaulGrid,
  type FronthaulOptions,
  formatFronthaul,
  parseFronthaul,
  readFronthaul,
  writeFronthaul,
} from "./fronthaul.js";
export {
  createGridChannel,
  type GridChannel,
  type GridChannelOptions,
  meanDelay_s,
} from "./grid-channel.js";
export { addNoise, applyFrequencyOffset, applyPhaseNoise, applyTimingOffset } from "./impairments.js";
export { openRecording, type Recording, type RecordingOptions, writeRecording } from "./recording.js";
export { type SampleFormat, sampleFormats } from "./sample-format.js";
export { type Channel, type ChannelOptions, createChannel } from "./tapped-delay-line.js";
