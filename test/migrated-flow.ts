/** A flow in two versions: the second adds a field to its state, its messages and its outputs. */
import { type Flow, flow, logged, operator } from "../src/functions/flows/index.js";
import { field, stateSchema } from "../src/functions/schema/index.js";

interface State {
  count: number;
  weight?: number;
}
interface Message {
  user: string;
  weight?: number;
}

function declare(second: boolean): Flow {
  const message = second
    ? stateSchema(
        { user: field.text(), weight: field.float64() },
        { version: 2, migrations: { 1: (old: { user: string }) => ({ ...old, weight: 1 }) } },
      )
    : stateSchema({ user: field.text() });
  const total = second
    ? stateSchema(
        { user: field.text(), count: field.uint32(), weight: field.float64() },
        { version: 2, migrations: { 1: (old: { user: string; count: number }) => ({ ...old, weight: -1 }) } },
      )
    : stateSchema({ user: field.text(), count: field.uint32() });
  const state = second
    ? stateSchema(
        { count: field.uint32(), weight: field.float64() },
        { version: 2, migrations: { 1: (old: { count: number }) => ({ ...old, weight: old.count }) } },
      )
    : stateSchema({ count: field.uint32() });

  const weighing = operator({
    name: "weighing",
    state,
    output: total,
    inputs: {
      users: {
        message,
        key: ({ user }) => user,
        process(context, given) {
          const [own, { user, weight }] = [context.state as State, given as Message];
          own.count++;
          if (own.weight !== undefined) own.weight += weight ?? Number.NaN;
          context.emit({ user, ...own } as never);
        },
      },
    },
  });

  return flow("weighed", { delivery: "exactly-once" }, ({ source }) => ({
    totals: weighing({ users: source("users", message, logged()) }),
  }));
}

export const weighedFirst = declare(false);
export const weighedSecond = declare(true);
