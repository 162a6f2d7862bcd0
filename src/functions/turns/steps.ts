import type { ZodType } from "zod";
import type { Schema } from "../schema/index.js";
import type { Call, Handler, Step, StepsHandler, TurnContext } from "./declaration.js";
import { isCall } from "./turn.js";

/** What a step gives: the reply of the whole, or a call whose reply the next step takes, with what the call carries. */
type Given<Reply, Called, Carry> = NoInfer<Reply> | Call<Called, Carry>;

/**
 * A handler that is written as steps, up to six. Each is a turn of its own, and nothing but the state and what a call carries is there
 * in the next one; other requests for the key may run in between. A step that returns a call hands the call's reply to the
 * next step; one that returns anything else gives the reply, and the steps behind it do not run. A call by the last step
 * hands its reply to whoever waits, and so does a failed call its failure, unless it names a continuation by `onFailure`.
 *
 * When another version of the function comes while a call is under way, that version's step of the same number takes the reply:
 * change the order of steps under a new name.
 *
 * ```ts
 * transfer: steps(
 *   { request: z.object({ to: z.string(), amount: z.number() }), reply: z.number() },
 *   ({ state }, { to, amount }) => {
 *     state.balance -= amount;
 *     return call(account.at(to).deposit({ amount }), { carry: { amount } });
 *   },
 *   ({ state }, deposited, { amount }) => amount + state.balance,
 * ),
 * ```
 */
export function steps<S extends Schema, Body, Request, Reply>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  first: Step<S, NoInfer<Request>, undefined, Given<Reply, unknown, unknown>>,
): StepsHandler<S, Request, Reply, Body>;
export function steps<S extends Schema, Body, Request, Reply, R1, C1>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  first: Step<S, NoInfer<Request>, undefined, Given<Reply, R1, C1>>,
  second: Step<S, R1, C1, Given<Reply, unknown, unknown>>,
): StepsHandler<S, Request, Reply, Body>;
export function steps<S extends Schema, Body, Request, Reply, R1, C1, R2, C2>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  first: Step<S, NoInfer<Request>, undefined, Given<Reply, R1, C1>>,
  second: Step<S, R1, C1, Given<Reply, R2, C2>>,
  third: Step<S, R2, C2, Given<Reply, unknown, unknown>>,
): StepsHandler<S, Request, Reply, Body>;
export function steps<S extends Schema, Body, Request, Reply, R1, C1, R2, C2, R3, C3>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  first: Step<S, NoInfer<Request>, undefined, Given<Reply, R1, C1>>,
  second: Step<S, R1, C1, Given<Reply, R2, C2>>,
  third: Step<S, R2, C2, Given<Reply, R3, C3>>,
  fourth: Step<S, R3, C3, Given<Reply, unknown, unknown>>,
): StepsHandler<S, Request, Reply, Body>;
export function steps<S extends Schema, Body, Request, Reply, R1, C1, R2, C2, R3, C3, R4, C4>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  first: Step<S, NoInfer<Request>, undefined, Given<Reply, R1, C1>>,
  second: Step<S, R1, C1, Given<Reply, R2, C2>>,
  third: Step<S, R2, C2, Given<Reply, R3, C3>>,
  fourth: Step<S, R3, C3, Given<Reply, R4, C4>>,
  fifth: Step<S, R4, C4, Given<Reply, unknown, unknown>>,
): StepsHandler<S, Request, Reply, Body>;
export function steps<S extends Schema, Body, Request, Reply, R1, C1, R2, C2, R3, C3, R4, C4, R5, C5>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  first: Step<S, NoInfer<Request>, undefined, Given<Reply, R1, C1>>,
  second: Step<S, R1, C1, Given<Reply, R2, C2>>,
  third: Step<S, R2, C2, Given<Reply, R3, C3>>,
  fourth: Step<S, R3, C3, Given<Reply, R4, C4>>,
  fifth: Step<S, R4, C4, Given<Reply, R5, C5>>,
  sixth: Step<S, R5, C5, Given<Reply, unknown, unknown>>,
): StepsHandler<S, Request, Reply, Body>;
export function steps<S extends Schema, Body, Request, Reply>(
  types: { readonly request: ZodType<Request, Body>; readonly reply: ZodType<Reply> },
  ...all: readonly Step<S>[]
): StepsHandler<S, Request, Reply, Body> {
  return { kind: "steps", request: types.request, reply: types.reply, steps: all };
}

/** The handlers that steps are: `transfer`, then the continuations `transfer/2`, `transfer/3` … that nobody can name. */
export function turnsOf(name: string, { request, reply, steps }: StepsHandler): Record<string, Handler> {
  const nameOf = (index: number) => (index === 0 ? name : `${name}/${index + 1}`);
  const turns = steps.map((step, index): [string, Handler] => {
    const next = index + 1 < steps.length ? nameOf(index + 1) : undefined;
    const run = (context: TurnContext, taken: unknown, carry?: unknown) =>
      handedOn(step(context, taken as never, carry as never), next);
    return [
      nameOf(index),
      index === 0 ? { kind: "request", request, reply, run } : { kind: "continuation", run },
    ];
  });
  return Object.fromEntries(turns);
}

/** A call that does not say where its reply goes has it go to the next step. */
function handedOn(given: unknown, next: string | undefined): unknown {
  return next !== undefined && isCall(given) && given.onReply === undefined
    ? { ...given, onReply: next }
    : given;
}
