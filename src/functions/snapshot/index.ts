export { type ArchiveSummary, checkRestored, exportStore, importStore } from "./archive.js";
export { type LatestGood, latestGood, type SnapshotSource } from "./latest-good.js";
export {
  type Manifest,
  openPart,
  type Part,
  type PartName,
  sealPart,
  verifyManifest,
  writeManifest,
} from "./manifest.js";
