/** Slot flows that the tests run. Their sources read the query of the address, on their own threads. */
import { setTimeout } from "node:timers/promises";
import { field, stateSchema } from "../src/functions/index.js";
import { slotFlow } from "../src/functions/slot-flows/index.js";
import type { accountFlow } from "./slot-flow.js";

const query = new URL(import.meta.url).searchParams;
const number = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);

const count = number("count", 100);
const accounts = 12;

/** What slot n adds, and to which accounts. */
export function slotOfNumber(slot: number): { added: number; writes: number[] } {
  const first = (slot * 7) % accounts;
  return { added: (slot % 5) + 1, writes: [first, (first + 1 + (slot % 3)) % accounts] };
}

const sums = stateSchema({ slot: field.uint32(), first: field.int32(), second: field.int32() });
const configuration = { key: "only", dimensions: { place: 2 } };
const added = new Int32Array(1);

interface Variation {
  readonly rows?: number;
  /** Numbers in a row. */
  readonly width?: number;
  readonly delivery?: "exactly-once" | "real-time";
  readonly slotDuration_ms?: number;
  /** Some slots have inputs that are too long. */
  readonly unfit?: boolean;
}

const declare = ({
  rows = accounts,
  width = 8,
  delivery = "exactly-once",
  slotDuration_ms,
  unfit,
}: Variation) =>
  slotFlow<typeof accountFlow>()("account-slots", {
    delivery,
    instance: {
      module: new URL("./slot-flow.js", import.meta.url),
      factory: "createAccountFlow",
      options: { account: rows, width },
      arenaBytes: 1 << 22,
    },
    source: {
      kind: "replayable",
      open: () => ({
        slot(at) {
          if (at >= count) return undefined;
          const { writes, added: more } = slotOfNumber(at);
          added[0] = more;
          const until = performance.now() + number("reading_ms", 0);
          while (performance.now() < until);
          const input = unfit && at % 10 === 7 ? new Int32Array(2) : added;
          return {
            configuration,
            inputs: { added: input },
            keys: { account: { writes } },
            about: { writes },
          };
        },
      }),
    },
    ...(slotDuration_ms === undefined ? {} : { slotDuration_ms, lateAfter_ms: 5 }),
    outputs: {
      sums: {
        message: sums,
        of: ({ number: slot, outputs }) => ({
          slot,
          first: outputs.sums.view[0],
          second: outputs.sums.view[1],
        }),
      },
    },
    sends: ({ number: slot, about }) =>
      slot % 10 === 0
        ? [{ target: { function: "watcher", key: String(about.writes[0]) }, handler: "told", body: { slot } }]
        : [],
  });

/** Slots that come every two milliseconds, whether anybody takes them or not. */
export const liveAccounts = slotFlow<typeof accountFlow>()("live-accounts", {
  delivery: "real-time",
  instance: {
    module: new URL("./slot-flow.js", import.meta.url),
    factory: "createAccountFlow",
    options: { account: accounts, width: 8 },
    arenaBytes: 1 << 20,
  },
  source: {
    kind: "live",
    open: () => ({
      async next() {
        await setTimeout(2);
        return {
          configuration,
          inputs: { added: Int32Array.of(1) },
          keys: { account: { writes: [1] } },
          about: 0,
        };
      },
    }),
  },
  slotDuration_ms: 2,
  lateAfter_ms: 50,
  outputs: {
    sums: {
      message: sums,
      of: ({ number: slot, outputs }) => ({ slot, first: outputs.sums.view[0], second: 0 }),
    },
  },
});

export const accountSlots = declare({});
/** Fewer rows than there are accounts, and so large that generations of epochs are short. */
export const coldAccounts = declare({ rows: 6, width: 20_000 });
/** Rows of another length than those of `accountSlots`. */
export const widerAccounts = declare({ width: 9 });
/** A slot a millisecond, and none is dropped. */
export const pacedAccounts = declare({ slotDuration_ms: 1 });
export const accountsInRealTime = declare({ delivery: "real-time", slotDuration_ms: 1 });
export const unfitAccounts = declare({ unfit: true });
