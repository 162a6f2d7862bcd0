import { z } from "zod";
import { field, stateSchema } from "../../src/functions/schema/index.js";
import { handler, statefulFunction } from "../../src/functions/turns/index.js";

/** A function whose schemas change what they take, take anything, or fail. */
export const lenient = statefulFunction("lenient", stateSchema({ count: field.float64() }), {
  shout: handler(
    { request: z.string().transform((text) => `${text}!`), reply: z.string() },
    (_, text) => text,
  ),
  parse: handler({ request: z.string().transform(Number), reply: z.number() }, (_, number) => number + 1),
  take: handler({ request: z.any(), reply: z.boolean() }, () => true),
  wait: handler({ request: z.any().refine(async () => true), reply: z.boolean() }, () => true),
  break: handler(
    {
      request: z.any().refine(() => {
        throw new Error("the schema is broken");
      }),
      reply: z.boolean(),
    },
    () => true,
  ),
});
