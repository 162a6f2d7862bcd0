import type { Entry, Store, Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import type { SimulatedEvent } from "./event-queue.js";
import { exponential } from "./faults.js";
import { decodeBatch, encodeBatch } from "./journal.js";
import { hashOfBytes, hashOfText } from "./trace.js";
import type { World } from "./world.js";

/**
 * A node's disk: it outlives the node's crashes.
 *
 * Invariants:
 * 1. A batch is durable when its commit has resolved; before that a crash may lose it, or keep it although nobody was told.
 * 2. What survives a crash is a beginning of the sequence of batches: of one that is half written, nothing.
 */
export interface SimulatedDisk {
  /** The store of a node that is up. */
  open(effect: () => boolean, whenUp: (run: () => void) => void): Store;
  /** What happens to the disk when the node goes down. */
  crash(): void;
  fill(until_ms: number): void;
  fail(until_ms: number): void;
  slow(factor: number, until_ms: number): void;
  heal(): void;
  /** What stands on it now. */
  get(key: string): Uint8Array | undefined;
  /** All of it, in order. */
  entries(): Entry[];
}

interface PendingBatch {
  readonly batch: readonly Write[];
  readonly checksum: number;
  /** What the batch replaced, once it can be read. */
  replaced: Write[] | undefined;
  resolve(): void;
  reject(error: NeuroranError): void;
}

export function createDisk(world: World, name: string): SimulatedDisk {
  const random = world.random.fork(`disk of ${name}`);
  const { profile } = world;
  const mean_ms = 0.1 + random.next();
  // A batch can be read before it is durable where the store writes first and flushes then.
  const readBeforeDurable = random.integer(2) === 0;
  const values = new Map<string, Uint8Array>();
  let sorted: string[] | undefined;
  let pending: PendingBatch[] = [];
  let working: SimulatedEvent | undefined;
  let fullUntil_ms = 0;
  let failsUntil_ms = 0;
  let slowUntil_ms = 0;
  let factor = 1;
  /** The share of batches that fail by themselves: what is made of one failure is another thing than of many in a row. */
  let failing = profile.has("failed write") ? 0.15 * random.next() ** 2 : 0;

  function write({ key, value }: Write): void {
    if (value === undefined ? values.delete(key) : !values.has(key)) sorted = undefined;
    if (value !== undefined) values.set(key, value);
  }

  function apply(one: PendingBatch): void {
    if (checksumOf(one.batch) !== one.checksum) {
      world.violate(
        "a batch handed over is left alone",
        `${name}: bytes changed before the commit was durable`,
      );
    }
    one.replaced = one.batch.map(({ key }) => ({ key, value: values.get(key) }));
    for (const { key, value } of one.batch) write({ key, value: value?.slice() });
  }

  function refuse(): void {
    const full = world.time() < fullUntil_ms;
    world.fault(full ? "full disk" : "failed write", name, () => `${pending.length} batches`);
    const error = full
      ? new NeuroranError("STORE_FULL", "the simulated disk is full")
      : new NeuroranError("STORE_FAILED", "the simulated disk failed");
    const refused = pending;
    pending = [];
    for (const one of refused) one.reject(error);
  }

  function work(): void {
    if (working !== undefined || pending.length === 0) return;
    let delay_ms = 0.05 + exponential(random, mean_ms);
    if (world.time() < slowUntil_ms) {
      delay_ms *= factor;
      world.fault("slow disk", name, () => `${delay_ms.toFixed(1)} ms`);
    }
    const flush_ms = readBeforeDurable ? delay_ms * random.next() : 0;
    working = world.schedule(delay_ms - flush_ms, () => {
      if (world.time() < fullUntil_ms || world.time() < failsUntil_ms || random.next() < failing) {
        working = undefined;
        refuse();
        return;
      }
      const one = pending[0]!;
      apply(one);
      working = world.schedule(flush_ms, () => {
        working = undefined;
        pending.shift();
        world.trace.note(world.time(), name, "has written", one.checksum, () => `${one.batch.length} writes`);
        one.resolve();
        work();
      });
    });
  }

  function tear(one: PendingBatch): void {
    const record = encodeBatch(one.batch);
    const torn = record.slice(0, 1 + random.integer(record.length));
    // Sectors reach the disk in any order: the end may be there and the middle not.
    if (torn.length === record.length) {
      const at = random.integer(record.length);
      torn[at] = torn[at]! ^ (1 + random.integer(255));
    }
    world.fault("torn write", name, () => `${torn.length} of ${record.length} bytes`);
    if (decodeBatch(torn) !== undefined) {
      world.violate("a torn write is found", `${name}: ${torn.length} of ${record.length} bytes were taken`);
    }
  }

  function crash(): void {
    if (working !== undefined) working.cancelled = true;
    working = undefined;
    const kept = profile.has("unreported write") ? random.integer(pending.length + 1) : 0;
    for (const [index, one] of pending.entries()) {
      if (index >= kept || one.replaced !== undefined) continue;
      const written = decodeBatch(encodeBatch(one.batch));
      if (written === undefined) world.violate("a whole record is read", name);
      for (const each of written ?? []) write(each);
    }
    for (const one of pending.slice(kept).reverse())
      for (const each of (one.replaced ?? []).toReversed()) write(each);
    if (kept > 0) world.fault("unreported write", name, () => `${kept} batches`);
    const next = pending[kept];
    if (next !== undefined && next.batch.length > 0 && profile.has("torn write")) tear(next);
    pending = [];
  }

  function order(): string[] {
    sorted ??= [...values.keys()].sort(compareAsUtf8);
    return sorted;
  }

  function* range(keys: readonly string[], from: string, to: string): Generator<Entry> {
    for (let index = firstAtOrBehind(keys, from); index < keys.length; index++) {
      const key = keys[index]!;
      if (compareAsUtf8(key, to) >= 0) return;
      yield { key, value: values.get(key)!.slice() };
    }
  }

  function open(effect: () => boolean, whenUp: (run: () => void) => void): Store {
    let closed = false;
    const commit = (batch: readonly Write[]): Promise<void> =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(new NeuroranError("STORE_CLOSED", "the simulated store is closed"));
          return;
        }
        if (!effect()) return;
        const checksum = checksumOf(batch);
        world.trace.note(world.time(), name, "commits", checksum, () => batch.map(describeWrite).join(" "));
        pending.push({
          batch,
          checksum,
          replaced: undefined,
          resolve: () => whenUp(resolve),
          reject: (error) => whenUp(() => reject(error)),
        });
        work();
      });
    return {
      get: (key) => values.get(key)?.slice(),
      // An iterable may be walked late or twice: what it gives is fixed here.
      range: (from, to) => [...range(order(), from, to)],
      commit,
      async close() {
        if (!closed && pending.length > 0) await commit([]);
        closed = true;
      },
    };
  }

  return {
    open,
    crash,
    fill: (until_ms) => {
      fullUntil_ms = until_ms;
    },
    fail: (until_ms) => {
      failsUntil_ms = until_ms;
    },
    slow(times, until_ms) {
      factor = times;
      slowUntil_ms = until_ms;
    },
    heal() {
      fullUntil_ms = 0;
      failsUntil_ms = 0;
      slowUntil_ms = 0;
      failing = 0;
    },
    get: (key) => values.get(key)?.slice(),
    entries: () => [...range(order(), "", "\u{10ffff}")],
  };
}

function checksumOf(batch: readonly Write[]): number {
  let hash = batch.length;
  for (const { key, value } of batch) {
    hash = Math.imul(hash ^ hashOfText(key), 0x01000193);
    hash = Math.imul(hash ^ (value === undefined ? 1 : hashOfBytes(value)), 0x01000193);
  }
  return hash | 0;
}

function describeWrite({ key, value }: Write): string {
  const name = JSON.stringify(key.replaceAll("\0", "/"));
  return value === undefined ? `-${name}` : `${name}=${value.length}B`;
}

function firstAtOrBehind(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareAsUtf8(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Orders as the texts' UTF-8 bytes do: surrogates stand for code points behind all others. */
export function compareAsUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const one = a.charCodeAt(index);
    const other = b.charCodeAt(index);
    if (one !== other) return rank(one) - rank(other);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
