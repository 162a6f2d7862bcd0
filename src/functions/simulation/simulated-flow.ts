import type { Flow } from "../flows/declaration.js";
import { flow, generated, operator } from "../flows/flow.js";
import { field, stateSchema } from "../schema/index.js";

/** What comes out for each number of the source. */
export interface FlowResult {
  readonly user: number;
  readonly number: number;
  /** How many of the user's numbers came before, and this. */
  readonly count: number;
  /** Rounds on the feedback edge. */
  readonly rounds: number;
  /** Numbers of the user that have been round so often as they should. */
  readonly done: number;
  /** Never given again: tells a message from the one that takes its place after a recovery. */
  readonly run: number;
}

/** Times that a number goes round the feedback edge. */
export function roundsOf(number: number): number {
  return number % 3;
}

/** Whether a number is told to a stateful function. */
export function isSent(number: number): boolean {
  return number % 4 === 0;
}

export const partitions = 2;
/** Users of each partition; they take turns. */
export const usersOfPartition = 7;

export function userOf(number: number, partition: number): number {
  return usersOfPartition * partition + (number % usersOfPartition);
}

/**
 * A flow over `length` numbers in each of two partitions: counted by user, sent round a feedback edge, checked. Its output is
 * the same in every run but for order and run numbers. @param nextRun gives another number at each call, ever.
 */
export function simulatedFlow(length: number, nextRun: () => number): Flow {
  const numbered = stateSchema({ user: field.uint32(), number: field.uint32() });
  const counted = stateSchema({
    user: field.uint32(),
    number: field.uint32(),
    count: field.uint32(),
    rounds: field.uint32(),
  });
  const result = stateSchema({
    user: field.uint32(),
    number: field.uint32(),
    count: field.uint32(),
    rounds: field.uint32(),
    done: field.uint32(),
    run: field.float64(),
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
          const count = ++context.state.count;
          context.emit({ user, number, count, rounds: 0 });
          if (!isSent(number)) return;
          const target = { function: "listener", key: `${user}` };
          context.send({ target, handler: "hear", body: { user, number, count, run: nextRun() } });
        },
      },
    },
  });
  const circling = operator({
    name: "circling",
    state: stateSchema({ seen: field.uint32() }),
    output: counted,
    inputs: {
      counts: {
        message: counted,
        key: ({ user, number }) => `${user} ${number % 2}`,
        process(context, message) {
          context.state.seen++;
          context.emit(message);
        },
      },
      again: {
        message: counted,
        key: ({ user, number }) => `${user} ${number % 2}`,
        process(context, message) {
          if (message.rounds >= roundsOf(message.number)) return;
          context.state.seen++;
          context.emit({ ...message, rounds: message.rounds + 1 });
        },
      },
    },
  });
  const checking = operator({
    name: "checking",
    state: stateSchema({ done: field.uint32() }),
    output: result,
    inputs: {
      counts: {
        message: counted,
        key: ({ user }) => `user ${user}`,
        process(context, message) {
          if (message.rounds !== roundsOf(message.number)) return;
          context.emit({ ...message, done: ++context.state.done, run: nextRun() });
        },
      },
    },
  });
  return flow("simulated", { delivery: "exactly-once" }, ({ source, feedback }) => {
    const numbers = source(
      "numbers",
      numbered,
      generated((number, partition) => {
        return number < length ? { user: userOf(number, partition), number } : undefined;
      }, partitions),
    );
    const again = feedback("again", counted, { logged: true });
    const circled = circling(
      { counts: counting({ numbers }, { parallelism: 2 }), again },
      { parallelism: 2 },
    );
    again.from(circled);
    return { results: checking({ counts: circled }, { parallelism: 2 }) };
  });
}
