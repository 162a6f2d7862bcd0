import { z } from "zod";
import { NeuroranError } from "../../src/errors.js";
import { field, stateSchema } from "../../src/functions/schema/index.js";
import { continuation, handler, statefulFunction } from "../../src/functions/turns/index.js";

const nothing = z.undefined();

/** A counter whose handlers reply, fail, give what JSON lacks, publish. */
export const counter = statefulFunction(
  "counter",
  stateSchema({ count: field.float64() }),
  {
    add: handler({ request: z.object({ by: z.number() }), reply: z.number() }, (context, { by }) => {
      context.state.count += by;
      context.publish({ count: context.state.count });
      return context.state.count;
    }),
    fail: handler({ request: nothing, reply: nothing }, () => {
      throw new NeuroranError("COUNTER_BROKEN", "it does not count today");
    }),
    refuse: handler({ request: nothing, reply: nothing }, () => {
      throw new NeuroranError("OVERLOADED", "a handler may say what the node says as well");
    }),
    big: handler({ request: nothing, reply: z.unknown() }, () => ({
      big: 2n ** 63n - 1n,
      list: new Uint8Array([1, 2]),
      map: new Map([["__proto__", 1]]),
    })),
    flood: handler(
      { request: z.object({ events: z.number(), bytes: z.number() }), reply: nothing },
      (context, { events, bytes }) => {
        for (let i = 0; i < events; i++) context.publish("x".repeat(bytes));
        return undefined;
      },
    ),
    taken: continuation(() => undefined),
  },
  { keptEvents: 100_000 },
);
