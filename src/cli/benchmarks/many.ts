/** What a module of many functions is made of, for `neuroran bench memory`. */
import { field, handler, statefulFunction, stateSchema, z } from "neuroran";

export function small(name: string) {
  return statefulFunction(name, stateSchema({ value: field.float64() }), {
    add: handler({ request: z.object({ by: z.number() }), reply: z.number() }, ({ state }, { by }) => {
      state.value += by;
      return state.value;
    }),
  });
}
