/**
 * Runs one handler on one key, and gathers what it does.
 *
 * Invariants:
 * 1. A handler that throws, or leaves a state that its schema refuses, leaves the key as it was and sends nothing.
 * 2. What leaves a turn shares nothing with the state, nor with what any other turn sees.
 * 3. A context serves during its turn only.
 */
import { NeuroranError } from "../../errors.js";
import type { Codec, Schema } from "../schema/index.js";
import type { ActiveKey } from "./active-keys.js";
import { checkKey } from "./address.js";
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

const noEffects: readonly Effect[] = [];

/** How the states of a function's keys are kept. */
export interface KeyStates {
  readonly codec: Codec;
  /** Those of a new key. */
  readonly initialBytes: Uint8Array;
}

/** Runs turns, one after the other, all with the same context. */
export interface TurnRunner {
  /** `first` and `second` are what the handler takes: the request; or a reply and what was carried. */
  run(
    handler: Handler,
    key: ActiveKey,
    states: KeyStates,
    now_ms: number,
    first: unknown,
    second: unknown,
  ): TurnResult;
}

export function createTurnRunner(sources: FlowSources): TurnRunner {
  let effects: Effect[] | undefined;
  let forgotten = false;

  const add = (effect: Effect): void => {
    if (effects === undefined) {
      throw new NeuroranError(
        "TURN_ENDED",
        "the turn of this context is over: do in a turn what belongs to it",
      );
    }
    effects.push(effect);
  };

  const context = {
    key: "",
    state: undefined as unknown,
    now: 0,
    send(invocation: Invocation, options: { readonly delay_ms?: number } = {}) {
      const copy = copyOfInvocation(invocation);
      add({ kind: "send", invocation: copy, delay_ms: checkDelay(options.delay_ms ?? 0) });
    },
    setTimer(name: string, delay_ms: number, handler: string, body?: Serialisable) {
      checkKey(name);
      add({ kind: "set timer", name, delay_ms: checkDelay(delay_ms), handler, body: copyOf(body, "body") });
    },
    cancelTimer: (name: string) => add({ kind: "cancel timer", name }),
    publish: (event: Serialisable) => add({ kind: "publish", event: copyOf(event, "event") }),
    append(flow: string, source: string, message: Serialisable) {
      add({ kind: "append", flow, source, encoded: sources.encode(flow, source, message) });
    },
    forget() {
      forgotten = true;
    },
  };

  return {
    run(handler, key, states, now_ms, first, second) {
      const own: Effect[] = [];
      effects = own;
      forgotten = false;
      context.key = key.address.key;
      context.state = key.value;
      context.now = now_ms;
      try {
        const returned =
          handler.kind === "request"
            ? handler.run(context as TurnContext<Schema>, first)
            : handler.run(context as TurnContext<Schema>, first, second);
        const call = isCall(returned) ? copyOfCall(returned) : undefined;
        const result = { reply: call === undefined ? copyOf(returned, "reply") : undefined, call };
        const changed = settleState(key, states, forgotten);
        return { kind: "done", effects: own.length === 0 ? noEffects : own, changed, result };
      } catch (error) {
        const { codec } = states;
        key.value = key.bytes === undefined ? codec.initial() : codec.decode(key.bytes);
        return { kind: "failed", error: asNeuroranError(error) };
      } finally {
        effects = undefined;
        context.state = undefined;
      }
    },
  };
}

function settleState(key: ActiveKey, { codec, initialBytes }: KeyStates, forgotten: boolean): boolean {
  const before = key.bytes;
  if (forgotten) {
    key.bytes = undefined;
    key.value = codec.initial();
    return before !== undefined;
  }
  const bytes = codec.encode(key.value);
  if (before !== undefined && Buffer.compare(before, bytes) === 0) return false;
  // A key that was only looked at does not come into being.
  if (before === undefined && Buffer.compare(initialBytes, bytes) === 0) return false;
  key.bytes = bytes;
  return true;
}

/** Whether what a handler returned is a call, not a reply. */
export function isCall(returned: unknown): returned is Call {
  return (
    typeof returned === "object" &&
    returned !== null &&
    (returned as Call).kind === "call" &&
    "invocation" in returned
  );
}

function copyOfCall(call: Call): Call {
  return { ...call, invocation: copyOfInvocation(call.invocation), carry: copyOf(call.carry, "carry") };
}

function copyOfInvocation({ target, handler, body }: Invocation): Invocation {
  checkKey(target.key);
  return { target: { function: target.function, key: target.key }, handler, body: copyOf(body, "body") };
}

/** About 285,000 years: what is more is no delay but a mistake. */
const longestDelay_ms = 2 ** 53;

function checkDelay(delay_ms: number): number {
  if (delay_ms >= 0 && delay_ms < longestDelay_ms) return delay_ms;
  throw new NeuroranError("DELAY_INVALID", `a delay of ${delay_ms} ms is impossible: give a number from 0`);
}

/** An error that a handler threw, with HANDLER_FAILED as its code unless it has one. */
export function asNeuroranError(error: unknown): NeuroranError {
  if (error instanceof NeuroranError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new NeuroranError("HANDLER_FAILED", message, { cause: error });
}

/** What a caller is told of an error. */
export function failureOf({ code, message }: NeuroranError): Failure {
  return { code, message };
}
