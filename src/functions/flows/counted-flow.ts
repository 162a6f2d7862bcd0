/**
 * The flow that `verify dataflow` runs: a counted sequence through three keyed stages, repartitioned between them. Loaded
 * with `?count=…`, the numbers of each of its two partitions.
 *
 * What it gives out is the same in every run without faults, but for the order: every key of the first two stages gets
 * its messages from one sender.
 */
import { field, stateSchema } from "../schema/index.js";
import { flow, generated, operator } from "./flow.js";

/** Partitions of the source. */
export const partitions = 2;
/** Users of each partition. */
export const users = 61;
/** Lanes that the numbers of a user are dealt to. */
export const lanes = 5;

const countText = new URL(import.meta.url).searchParams.get("count");
const count = Number(countText ?? 1000);

const numbered = stateSchema({ user: field.uint32(), number: field.uint32() });
const counted = stateSchema({ user: field.uint32(), number: field.uint32(), count: field.uint32() });
const summed = stateSchema({
  user: field.uint32(),
  number: field.uint32(),
  count: field.uint32(),
  laneCount: field.uint32(),
  laneSum: field.float64(),
});
const result = stateSchema({
  user: field.uint32(),
  number: field.uint32(),
  count: field.uint32(),
  laneCount: field.uint32(),
  laneSum: field.float64(),
  seen: field.uint32(),
});

const counting = operator({
  name: "counting",
  state: stateSchema({ count: field.uint32() }),
  output: counted,
  inputs: {
    numbers: {
      message: numbered,
      key: ({ user }) => user,
      process(context, { user, number }) {
        context.emit({ user, number, count: ++context.state.count });
      },
    },
  },
});

const summing = operator({
  name: "summing",
  state: stateSchema({ count: field.uint32(), sum: field.float64() }),
  output: summed,
  inputs: {
    counts: {
      message: counted,
      key: ({ user, count }) => `${user}/${count % lanes}`,
      process(context, message) {
        const { state } = context;
        state.count++;
        state.sum += message.number * message.count;
        context.emit({ ...message, laneCount: state.count, laneSum: state.sum });
      },
    },
  },
});

const checking = operator({
  name: "checking",
  state: stateSchema({ seen: field.uint32() }),
  output: result,
  inputs: {
    sums: {
      message: summed,
      key: ({ user }) => `user ${user}`,
      process(context, message) {
        context.emit({ ...message, seen: ++context.state.seen });
      },
    },
  },
});

/** The user and the number at a position of a partition. */
export function numberAt(position: number, partition: number): { user: number; number: number } {
  // Users take turns in an order that does not repeat soon, so that keys and groups mix.
  const user = partitions * ((position * 37 + (position >>> 7)) % users) + partition;
  return { user, number: position };
}

export const countedSequence = flow("counted-sequence", { delivery: "exactly-once" }, ({ source }) => {
  const numbers = source(
    "numbers",
    numbered,
    generated(
      (position, partition) => (position < count ? numberAt(position, partition) : undefined),
      partitions,
    ),
  );
  const counts = counting({ numbers }, { parallelism: 2 });
  const sums = summing({ counts }, { parallelism: 2 });
  return { results: checking({ sums }, { parallelism: 2 }) };
});
