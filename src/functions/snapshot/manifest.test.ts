import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../bus/index.js";
import { createNodeKey, openEncryption } from "../encryption/index.js";
import {
  latestGood,
  openPart,
  type Part,
  type PartName,
  type SnapshotSource,
  sealPart,
  verifyManifest,
  writeManifest,
} from "./index.js";

const seed = 20261121;
const node = createNodeKey();
const encryption = openEncryption(memoryStore(), node);
await encryption.prepare(["demapping", "decoding"]);
const functions = ["demapping", "decoding"];
const groups = [0, 5];
const cipherOf = (name: string) => encryption.forFunction(name);
const stateOf = ({ function: of, keyGroup, epoch }: PartName, attempt = 0): Buffer =>
  Buffer.from(`state of ${of} ${keyGroup} in ${epoch}, ${attempt}`);

interface Snapshots extends SnapshotSource {
  readonly manifests: Map<number, Uint8Array>;
  readonly parts: Map<string, Uint8Array>;
}

const keyOf = ({ function: of, keyGroup, epoch }: PartName): string => `${epoch} ${of} ${keyGroup}`;

/** Epochs of a flow; decoding's parts change every second epoch only. */
function snapshots(flow: string, epochs: readonly number[], attempt = 0): Snapshots {
  const manifests = new Map<number, Uint8Array>();
  const parts = new Map<string, Uint8Array>();
  for (const epoch of epochs) {
    const names = functions.flatMap((of) =>
      groups.map((keyGroup) => ({
        function: of,
        keyGroup,
        epoch: of === "decoding" ? epoch - (epoch % 2) : epoch,
      })),
    );
    const sealed: Part[] = names.map((name) => {
      const kept = parts.get(keyOf(name));
      if (kept !== undefined) return { ...name, sealed: kept };
      return sealPart(cipherOf(name.function), flow, name, stateOf(name, attempt));
    });
    for (const part of sealed) parts.set(keyOf(part), part.sealed);
    manifests.set(
      epoch,
      writeManifest(node, { flow, epoch, created_ms: 1, layouts: { demapping: 2 } }, sealed),
    );
  }
  return {
    manifests,
    parts,
    epochs: () => manifests.keys(),
    manifest: (epoch) => manifests.get(epoch),
    part: (name) => parts.get(keyOf(name)),
  };
}

const good = (source: SnapshotSource, flow = "uplink") => latestGood(source, flow, [node.identity], cipherOf);
const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[(bit >> 3) % copy.length]! ^= 1 << (bit & 7);
  return copy;
};

