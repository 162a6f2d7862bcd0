/** A module with a flow that a handler appends to, and that sends to a handler. */
export const readingsText = `
import { field, flow, handler, logged, operator, reference, stateSchema, statefulFunction, z } from "neuroran";
const reading = stateSchema({ cell: field.text(), value: field.float64() });
const mean = stateSchema({ cell: field.text(), mean: field.float64(), count: field.uint32() });
const averaging = operator({
  name: "averaging",
  state: stateSchema({ sum: field.float64(), count: field.uint32() }),
  output: mean,
  inputs: {
    readings: {
      message: reading,
      key: ({ cell }) => cell,
      process(context, { cell, value }) {
        context.state.sum += value;
        context.state.count++;
        const { sum, count } = context.state;
        context.emit({ cell, mean: sum / count, count });
        context.send(reference("meter", cell, "seen", { count }));
      },
    },
  },
});
export const readings = flow("readings", { delivery: "exactly-once" }, ({ source }) => ({
  means: averaging({ readings: source("raw", reading, logged()) }),
}));
const meterState = stateSchema({ seen: field.uint32(), highest: field.uint32() });
export const meter = statefulFunction("meter", meterState, {
  measure: handler({ request: z.object({ value: z.number() }), reply: z.undefined() }, (context, { value }) => {
    context.append("readings", "raw", { cell: context.key, value });
    return undefined;
  }),
  seen: handler({ request: z.object({ count: z.int() }), reply: z.undefined() }, ({ state }, { count }) => {
    state.seen++;
    state.highest = Math.max(state.highest, count);
    return undefined;
  }),
});
`;
