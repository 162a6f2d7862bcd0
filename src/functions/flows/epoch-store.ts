/**
 * The epochs of a flow in the store. An epoch holds what changed since the one before it in its generation; the first of
 * a generation holds all. So an epoch can be restored as long as those of its generation up to it are whole, and when one
 * is damaged, those before it still can; the generation before is kept for when the first of the present one is damaged.
 *
 * Invariants:
 * 1. An epoch's parts, its outputs and its manifest take effect by one batch, with the head: there is no epoch of which
 *    only a part is there.
 * 2. The head changes only from what its changer has seen: of two coordinators of one flow, the one that claimed it last
 *    commits, and no other.
 * 3. The number of an epoch that was committed is never given to another, even if it is damaged and passed over.
 * 4. What a manifest that is kept refers to is kept.
 */
import { afterPrefix, type Store, type Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import type { Guard } from "./guard.js";

/** What every epoch says about itself. */
export interface Manifest {
  readonly epoch: number;
  readonly term: number;
  /** The first epoch of its generation. */
  readonly base: number;
  /** The one before it in its generation; undefined of the first. */
  readonly previous: number | undefined;
  /** By source, for each partition. */
  readonly positions: Readonly<Record<string, readonly number[]>>;
  /** By output, of the next message. */
  readonly outputs: Readonly<Record<string, number>>;
  /** Operators and key groups that it has parts of. */
  readonly parts: readonly (readonly [operator: string, group: number])[];
  /** Operators and feedback edges that it has messages of. */
  readonly feedback: readonly (readonly [operator: string, edge: string])[];
  /** All sources had ended and nothing was under way. */
  readonly complete: boolean;
}

/** Who may commit, and what was committed last. */
export interface Head {
  readonly term: number;
  /** The highest number that an epoch has been given. */
  readonly epoch: number;
  /** The newest epoch that there is; 0 where there is none. */
  readonly newest: number;
}

/** Keys of a flow in the store. */
export function flowKeys(flow: string) {
  const prefix = `f\0${flow}\0`;
  const epochs = `${prefix}epoch\0`;
  const ofEpoch = (epoch: number): string => `${epochs}${digits(epoch)}\0`;
  const output = (name: string): string => `${prefix}output\0${name}\0`;
  const source = (name: string): string => `${prefix}source\0${name}\0`;
  const outbox = `${prefix}outbox\0`;
  return {
    prefix,
    head: `${prefix}head`,
    epochs,
    ofEpoch,
    manifests: `${prefix}manifest\0`,
    manifest: (epoch: number) => `${prefix}manifest\0${digits(epoch)}`,
    part: (epoch: number, operator: string, group: number) =>
      `${ofEpoch(epoch)}part\0${operator}\0${group.toString(16).padStart(2, "0")}`,
    feedback: (epoch: number, operator: string, edge: string) =>
      `${ofEpoch(epoch)}feedback\0${operator}\0${edge}`,
    output,
    outputAt: (name: string, position: number) => `${output(name)}${digits(position)}`,
    source,
    sourceAt: (name: string, position: number) => `${source(name)}${digits(position)}`,
    outbox,
    sent: (epoch: number, order: number) => `${outbox}${digits(epoch)}\0${digits(order)}`,
  };
}
export type FlowKeys = ReturnType<typeof flowKeys>;

/** A number as text whose order is that of the numbers. */
function digits(number: number): string {
  return number.toString(16).padStart(14, "0");
}

/** The number at the end of a key that `outputAt` or `sourceAt` made. */
export function positionOf(key: string): number {
  return Number.parseInt(key.slice(key.lastIndexOf("\0") + 1), 16);
}

export function sealJson(guard: Guard, key: string, value: unknown): Write {
  return { key, value: guard.seal(Buffer.from(JSON.stringify(value)), key) };
}

/** @throws NeuroranError STATE_CORRUPT. */
export function openJson<T>(guard: Guard, key: string, bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(guard.open(bytes, key)).toString()) as T;
}

/** Changes of heads that are under way, by store and key: reading and writing must not have another between them. */
const changes = new WeakMap<Store, Map<string, Promise<unknown>>>();

export interface EpochStore {
  /** Undefined where there is none; "damaged" where it cannot be read. */
  head(): Head | "damaged" | undefined;
  /**
   * Commits `writes` and the head `next`, if the head is `expected`.
   * @returns whether it was. @throws what the store's commit throws, nothing having happened.
   */
  compareAndSet(
    expected: Head | "damaged" | undefined,
    next: Head,
    writes: readonly Write[],
  ): Promise<boolean>;
  /** All manifests there are, by epoch, ascending; what is wrong with those that cannot be read. */
  manifests(): Map<number, Manifest | string>;
  /** The bytes of an entry. @throws NeuroranError STATE_CORRUPT where they are damaged or missing. */
  open(key: string): Uint8Array;
  /** Deletions of all that epochs from `from` (included) to `to` (excluded) have. */
  deletions(from: number, to: number): Write[];
}

export function epochStore(store: Store, flow: string, guard: Guard): EpochStore {
  const keys = flowKeys(flow);
  const head = (): Head | "damaged" | undefined => {
    const bytes = store.get(keys.head);
    if (bytes === undefined) return undefined;
    try {
      return openJson<Head>(guard, keys.head, bytes);
    } catch {
      return "damaged";
    }
  };

  const change = async (
    expected: Head | "damaged" | undefined,
    next: Head,
    writes: readonly Write[],
  ): Promise<boolean> => {
    if (!sameHead(head(), expected)) return false;
    await store.commit([...writes, sealJson(guard, keys.head, next)]);
    return true;
  };

  return {
    head,
    compareAndSet(expected, next, writes) {
      const ofStore = changes.get(store) ?? new Map<string, Promise<unknown>>();
      changes.set(store, ofStore);
      const before = ofStore.get(keys.head) ?? Promise.resolve();
      const changed = before.then(() => change(expected, next, writes));
      ofStore.set(
        keys.head,
        changed.catch(() => undefined),
      );
      return changed;
    },
    manifests() {
      const found = new Map<number, Manifest | string>();
      for (const { key, value } of store.range(keys.manifests, afterPrefix(keys.manifests))) {
        const epoch = positionOf(key);
        try {
          found.set(epoch, openJson<Manifest>(guard, key, value));
        } catch (error) {
          found.set(epoch, (error as Error).message);
        }
      }
      const last = head();
      if (typeof last === "object" && last.newest > 0 && !found.has(last.newest)) {
        found.set(last.newest, "its manifest is missing");
      }
      return found;
    },
    open(key) {
      const bytes = store.get(key);
      if (bytes === undefined) {
        throw new NeuroranError("STATE_CORRUPT", `${key.replaceAll("\0", "/")} is missing`);
      }
      return guard.open(bytes, key);
    },
    deletions(from, to) {
      if (from >= to) return [];
      const found: Write[] = [];
      for (const [begin, end] of [
        [keys.manifest(from), keys.manifest(to)],
        [keys.ofEpoch(from), keys.ofEpoch(to)],
      ]) {
        for (const { key } of store.range(begin, end)) found.push({ key, value: undefined });
      }
      return found;
    },
  };
}

function sameHead(one: Head | "damaged" | undefined, other: Head | "damaged" | undefined): boolean {
  if (typeof one !== "object" || typeof other !== "object") return one === other;
  return one.term === other.term && one.epoch === other.epoch && one.newest === other.newest;
}
