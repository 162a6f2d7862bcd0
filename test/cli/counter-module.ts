/** A module with a counter whose steps are `by` times as large as asked for. */
export const counterText = (by: number): string => `
import { field, handler, stateSchema, statefulFunction, z } from "neuroran";
export const counter = statefulFunction("counter", stateSchema({ count: field.float64(), note: field.text() }), {
  add: handler({ request: z.object({ by: z.number() }), reply: z.number() }, (context, { by }) => {
    context.state.count += ${by} * by;
    context.publish({ count: context.state.count });
    return context.state.count;
  }),
  fail: handler({ request: z.undefined(), reply: z.undefined() }, () => {
    console.warn("about to fail");
    throw new Error("this one always fails");
  }),
});
`;
