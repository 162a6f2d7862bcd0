import { NeuroranError } from "../../errors.js";
import type { Cipher, NodeIdentity } from "../encryption/index.js";
import { type Manifest, openPart, type PartName, verifyManifest } from "./manifest.js";

/** Where the snapshots of a flow lie. What is not there is undefined. */
export interface SnapshotSource {
  /** Those that were committed, in any order. */
  epochs(): Iterable<number>;
  manifest(epoch: number): Uint8Array | undefined;
  part(name: PartName): Uint8Array | undefined;
}

/** The newest snapshot that is whole, and why newer ones are not. */
export interface LatestGood {
  /** Undefined where none is whole. */
  readonly manifest: Manifest | undefined;
  /** Newest first. */
  readonly refused: readonly { readonly epoch: number; readonly problem: NeuroranError }[];
}

/** Verifies the snapshots of a flow from the newest on, every part of each, until one is whole. */
export function latestGood(
  source: SnapshotSource,
  flow: string,
  nodes: readonly NodeIdentity[],
  cipherOf: (functionName: string) => Cipher,
): LatestGood {
  const refused: { epoch: number; problem: NeuroranError }[] = [];
  for (const epoch of [...source.epochs()].sort((one, other) => other - one)) {
    try {
      const manifest = verifyManifest(source.manifest(epoch), flow, epoch, nodes);
      for (const part of manifest.parts) openPart(manifest, cipherOf(part.function), part, source.part(part));
      return { manifest, refused };
    } catch (problem) {
      if (!(problem instanceof NeuroranError)) throw problem;
      refused.push({ epoch, problem });
    }
  }
  return { manifest: undefined, refused };
}
