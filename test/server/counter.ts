import { z } from "zod";
import { NeuroranError } from "../../src/errors.js";
import type { ScalarType, Schema } from "../../src/functions/schema/index.js";
import type {
  Invocation,
  RequestHandler,
  StatefulFunction,
  TurnContext,
} from "../../src/functions/turns/declaration.js";

type CounterState = Schema<{ readonly count: ScalarType<"float64"> }>;

interface CounterHandlers {
  readonly add: RequestHandler<CounterState, { by: number }, number>;
  readonly fail: RequestHandler<CounterState, undefined, undefined>;
  readonly big: RequestHandler<CounterState, undefined, unknown>;
  readonly flood: RequestHandler<CounterState, { events: number; bytes: number }, undefined>;
}

const name = "counter";

function request(key: string, handler: string) {
  return (body: unknown) => ({ target: { function: name, key }, handler, body }) as Invocation<never>;
}

/** A counter whose handlers reply, fail, give what JSON lacks, publish. */
export const counter: StatefulFunction<CounterState, CounterHandlers> = {
  kind: "stateful function",
  name,
  keptEvents: 100_000,
  state: {
    kind: "schema",
    version: 1,
    fields: { count: { kind: "scalar", type: "float64", initial: 0 } },
    migrations: {},
  },
  handlers: {
    add: {
      kind: "request",
      request: z.object({ by: z.number() }),
      reply: z.number(),
      run(context: TurnContext<CounterState>, body: unknown) {
        context.state.count += (body as { by: number }).by;
        context.publish({ count: context.state.count });
        return context.state.count;
      },
    },
    fail: {
      kind: "request",
      request: z.undefined(),
      reply: z.undefined(),
      run() {
        throw new NeuroranError("COUNTER_BROKEN", "it does not count today");
      },
    },
    big: {
      kind: "request",
      request: z.undefined(),
      reply: z.unknown(),
      run: () => ({ big: 2n ** 63n - 1n, list: new Uint8Array([1, 2]), map: new Map([["__proto__", 1]]) }),
    },
    flood: {
      kind: "request",
      request: z.object({ events: z.number(), bytes: z.number() }),
      reply: z.undefined(),
      run(context: TurnContext<CounterState>, body: unknown) {
        const { events, bytes } = body as { events: number; bytes: number };
        for (let i = 0; i < events; i++) context.publish("x".repeat(bytes));
        return undefined;
      },
    },
    taken: { kind: "continuation", run: () => undefined },
  } as StatefulFunction<CounterState, CounterHandlers>["handlers"] & CounterHandlers,
  at: (key) => ({
    add: request(key, "add"),
    fail: request(key, "fail"),
    big: request(key, "big"),
    flood: request(key, "flood"),
  }),
};
