import { describe, expect, it } from "vitest";
import { z } from "zod";
import { embeddedBus, memoryStore, type Store, systemClock } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { field, stateSchema } from "../schema/index.js";
import type { Address } from "./address.js";
import type { LoggedEvent } from "./commit-domain.js";
import { createCommitDomain } from "./domain.js";
import { kindPrefix } from "./entries.js";
import { createEvents } from "./events.js";
import { createLedger } from "./ledger.js";
import { deserialise, serialise } from "./serialisable.js";
import { handler, reference, statefulFunction } from "./stateful-function.js";
import { createTransientDomain } from "./transient-domain.js";

const anything = { request: z.any(), reply: z.any() };
const address: Address = { function: "teller", key: "a" };

/** Publishes so many events in one turn. */
function tellerThatKeeps(keptEvents: number) {
  const handlers = {
    tell: handler(anything, ({ publish }, count) => {
      for (let event = 1; event <= (count as number); event++) publish(event);
    }),
  };
  return statefulFunction("teller", stateSchema({ told: field.uint32() }), handlers, { keptEvents });
}

const tell = (count: number) => reference("teller", "a", "tell", count);
const positions = (events: readonly LoggedEvent[]) => events.map(({ position }) => position);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

function storedEvents(store: Store): number {
  const prefix = kindPrefix("event");
  return [...store.range(prefix, `${prefix}\u{ffff}`)].length;
}

/** Events over a store, the positions of which are durable up to `latest`. */
async function eventsOver(latest: number) {
  const store = memoryStore();
  let reads = 0;
  let damagedEntry: string | undefined;
  const watched: Store = {
    ...store,
    get(key) {
      reads++;
      if (key === damagedEntry) throw new NeuroranError("STORE_CORRUPT", "a bit has flipped");
      return store.get(key);
    },
  };
  const codec = {
    encode: (_: string, value: unknown) => serialise(value),
    decode: (_: string, bytes: Uint8Array) => deserialise(bytes),
  };
  const ledger = createLedger(watched, codec, () => {});
  const damaged: string[] = [];
  const events = createEvents(ledger, (entry) => damaged.push(entry));
  for (const position of upTo(latest)) events.publish(address, position, position, 1000, false);
  ledger.cut();
  await new Promise((resolve) => setImmediate(resolve));
  const entries = [...store.range(kindPrefix("event"), `${kindPrefix("event")}\u{ffff}`)];
  return {
    ...{ events, ledger, damaged, reads: () => reads },
    damage: (position: number) => {
      damagedEntry = entries[position - 1]!.key;
    },
  };
}

describe("events", () => {
  it.each([0, 1, 3])("reach those who listen, however few are kept: %i (invariant 2)", async (kept) => {
    const domain = createTransientDomain([tellerThatKeeps(kept)]);
    const seen: LoggedEvent[] = [];
    domain.subscribe(address, (event) => seen.push(event));
    await domain.invoke(tell(10));
    await domain.invoke(tell(2));
    expect(positions(seen)).toEqual(upTo(12));
    expect(storedEvents(domain.store)).toBe(kept);
    const late: LoggedEvent[] = [];
    domain.subscribe(address, (event) => late.push(event));
    expect(positions(late)).toEqual(upTo(12, 13 - kept));
    await domain.close();
  });

  it("go when a version keeps fewer", async () => {
    const store = memoryStore();
    const unsealed = (bytes: Uint8Array) => bytes;
    const domain = createCommitDomain({
      ...{ store, bus: embeddedBus("n1"), clock: systemClock, uniqueId: () => "id" },
      cipherOf: () => ({ seal: unsealed, open: unsealed }),
      functions: [tellerThatKeeps(50)],
    });
    await domain.invoke(tell(60));
    expect(storedEvents(store)).toBe(50);
    domain.deploy([tellerThatKeeps(5)]);
    await domain.invoke(tell(1));
    expect(storedEvents(store)).toBe(5);
    const seen: LoggedEvent[] = [];
    domain.subscribe(address, 1, (event) => seen.push(event));
    expect(positions(seen)).toEqual(upTo(61, 57));
    await domain.close();
  });

  it("end with the first that is refused, and are not read beyond it", async () => {
    const { events, reads } = await eventsOver(1000);
    const before = reads();
    const seen: number[] = [];
    const deliver = ({ position }: LoggedEvent) => {
      seen.push(position);
      return position < 3;
    };
    events.subscribe(address, 1, () => 1000, 1000, deliver);
    expect(seen).toEqual([1, 2, 3]);
    expect(reads() - before).toBe(3);
    expect(events.subscribers).toBe(0);
  });

  it("pass over what is damaged, and go on beside a subscriber that throws", async () => {
    const { events, ledger, damaged, damage } = await eventsOver(4);
    damage(2);
    const thrown: unknown[] = [];
    const listener = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => thrown.push(error));
    const throwing = () => {
      throw new Error("mine");
    };
    const seen: LoggedEvent[] = [];
    events.subscribe(address, undefined, () => 4, 1000, throwing);
    events.subscribe(
      address,
      1,
      () => 4,
      1000,
      (event) => seen.push(event),
    );
    let released = false;
    events.publish(address, 5, 5, 1000, false);
    ledger.whenDurable(
      () => {
        released = true;
      },
      () => {},
    );
    ledger.cut();
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const one of listener) process.on("uncaughtException", one);
    expect(positions(seen)).toEqual([1, 3, 4, 5]);
    expect([released, damaged.length, events.subscribers]).toEqual([true, 1, 1]);
    expect(thrown).toEqual([new Error("mine")]);
  });
});
