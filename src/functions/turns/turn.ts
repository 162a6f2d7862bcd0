/**
 * Runs one handler on one key, and gathers what it does.
 *
 * Invariants:
 * 1. A handler that throws, or leaves a state that its schema refuses, leaves the key as it was and sends nothing.
 * 2. What leaves a turn shares nothing with the state, nor with what any other turn sees.
 * 3. A context serves during its turn only.
 */
import { InputError, NeuroranError } from "../../errors.js";
import type { Codec, Schema } from "../schema/index.js";
import type { ActiveKey } from "./active-keys.js";
import { checkKey, checkName } from "./address.js";
import type { Call, Failure, Handler, Invocation, Serialisable, TurnContext } from "./declaration.js";
import type { FlowSources } from "./flow-sources.js";
import { copyOf } from "./serialisable.js";

/** What a turn does beside changing the state, in the order in which the handler asked for it. */
export type Effect =
  | { readonly kind: "send"; readonly invocation: Invocation; readonly delay_ms: number }
  | {
      readonly kind: "set timer";
      readonly name: string;
      readonly delay_ms: number;
      readonly handler: string;
      readonly body: Serialisable;
    }
  | { readonly kind: "cancel timer"; readonly name: string }
  | { readonly kind: "publish"; readonly event: Serialisable }
  | {
      readonly kind: "append";
      readonly flow: string;
      readonly source: string;
      readonly encoded: Uint8Array;
    };

/** How a turn ended. */
export type TurnResult =
  | {
      readonly kind: "done";
      readonly effects: readonly Effect[];
      /** The state's bytes differ from those before; undefined bytes: forgotten. */
      readonly changed: boolean;
      readonly result: { readonly reply: Serialisable; readonly call: Call | undefined };
    }
  | { readonly kind: "failed"; readonly error: NeuroranError };

/** How the states of a function's keys are kept. */
export interface KeyStates {
  readonly codec: Codec;
  /** Those of a new key. */
  readonly initialBytes: Uint8Array;
}

/**
 * Runs a handler on a key. `first` and `second` are what it takes: the request; or a reply and what was carried. The key has
 * the new state when the turn is done.
 */
export function runTurn(
  sources: FlowSources,
  handler: Handler,
  key: ActiveKey,
  states: KeyStates,
  now_ms: number,
  first: unknown,
  second: unknown,
): TurnResult {
  const effects: Effect[] = [];
  let [ended, forgotten] = [false, false];
  const during = (): void => {
    if (ended) {
      throw new NeuroranError(
        "TURN_ENDED",
        "the turn of this context is over: do in a turn what belongs to it",
      );
    }
  };
  const add = (effect: Effect): void => {
    during();
    effects.push(effect);
  };

  try {
    const { codec } = states;
    const state = key.bytes === undefined ? codec.initial() : codec.decode(key.bytes);
    const context = {
      key: key.address.key,
      state,
      now: now_ms,
      send(invocation: Invocation, options: { readonly delay_ms?: number } = {}) {
        const copy = copyOfInvocation(invocation);
        add({ kind: "send", invocation: copy, delay_ms: checkDelay(options.delay_ms ?? 0) });
      },
      setTimer(name: string, delay_ms: number, handlerName: string, body?: Serialisable) {
        checkKey(name);
        checkName("handler", handlerName);
        const copy = copyOf(body, "body");
        add({ kind: "set timer", name, delay_ms: checkDelay(delay_ms), handler: handlerName, body: copy });
      },
      cancelTimer: (name: string) => add({ kind: "cancel timer", name }),
      publish: (event: Serialisable) => add({ kind: "publish", event: copyOf(event, "event") }),
      append(flow: string, source: string, message: Serialisable) {
        add({ kind: "append", flow, source, encoded: sources.encode(flow, source, message) });
      },
      forget() {
        during();
        forgotten = true;
      },
    } as TurnContext<Schema>;
    const returned =
      handler.kind === "request" ? handler.run(context, first) : handler.run(context, first, second);
    refusePromise(returned);
    const call = isCall(returned) ? copyOfCall(returned) : undefined;
    const result = { reply: call === undefined ? copyOf(returned, "reply") : undefined, call };
    const changed = settleState(key, state, states, forgotten);
    return { kind: "done", effects, changed, result };
  } catch (error) {
    return { kind: "failed", error: asNeuroranError(error) };
  } finally {
    ended = true;
  }
}

function settleState(
  key: ActiveKey,
  state: unknown,
  { codec, initialBytes }: KeyStates,
  forgotten: boolean,
): boolean {
  const before = key.bytes;
  if (forgotten) {
    key.bytes = undefined;
    return before !== undefined;
  }
  const bytes = codec.encode(state);
  if (before !== undefined && Buffer.compare(before, bytes) === 0) return false;
  // A key that was only looked at does not come into being.
  if (before === undefined && Buffer.compare(initialBytes, bytes) === 0) return false;
  key.bytes = bytes;
  return true;
}

/** What a promise does comes after its turn, where it would do nothing. */
function refusePromise(returned: unknown): void {
  if (typeof (returned as PromiseLike<unknown> | undefined | null)?.then !== "function") return;
  if (returned instanceof Promise) returned.catch(() => {});
  throw new NeuroranError(
    "HANDLER_ASYNCHRONOUS",
    "the handler returned a promise, and a turn is synchronous: end it with a call to whoever takes the time",
  );
}

/** Of calls only, however often this module is loaded. */
export const callMark: unique symbol = Symbol.for("neuroran.call");

/** Whether what a handler returned is a call, not a reply. */
export function isCall(returned: unknown): returned is Call {
  return typeof returned === "object" && returned !== null && (returned as Partial<Call>)[callMark] === true;
}

function copyOfCall(call: Call): Call {
  for (const name of [call.onReply, call.onFailure]) {
    if (name !== undefined && typeof name !== "string") {
      throw new InputError("continuation", name, "name one by onReply and onFailure");
    }
  }
  return { ...call, invocation: copyOfInvocation(call.invocation), carry: copyOf(call.carry, "carry") };
}

/** Refuses what cannot be stored: it would keep all that commits with it from being stored. */
export function checkInvocation({ target, handler }: Invocation): void {
  checkName("function", target.function);
  checkKey(target.key);
  checkName("handler", handler);
}

function copyOfInvocation(invocation: Invocation): Invocation {
  checkInvocation(invocation);
  const { target, handler, body } = invocation;
  return { target: { function: target.function, key: target.key }, handler, body: copyOf(body, "body") };
}

/** About 285,000 years: what is more is no delay but a mistake. */
const longestDelay_ms = 2 ** 53;

export function checkDelay(delay_ms: number): number {
  if (typeof delay_ms === "number" && delay_ms >= 0 && delay_ms < longestDelay_ms) return delay_ms;
  throw new NeuroranError("DELAY_INVALID", `a delay of ${delay_ms} ms is impossible: give a number from 0`);
}

/** An error that a handler threw, with HANDLER_FAILED as its code unless it has one. */
export function asNeuroranError(error: unknown): NeuroranError {
  if (error instanceof NeuroranError && typeof error.code === "string") return error;
  return new NeuroranError("HANDLER_FAILED", textOf(error), { cause: error });
}

/** Anything can be thrown, and not all of it has a text. */
function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return "what was thrown says nothing";
  }
}

/** What a caller is told of an error. */
export function failureOf({ code, message }: NeuroranError): Failure {
  return { code, message };
}
