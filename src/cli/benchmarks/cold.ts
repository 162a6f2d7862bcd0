/** The module that `neuroran bench cold-start` deploys and does not use before it is measured. */
import { field, handler, statefulFunction, stateSchema, z } from "neuroran";

export const cold = statefulFunction("cold", stateSchema({ value: field.float64() }), {
  add: handler({ request: z.object({ by: z.number() }), reply: z.number() }, ({ state }, { by }) => {
    state.value += by;
    return state.value;
  }),
});
