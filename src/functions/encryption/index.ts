export { type Cipher, sealedVersion, sealingOverhead_bytes } from "./cipher.js";
export { type Encryption, type FunctionKeys, openEncryption } from "./encryption.js";
export {
  createNodeKey,
  fingerprintOf,
  isSignedBy,
  type NodeIdentity,
  type NodeKey,
  openNodeKey,
  signBytes,
} from "./node-key.js";
export { resealRange } from "./reseal.js";
