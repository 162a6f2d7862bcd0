/**
 * Objects of any size under names, as NATS's object store keeps them: cut into chunks, with a SHA-256 digest.
 *
 * Invariants:
 * 1. A name's entry is written when all chunks of its object are durable, in one batch with the removal of the object that it
 *    replaces: whoever reads gets one object or the other, whole.
 * 2. Chunks of no entry are what an interrupted put left; they are removed when the object store is opened. One object store
 *    at a time is open over a bucket of a store.
 * 3. What is handed out has the digest of its entry.
 */
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { InputError, NeuroranError } from "../errors.js";
import { afterPrefix, type Store, type Write } from "./store.js";
import { turnTaking } from "./turn-taking.js";

export const chunk_bytes = 64 * 1024;

/** Chunks that are committed at once. */
const chunksPerBatch = 16;

const objectInfo = z.object({
  name: z.string(),
  size_bytes: z.int().nonnegative(),
  chunks: z.int().nonnegative(),
  digest: z.string(),
  modified_ms: z.number(),
  nuid: z.string(),
});

/** What is known of an object without its bytes. */
export interface ObjectInfo {
  readonly name: string;
  readonly size_bytes: number;
  readonly chunks: number;
  /** "SHA-256=" and the digest in URL-safe base64, as NATS writes it. */
  readonly digest: string;
  readonly modified_ms: number;
}

export interface ObjectStore {
  /** Resolves when the object is durable under the name, in place of what was there. */
  put(name: string, bytes: Uint8Array): Promise<ObjectInfo>;
  /**
   * The object's bytes, the caller's own; undefined where there is none.
   * @throws NeuroranError OBJECT_CORRUPT where they do not have the digest
   */
  get(name: string): Promise<Uint8Array | undefined>;
  info(name: string): Promise<ObjectInfo | undefined>;
  /** In the order of the names. */
  list(): Promise<ObjectInfo[]>;
  /** Whether there was one. */
  delete(name: string): Promise<boolean>;
}

/**
 * Opens a bucket of a store.
 * @throws (rejections of its calls) InputError for a name that is empty or longer than 512 bytes; what {@link Store} rejects with
 */
export async function openObjectStore(store: Store, bucket: string): Promise<ObjectStore> {
  const entryPrefix = `object/${bucket}/entry/`;
  const chunkPrefix = `object/${bucket}/chunk/`;
  const chunksOf = (nuid: string): string => `${chunkPrefix}${nuid}/`;
  const chunkKey = (nuid: string, index: number): string =>
    `${chunksOf(nuid)}${String(index).padStart(8, "0")}`;

  /** Puts and deletes follow one another, so that each knows what it replaces. */
  const inTurn = turnTaking();

  function entry(name: string): z.infer<typeof objectInfo> | undefined {
    const bytes = store.get(entryKey(name));
    return bytes && parsed(name, bytes);
  }

  function wholeEntry(name: string): z.infer<typeof objectInfo> | undefined {
    try {
      return entry(name);
    } catch (error) {
      if (error instanceof NeuroranError && error.code === "OBJECT_CORRUPT") return undefined;
      throw error;
    }
  }

  function entryKey(name: string): string {
    if (name === "" || Buffer.byteLength(name) > 512)
      throw new InputError("object name", name, "give one of 1 to 512 bytes");
    return entryPrefix + name;
  }

  /** Of the object that goes; chunks of a damaged entry are left over. */
  const removal = (name: string): Write[] => {
    const info = wholeEntry(name);
    return info === undefined
      ? []
      : Array.from({ length: info.chunks }, (_, index) => ({
          key: chunkKey(info.nuid, index),
          value: undefined,
        }));
  };

  async function removeLeftovers(): Promise<void> {
    const known = new Set<string>();
    for (const { key } of store.range(entryPrefix, afterPrefix(entryPrefix))) {
      const info = wholeEntry(key.slice(entryPrefix.length));
      // Which chunks it named is unknown: none is known to be left over.
      if (info === undefined) return;
      known.add(info.nuid);
    }
    for (let from = chunkPrefix; ; ) {
      const key = firstKey(store, from, afterPrefix(chunkPrefix));
      if (key === undefined) return;
      const nuid = key.slice(chunkPrefix.length).split("/")[0]!;
      from = afterPrefix(chunksOf(nuid));
      if (known.has(nuid)) continue;
      const left = [...store.range(chunksOf(nuid), from)];
      await store.commit(left.map((chunk) => ({ key: chunk.key, value: undefined })));
    }
  }

  await removeLeftovers();
  return {
    put: (name, bytes) =>
      inTurn(async () => {
        const key = entryKey(name);
        const nuid = randomBytes(11).toString("hex");
        const chunks = Math.ceil(bytes.length / chunk_bytes);
        const digest = digestOf(bytes);
        for (let index = 0; index < chunks; index += chunksPerBatch) {
          const count = Math.min(chunksPerBatch, chunks - index);
          const batch = Array.from({ length: count }, (_, at) => ({
            key: chunkKey(nuid, index + at),
            value: bytes.subarray((index + at) * chunk_bytes, (index + at + 1) * chunk_bytes),
          }));
          await store.commit(batch);
        }
        const info = { name, size_bytes: bytes.length, chunks, digest, modified_ms: Date.now(), nuid };
        await store.commit([...removal(name), { key, value: Buffer.from(JSON.stringify(info)) }]);
        return published(info);
      }),
    async get(name) {
      const info = entry(name);
      if (info === undefined) return undefined;
      const parts = Array.from({ length: info.chunks }, (_, index) => store.get(chunkKey(info.nuid, index)));
      const bytes = Buffer.concat(parts.map((part) => part ?? new Uint8Array()));
      if (bytes.length !== info.size_bytes || digestOf(bytes) !== info.digest) throw corrupt(name);
      return bytes;
    },
    async info(name) {
      const info = entry(name);
      return info && published(info);
    },
    async list() {
      return [...store.range(entryPrefix, afterPrefix(entryPrefix))].map(({ key, value }) =>
        published(parsed(key.slice(entryPrefix.length), value)),
      );
    },
    delete: (name) =>
      inTurn(async () => {
        const key = entryKey(name);
        if (store.get(key) === undefined) return false;
        await store.commit([...removal(name), { key, value: undefined }]);
        return true;
      }),
  };
}

function firstKey(store: Store, from: string, to: string): string | undefined {
  for (const { key } of store.range(from, to)) return key;
  return undefined;
}

function published({ name, size_bytes, chunks, digest, modified_ms }: ObjectInfo): ObjectInfo {
  return { name, size_bytes, chunks, digest, modified_ms };
}

function digestOf(bytes: Uint8Array): string {
  return `SHA-256=${createHash("sha256").update(bytes).digest("base64url")}`;
}

function parsed(name: string, bytes: Uint8Array): z.infer<typeof objectInfo> {
  try {
    return objectInfo.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw corrupt(name, cause);
  }
}

function corrupt(name: string, cause?: unknown): NeuroranError {
  return new NeuroranError(
    "OBJECT_CORRUPT",
    `object ${JSON.stringify(name)} is not what was put: delete it, and put it again`,
    { cause },
  );
}
