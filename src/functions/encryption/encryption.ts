import { randomBytes } from "node:crypto";
import type { Store, Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { type Cipher, createCipher, sealedVersion } from "./cipher.js";
import {
  checkFunctionName,
  type KeyRecord,
  openRecord,
  readRecord,
  readRecords,
  removalOfRecord,
  sealRecord,
  writeOfRecord,
} from "./key-ring.js";
import { fingerprintOf, type NodeIdentity, type NodeKey } from "./node-key.js";

/** The data keys of one function, as `neuroran keys list` shows them. */
export interface FunctionKeys {
  readonly function: string;
  /** Oldest first; the last seals. */
  readonly versions: readonly {
    readonly version: number;
    /** Milliseconds since 1970. */
    readonly created_ms: number;
    /** Fingerprints of the nodes that may open it. */
    readonly nodes: readonly string[];
  }[];
}

/** The data keys of a node's functions, and what seals with them. One at a time over one store. */
export interface Encryption {
  /**
   * Makes a data key for every function that has none. Resolves when they are durable: before, nothing can be sealed, so that
   * nothing is ever sealed under a key that a crash takes away. Rejects as the store's commit does.
   */
  prepare(functions: readonly string[]): Promise<void>;
  /**
   * What seals for a function, always under its newest key. The same at every call.
   * @throws NeuroranError KEY_MISSING where it was not prepared; KEY_NOT_PERMITTED; KEY_RING_CORRUPT.
   */
  forFunction(name: string): Cipher;
  /** In the order of the functions. */
  listKeys(): FunctionKeys[];
  /** Adds a version, which seals from when the promise resolves; what is sealed under older ones can be opened as before. */
  rotateKey(name: string): Promise<FunctionKeys>;
  /**
   * Wraps every key for this node and exactly these others. Keys that a node could open which is no longer permitted are
   * rotated as well, since it may remember them. Gives the functions whose keys were.
   */
  permit(others: readonly NodeIdentity[]): Promise<string[]>;
  /**
   * Removes the versions under which none of these bytes is sealed, except the newest, and gives them. The bytes must be all
   * that are kept anywhere: what was sealed under a removed version is lost for good.
   */
  retireKeys(name: string, sealed: Iterable<Uint8Array>): Promise<number[]>;
}

/**
 * @param permitted the nodes besides this one that may open the keys, and whose signatures under keys hold.
 */
export function openEncryption(
  store: Store,
  node: NodeKey,
  permitted: readonly NodeIdentity[] = [],
): Encryption {
  let nodes = [node.identity, ...permitted];
  const rings = new Map<string, { current: number; keys: Map<number, Uint8Array>; cipher: Cipher }>();
  /** Changes of the ring run one after the other, as each takes the next version. */
  let changes: Promise<unknown> = Promise.resolve();

  function change<T>(run: () => Promise<T>): Promise<T> {
    const result = changes.then(run);
    changes = result.catch(() => {});
    return result;
  }

  function newestVersion(name: string): number {
    return readRecords(store, name).at(-1)?.version ?? 0;
  }

  function ringOf(name: string) {
    let ring = rings.get(name);
    if (ring !== undefined) return ring;
    const newest = readRecords(store, name).at(-1);
    if (newest === undefined) {
      throw new NeuroranError("KEY_MISSING", `${name} has no data key; deploy it, or restore its keys`);
    }
    const keys = new Map([[newest.version, openRecord(newest, node, nodes)]]);
    const cipher = createCipher(name, {
      current: () => ring!.current,
      dataKey(version) {
        let key = keys.get(version);
        if (key !== undefined) return key;
        const record = readRecord(store, name, version);
        if (record === undefined) return undefined;
        key = openRecord(record, node, nodes);
        keys.set(version, key);
        return key;
      },
    });
    ring = { current: newest.version, keys, cipher };
    rings.set(name, ring);
    return ring;
  }

  /** Adds a version for these nodes to each of the functions, along with other writes, as one batch. */
  async function addVersions(
    names: readonly string[],
    readers = nodes,
    others: readonly Write[] = [],
  ): Promise<void> {
    const added = names.map((name) => ({ name, version: newestVersion(name) + 1, key: randomBytes(32) }));
    const created_ms = Date.now();
    const records = added.map(({ name, version, key }) =>
      sealRecord(node, readers, { function: name, version, created_ms }, key),
    );
    await store.commit([...others, ...records.map(writeOfRecord)]);
    for (const { name, version, key } of added) {
      const ring = rings.get(name);
      ring?.keys.set(version, key);
      if (ring) ring.current = version;
    }
  }

  function listOf(name: string, records: readonly KeyRecord[]): FunctionKeys {
    return {
      function: name,
      versions: records.map(({ version, created_ms, wraps }) => ({
        version,
        created_ms,
        nodes: Object.keys(wraps).sort(),
      })),
    };
  }

  return {
    prepare: (functions) =>
      change(async () => {
        functions.forEach(checkFunctionName);
        const without = [...new Set(functions)].filter((name) => newestVersion(name) === 0);
        if (without.length > 0) await addVersions(without);
      }),
    forFunction: (name) => ringOf(name).cipher,
    listKeys() {
      const records = readRecords(store);
      const names = new Set(records.map((record) => record.function));
      return [...names].map((name) =>
        listOf(
          name,
          records.filter((record) => record.function === name),
        ),
      );
    },
    rotateKey: (name) =>
      change(async () => {
        // Whoever cannot open the newest key must not take over the function by a key of his own.
        ringOf(name);
        await addVersions([name]);
        return listOf(name, readRecords(store, name));
      }),
    permit: (others) =>
      change(async () => {
        const records = readRecords(store);
        const keys = records.map((record) => openRecord(record, node, nodes));
        const readers = [node.identity, ...others];
        const fingerprints = new Set(readers.map(fingerprintOf));
        const isForeign = (record: KeyRecord) =>
          Object.keys(record.wraps).some((one) => !fingerprints.has(one));
        const exposed = [...new Set(records.filter(isForeign).map((record) => record.function))];
        const rewrapped = records.map(({ function: name, version, created_ms }, index) =>
          sealRecord(node, readers, { function: name, version, created_ms }, keys[index]!),
        );
        // In one batch: a crash between them would leave keys in use that a removed node knows, and no trace of it.
        await addVersions(exposed, readers, rewrapped.map(writeOfRecord));
        // Not before: where the commit fails, records are still those of the nodes before.
        nodes = readers;
        return exposed;
      }),
    retireKeys: (name, sealed) =>
      change(async () => {
        const { current, keys } = ringOf(name);
        const used = new Set<number | undefined>([current]);
        for (const bytes of sealed) used.add(sealedVersion(bytes));
        const versions = readRecords(store, name).map((record) => record.version);
        const unused = versions.filter((version) => !used.has(version));
        await store.commit(unused.map((version) => removalOfRecord(name, version)));
        for (const version of unused) keys.delete(version);
        return unused;
      }),
  };
}
