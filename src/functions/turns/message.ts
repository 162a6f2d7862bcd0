import type { Address } from "./address.js";
import type { Invocation, Outcome, Serialisable } from "./declaration.js";

/** Who takes the reply of a request. */
export type ReplyTo =
  /** A key that called: its continuation has the request's id. */
  | { readonly kind: "key"; readonly address: Address }
  /** A client's session, which records it. */
  | { readonly kind: "session"; readonly address: Address; readonly sequence: number }
  /** A client of a node that is not told apart from others: lost with the incarnation of the node. */
  | { readonly kind: "client"; readonly incarnation: string; readonly number: number };

/** What one turn is about. */
export type Message =
  | {
      readonly kind: "request";
      /** `<function>/<key>#<turn>.<ordinal>` of the caller. */
      readonly id: string;
      readonly target: Address;
      readonly handler: string;
      readonly body: Serialisable;
      /** Undefined for a message that is only sent. */
      readonly replyTo: ReplyTo | undefined;
    }
  | {
      readonly kind: "reply";
      /** That of the request. */
      readonly id: string;
      readonly target: Address;
      readonly to: ReplyTo;
      readonly outcome: Outcome;
    };

/** A call that waits for its reply. */
export interface Continuation {
  readonly onReply: string | undefined;
  readonly onFailure: string | undefined;
  readonly carry: Serialisable;
  /** Who waits for the reply of the request in whose course the call was made. */
  readonly replyTo: ReplyTo | undefined;
  readonly requestId: string;
}

/** The id of what a key sent in a turn: nobody else, and no other turn, can give the same. */
export function messageId(caller: Address, turn: number, ordinal: number): string {
  return `${caller.function}/${caller.key}#${turn}.${ordinal}`;
}

/** The message of a request; nobody waits for a reply where `replyTo` is undefined. */
export function requestOf(
  { target, handler, body }: Invocation,
  id: string,
  replyTo: ReplyTo | undefined,
): Message {
  return { kind: "request", id, target, handler, body, replyTo };
}