describe("snapshots", () => {
  it("give what was stored, of the newest epoch", () => {
    const source = snapshots("uplink", [3, 4, 5]);
    const { manifest, refused } = good(source);
    expect(refused).toEqual([]);
    expect(manifest).toMatchObject({ flow: "uplink", epoch: 5, layouts: { demapping: 2 } });
    for (const part of manifest!.parts) {
      const opened = openPart(manifest!, cipherOf(part.function), part, source.part(part));
      expect(Buffer.from(opened)).toEqual(stateOf(part));
    }
    expect(manifest!.parts.map((part) => part.epoch)).toEqual([5, 5, 4, 4]);
    expect(() =>
      openPart(manifest!, cipherOf("demapping"), { function: "demapping", keyGroup: 9 }, undefined),
    ).toThrow("key group 9 of demapping is not in the snapshot of epoch 5 of uplink");
  });

  it("refuse every kind of damage to a part by its name, and fall back to the epoch before", () => {
    const other = snapshots("downlink", [4, 5, 6]);
    const retried = snapshots("uplink", [4, 5, 6], 1);
    const kinds = [
      "flip",
      "cut",
      "missing",
      "function",
      "group",
      "flow",
      "epoch",
      "attempt",
      "empty",
      "longer",
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.constantFrom(...functions),
        fc.constantFrom(...groups),
        fc.nat(),
        (kind, of, keyGroup, number) => {
          const source = snapshots("uplink", [4, 5, 6]);
          const name = { function: of, keyGroup, epoch: 6 };
          const key = keyOf(name);
          const sealed = source.parts.get(key)!;
          const otherFunction = of === "decoding" ? "demapping" : "decoding";
          const replacements: Record<(typeof kinds)[number], Uint8Array | undefined> = {
            flip: flipped(sealed, number),
            cut: sealed.subarray(0, number % sealed.length),
            missing: undefined,
            function: source.parts.get(keyOf({ ...name, function: otherFunction })),
            group: source.parts.get(keyOf({ ...name, keyGroup: keyGroup === 0 ? 5 : 0 })),
            flow: other.parts.get(key),
            epoch: source.parts.get(keyOf({ ...name, epoch: 4 })),
            attempt: retried.parts.get(key),
            empty: new Uint8Array(),
            longer: Buffer.concat([sealed, Buffer.of(0)]),
          };
          const replacement = replacements[kind];
          if (replacement === undefined) source.parts.delete(key);
          else source.parts.set(key, replacement);
          const { manifest, refused } = good(source);
          expect(manifest?.epoch).toBe(5);
          expect(refused).toHaveLength(1);
          expect(refused[0]).toMatchObject({ epoch: 6, problem: { code: "SNAPSHOT_CORRUPT" } });
          expect(refused[0]!.problem.message).toContain(
            `key group ${keyGroup} of ${of} in epoch 6 of uplink`,
          );
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it("refuse a part that the manifest lists but that was sealed for another name", () => {
    const name = { function: "demapping", keyGroup: 5, epoch: 7 };
    for (const sealedAs of [
      { ...name, keyGroup: 0 },
      { ...name, epoch: 6 },
    ]) {
      const { sealed } = sealPart(cipherOf("demapping"), "uplink", sealedAs, Buffer.from("state"));
      const about = { flow: "uplink", epoch: 7, created_ms: 1, layouts: {} };
      const manifest = verifyManifest(writeManifest(node, about, [{ ...name, sealed }]), "uplink", 7, [
        node.identity,
      ]);
      expect(() => openPart(manifest, cipherOf("demapping"), name, sealed)).toThrow(
        /key group 5 of demapping in epoch 7 of uplink cannot be opened/,
      );
    }
  });

  it("refuse every kind of damage to a manifest", () => {
    const source = snapshots("uplink", [4, 5, 6]);
    const manifest = source.manifests.get(6)!;
    const intruder = createNodeKey();
    const refusal = (bytes: Uint8Array | undefined) => {
      source.manifests.set(6, bytes as Uint8Array);
      const found = good(source);
      expect(found.manifest?.epoch).toBe(5);
      expect(found.refused[0]!.problem.message).toContain("manifest of epoch 6 of uplink");
      expect(found.refused[0]!.problem.code).toBe("SNAPSHOT_CORRUPT");
    };
    for (let bit = 0; bit < manifest.length * 8; bit += 7) {
      const damaged = flipped(manifest, bit);
      // A few bits of the signature's last character stand for nothing.
      const same = JSON.stringify(meaningOf(damaged)) === JSON.stringify(meaningOf(manifest));
      if (!same) refusal(damaged);
    }
    for (let length = 0; length < manifest.length; length += 13) refusal(manifest.subarray(0, length));
    refusal(undefined);
    refusal(source.manifests.get(4));
    refusal(snapshots("downlink", [6]).manifests.get(6));
    const parts = functions.map((of) =>
      sealPart(cipherOf(of), "uplink", { function: of, keyGroup: 0, epoch: 6 }, Buffer.alloc(1)),
    );
    refusal(writeManifest(intruder, { flow: "uplink", epoch: 6, created_ms: 1, layouts: {} }, parts));
  });

  it("say what was wrong with all when none is whole", () => {
    const source = snapshots("uplink", [4, 5]);
    source.parts.clear();
    const { manifest, refused } = good(source);
    expect(manifest).toBeUndefined();
    expect(refused.map(({ epoch }) => epoch)).toEqual([5, 4]);
    expect(good(snapshots("uplink", []))).toEqual({ manifest: undefined, refused: [] });
  });
});

function meaningOf(bytes: Uint8Array): unknown {
  try {
    const { manifest, signature, ...rest } = JSON.parse(Buffer.from(bytes).toString());
    return [manifest, Buffer.from(signature, "base64url").toString("hex"), rest];
  } catch {
    return undefined;
  }
}
