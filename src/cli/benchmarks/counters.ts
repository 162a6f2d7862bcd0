/** The module that `neuroran bench invoke` and its like deploy: a keyed counter, and a chain that adds to three of them. */
import { call, field, handler, statefulFunction, stateSchema, steps, z } from "neuroran";

const by = z.number();
const reply = z.number();

export const counter = statefulFunction("counter", stateSchema({ value: field.float64() }), {
  add: handler({ request: z.object({ by }), reply }, ({ state }, request) => {
    state.value += request.by;
    return state.value;
  }),
});

interface Link {
  readonly by: number;
  readonly keys: readonly string[];
  readonly sum: number;
}

const add = ({ by, keys, sum }: Link) => {
  const [key, ...rest] = keys as [string, ...string[]];
  return call(counter.at(key).add({ by }), { carry: { by, keys: rest, sum } });
};

export const chain = statefulFunction("chain", stateSchema({}), {
  run: steps(
    { request: z.object({ by, keys: z.array(z.string()).length(3) }), reply },
    (_, request) => add({ ...request, sum: 0 }),
    (_, value, carry) => add({ ...carry, sum: carry.sum + value }),
    (_, value, carry) => add({ ...carry, sum: carry.sum + value }),
    (_, value, carry) => carry.sum + value,
  ),
});
