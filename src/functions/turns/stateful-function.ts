import type { ZodType } from "zod";
import { InputError } from "../../errors.js";
import { checkSchema, type Schema } from "../schema/index.js";
import { type Address, checkKey, checkName } from "./address.js";
import type {
  Call,
  ContinuationHandler,
  DeclaredHandler,
  Handler,
  Invocation,
  RequestHandler,
  RequestsOf,
  Serialisable,
  StatefulFunction,
  StatefulFunctionData,
  TurnContext,
} from "./declaration.js";
import { turnsOf } from "./steps.js";
import { callMark } from "./turn.js";

const mostKeptEvents = 1_000_000;

/**
 * Declares a function that keeps typed state for each of its keys.
 *
 * ```ts
 * export const counter = statefulFunction("counter", stateSchema({ count: field.uint32() }), {
 *   add: handler({ request: z.object({ by: z.int() }), reply: z.int() }, ({ state }, { by }) => {
 *     state.count += by;
 *     return state.count;
 *   }),
 * });
 * ```
 *
 * Handlers run in turns: one at a time for each key, synchronous, all or nothing. A handler that needs another function ends
 * its turn with a `call`; `steps` writes several such turns as one handler. A function that must name itself, or one that
 * names it in turn, does so by `reference`, as TypeScript cannot infer types in circles.
 *
 * The last `keptEvents` (100) events of a key are kept for those who subscribe.
 * @throws InputError for a name, schema or handler that cannot be.
 */
export function statefulFunction<S extends Schema, H extends Readonly<Record<string, DeclaredHandler<S>>>>(
  name: string,
  state: S,
  handlers: H,
  options: { readonly keptEvents?: number } = {},
): StatefulFunction<S, H> {
  const { keptEvents = 100 } = options;
  checkName("name of a function", name);
  checkSchema(state, `${name}, state`);
  if (!Number.isInteger(keptEvents) || keptEvents < 0 || keptEvents > mostKeptEvents) {
    throw new InputError(`${name}, keptEvents`, keptEvents, `give an integer from 0 to ${mostKeptEvents}`);
  }
  const runnable = runnableHandlers(name, handlers);
  const data: StatefulFunctionData = {
    kind: "stateful function",
    name,
    state,
    handlers: runnable,
    keptEvents,
  };
  return Object.freeze({ ...data, state, at: requestsOf<H>(name, runnable) });
}

/** Without a prototype, so that a name from outside finds handlers only. */
function runnableHandlers(
  name: string,
  declared: Readonly<Record<string, DeclaredHandler>>,
): Readonly<Record<string, Handler>> {
  if (typeof declared !== "object" || declared === null) {
    throw new InputError(`${name}, handlers`, declared, "give handlers by name");
  }
  const handlers: Record<string, Handler> = Object.create(null);
  for (const [handlerName, handler] of Object.entries(declared)) {
    checkName(`${name}, name of a handler`, handlerName);
    checkHandler(`${name}, handler ${handlerName}`, handler);
    Object.assign(
      handlers,
      handler.kind === "steps" ? turnsOf(handlerName, handler) : { [handlerName]: handler },
    );
  }
  return Object.freeze(handlers);
}

function checkHandler(place: string, handler: DeclaredHandler): void {
  const remedy = "make it by handler, steps or continuation";
  const kind = handler?.kind;
  if (kind !== "request" && kind !== "steps" && kind !== "continuation")
    throw new InputError(place, handler, remedy);
  const runs = kind === "steps" ? handler.steps : [handler.run];
  if (runs.length === 0 || !runs.every((run) => typeof run === "function")) {
    throw new InputError(place, runs, "give functions to run");
  }
  if (kind === "continuation") return;
  for (const part of ["request", "reply"] as const) {
    if (typeof handler[part]?.safeParse !== "function") {
      throw new InputError(`${place}, ${part}`, handler[part], "give a zod schema");
    }
  }
}

/** What makes invocations of one key: an object of a class whose methods are the handlers, as keys are many. */
function requestsOf<H>(name: string, handlers: Readonly<Record<string, Handler>>) {
  class Requests {
    readonly #target: Address;
    constructor(key: string) {
      this.#target = { function: name, key };
    }
    static invoke(requests: Requests, handler: string, body: Serialisable): Invocation {
      return { target: requests.#target, handler, body };
    }
  }
  for (const [handlerName, handler] of Object.entries(handlers)) {
    if (handler.kind !== "request") continue;
    Object.defineProperty(Requests.prototype, handlerName, {
      value(this: Requests, body: Serialisable) {
        return Requests.invoke(this, handlerName, body);
      },
    });
  }
  return (key: string): RequestsOf<H> => {
    checkKey(key);
    return new Requests(key) as unknown as RequestsOf<H>;
  };
}

/**
 * A handler of requests. What comes is checked by the request's schema, which may give defaults. It returns the reply, or a
 * `call` whose continuation gives it. What it throws is the failure that the caller gets, and undoes its turn.
 */
export function handler<S extends Schema, Body, Request, Reply>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  run: (context: TurnContext<S>, request: NoInfer<Request>) => NoInfer<Reply> | Call,
): RequestHandler<S, Request, Reply, Body> {
  return { kind: "request", request: types.request, reply: types.reply, run };
}

/**
 * A handler that takes the reply of a call that its own key made, where the call names it by `onReply`, or the failure, by `onFailure`.
 * Nobody else can invoke it. It returns the reply of the request that led here, or another call.
 */
export function continuation<S extends Schema, Reply, Carry>(
  run: (context: TurnContext<S>, reply: Reply, carry: Carry) => unknown,
): ContinuationHandler<S, Reply, Carry> {
  return { kind: "continuation", run };
}

/**
 * Ends the turn with a call; other requests for the key may run before its reply comes. `onReply` and `onFailure` name the
 * continuations that take the reply and the failure, with `carry`; without them both go to whoever waits for this turn.
 */
export function call<Reply, Carry = undefined>(
  invocation: Invocation<Reply>,
  options: { readonly onReply?: string; readonly onFailure?: string; readonly carry?: Carry } = {},
): Call<Reply, Carry> {
  const { onReply, onFailure, carry } = options;
  return { [callMark]: true, kind: "call", invocation, onReply, onFailure, carry: carry as Carry };
}

/**
 * A request to a function by its names alone, for functions of other modules and for circles.
 * @throws InputError for what cannot be a key.
 */
export function reference<Reply = unknown>(
  name: string,
  key: string,
  handler: string,
  body?: Serialisable,
): Invocation<Reply> {
  checkKey(key);
  return { target: { function: name, key }, handler, body };
}
