import type { ZodType } from "zod";
import type { Schema, ValueOf } from "../schema/index.js";
import type { Address } from "./address.js";
import type { callMark } from "./turn.js";

/** What can be carried between turns and nodes: JSON, and typed arrays, big integers, dates, maps, sets and undefined. */
export type Serialisable = unknown;

/** One request, addressed but not sent. What `counter.at("a").add({ by: 1 })` gives. */
export interface Invocation<Reply = unknown> {
  readonly target: Address;
  readonly handler: string;
  readonly body: Serialisable;
  /** Only to carry the type of the reply. */
  readonly reply?: Reply;
}

/** How a call went, as the turn sees that takes its reply. */
export type Outcome<Reply = unknown> =
  | { readonly ok: true; readonly value: Reply }
  | { readonly ok: false; readonly error: Failure };

/** Why a request failed: of whoever handled it, or of the runtime. */
export interface Failure {
  /** Of a NeuroranError, else HANDLER_FAILED. */
  readonly code: string;
  readonly message: string;
}

/** What a turn works with. Everything it does holds only if the handler returns; nothing when it throws. */
export interface TurnContext<S extends Schema = Schema> {
  readonly key: string;
  /** The state of this key, to be changed in place; initial values where the key is new. */
  readonly state: ValueOf<S>;
  /** The node's time when the turn began, milliseconds since 1970. Not repeated by a repeated turn. */
  readonly now: number;
  /** Sends without waiting for a reply; after a delay, if one is given. */
  send(invocation: Invocation, options?: { readonly delay_ms?: number }): void;
  /**
   * Sends to a handler of this very key after a delay, unless cancelled or set again by the same name before.
   */
  setTimer(name: string, delay_ms: number, handler: string, body?: Serialisable): void;
  /** Harmless where there is none. */
  cancelTimer(name: string): void;
  /** Hands an event to those who subscribed to this key, at the next position of its log. */
  publish(event: Serialisable): void;
  /** Appends a message to a source log of a flow. */
  append(flow: string, source: string, message: Serialisable): void;
  /** Drops the state of this key when the turn ends, as if it had never been. */
  forget(): void;
}

/** Ends a turn with a call. Made by `call`. */
export interface Call<Reply = unknown, Carry = unknown> {
  /** Nothing that travelled has it, so that no reply made of what a client sent is taken for a call. */
  readonly [callMark]: true;
  readonly kind: "call";
  readonly invocation: Invocation<Reply>;
  /** The continuation of the same key that takes the reply; where undefined, the reply goes to whoever is waiting. */
  readonly onReply: string | undefined;
  /** The continuation of the same key that takes the failure; where undefined, it goes to whoever is waiting. */
  readonly onFailure: string | undefined;
  readonly carry: Carry;
}

/** A handler of requests. Each body is checked when it is handled, and becomes the request. */
export interface RequestHandler<
  S extends Schema = Schema,
  Request = unknown,
  Reply = unknown,
  Body = Request,
> {
  readonly kind: "request";
  readonly request: ZodType<Request, Body>;
  readonly reply: ZodType<Reply>;
  /** Returns the reply, or a call whose continuation will give it. */
  run(context: TurnContext<S>, request: Request): Reply | Call;
}

/** A handler that takes the reply, or the failure, of a call that its own key made, and what that call carried. */
export interface ContinuationHandler<S extends Schema = Schema, Reply = unknown, Carry = unknown> {
  readonly kind: "continuation";
  run(context: TurnContext<S>, reply: Reply, carry: Carry): unknown;
}

export type Handler<S extends Schema = Schema> = RequestHandler<S> | ContinuationHandler<S>;

/** A stateful function without the types of its handlers. */
export interface StatefulFunctionData {
  readonly kind: "stateful function";
  readonly name: string;
  readonly state: Schema;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Events of a key that are kept for those who subscribe. */
  readonly keptEvents: number;
}

/** A handler that is written as steps, each of which is a turn. A function is made of its first step and continuations. */
export interface StepsHandler<S extends Schema = Schema, Request = unknown, Reply = unknown, Body = Request> {
  readonly kind: "steps";
  readonly request: ZodType<Request, Body>;
  readonly reply: ZodType<Reply>;
  readonly steps: readonly Step<S>[];
}

/** One turn of a handler: takes the request or the reply before it, and gives the reply or a call. */
export type Step<S extends Schema = Schema, Taken = never, Carry = never, Given = unknown> = (
  context: TurnContext<S>,
  taken: Taken,
  carry: Carry,
) => Given;

/** What a function is declared with. */
export type DeclaredHandler<S extends Schema = Schema> = Handler<S> | StepsHandler<S>;

/** The requests that a function's handlers take, by name. */
export type RequestsOf<H> = {
  readonly [N in keyof H as H[N] extends { readonly kind: "request" | "steps" } ? N : never]: H[N] extends {
    readonly request: ZodType<unknown, infer Body>;
    readonly reply: ZodType<infer Reply>;
  }
    ? (...body: undefined extends Body ? [body?: Body] : [body: Body]) => Invocation<Reply>
    : never;
};

/** A declared stateful function. */
export interface StatefulFunction<S extends Schema = Schema, H = Readonly<Record<string, DeclaredHandler>>>
  extends StatefulFunctionData {
  readonly state: S;
  /**
   * The requests that one key takes: `counter.at("a").add({ by: 1 })` is to be sent, called or invoked.
   * @throws InputError for what cannot be a key.
   */
  at(key: string): RequestsOf<H>;
}
