/**
 * What becomes of one message: a turn, or a refusal.
 *
 * Invariants:
 * 1. A message is taken out of the inbox in the change of the turn that it causes, or of its refusal.
 * 2. A request that has someone waiting gets one reply: by the turn that it causes, or by the last one in its course of calls.
 */
import type { Clock } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import type { ActiveKey, ActiveKeys } from "./active-keys.js";
import type { Address } from "./address.js";
import type { Call, Handler, Invocation, Outcome } from "./declaration.js";
import { entryKey } from "./entries.js";
import type { Events } from "./events.js";
import type { FlowSources } from "./flow-sources.js";
import type { Ledger } from "./ledger.js";
import { type Continuation, type Message, messageId, type ReplyTo, requestOf } from "./message.js";
import { continuationUnknown, handlerUnknown, requestInvalid } from "./refusals.js";
import type { Deployed } from "./service.js";
import type { Timers } from "./timers.js";
import { asNeuroranError, type Effect, failureOf, runTurn } from "./turn.js";

/** A message and its entry in the inbox. */
export interface Accepted {
  readonly entry: string;
  readonly message: Message;
}

/** In whose course a turn runs: the request that the reply answers, and who waits for it. */
interface Course {
  readonly message: Message;
  readonly requestId: string;
  readonly replyTo: ReplyTo | undefined;
}

/** What handling a message needs of its domain. */
export interface HandlerSurroundings {
  readonly ledger: Ledger;
  readonly keys: ActiveKeys;
  readonly events: Events;
  readonly timers: Timers;
  readonly sources: FlowSources;
  readonly clock: Clock;
  /** Hands a message of `sender` on. */
  post(sender: Address, message: Message): void;
  /** Hands an outcome on, if anybody waits for it. */
  reply(sender: Address, to: ReplyTo | undefined, id: string, outcome: Outcome): void;
  /** Told of what failed and nobody waits for. */
  report(problem: { readonly message: Message; readonly error: NeuroranError }): void;
}

/** What handles the messages for functions in service. */
export function createMessageHandler(
  surroundings: HandlerSurroundings,
): (deployed: Deployed, accepted: Accepted) => void {
  const { ledger, keys, events, timers, sources, clock, post, reply, report } = surroundings;

  const fail = (deployed: Deployed, { message, requestId, replyTo }: Course, error: NeuroranError): void => {
    deployed.failedTurns++;
    if (replyTo === undefined) report({ message, error });
    reply(message.target, replyTo, requestId, { ok: false, error: failureOf(error) });
  };

  const handleRequest = (deployed: Deployed, message: Extract<Message, { kind: "request" }>): void => {
    const { target, handler: name, body, replyTo, id } = message;
    const course = { message, requestId: id, replyTo };
    const { handlers } = deployed.data;
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (handler?.kind !== "request") return void fail(deployed, course, handlerUnknown(deployed.data, name));
    let request: unknown;
    try {
      // Whoever sent it, and whenever: the version that takes it may be another than the sender knew.
      const parsed = handler.request.safeParse(body);
      if (!parsed.success) throw requestInvalid(target, name, body, parsed.error);
      request = parsed.data;
    } catch (error) {
      // Schemas run code of whoever wrote them.
      return void fail(deployed, course, asNeuroranError(error));
    }
    turn(deployed, course, handler, request, undefined);
  };

  const handleReply = (deployed: Deployed, message: Extract<Message, { kind: "reply" }>): void => {
    const { target, outcome, id } = message;
    const waiting = entryKey("continuation", target, id.slice(id.lastIndexOf("#")));
    let continuation: Continuation | undefined;
    try {
      continuation = ledger.read(waiting) as Continuation | undefined;
    } catch (error) {
      // Who waits for this cannot be known any more.
      return void report({ message, error: asNeuroranError(error) });
    }
    if (continuation === undefined) return;
    ledger.remove(waiting);
    const { onReply, onFailure, carry, replyTo, requestId } = continuation;
    const course = { message, requestId, replyTo };
    if (outcome.ok && onReply !== undefined) goOn(deployed, course, onReply, outcome.value, carry);
    else if (!outcome.ok && onFailure !== undefined) goOn(deployed, course, onFailure, outcome.error, carry);
    // Nobody here takes it: it is the outcome of the request in whose course the call was made.
    else if (outcome.ok) reply(target, replyTo, requestId, outcome);
    else fail(deployed, course, new NeuroranError(outcome.error.code, outcome.error.message));
  };

  /** Only continuations take what no schema has checked. */
  const goOn = (deployed: Deployed, course: Course, name: string, taken: unknown, carry: unknown): void => {
    const { handlers } = deployed.data;
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (handler?.kind === "continuation") turn(deployed, course, handler, taken, carry);
    else fail(deployed, course, continuationUnknown(deployed.data, name));
  };

  /** One turn of the message's target, whose handler takes `first` and `second`. */
  const turn = (
    deployed: Deployed,
    course: Course,
    handler: Handler,
    first: unknown,
    second: unknown,
  ): void => {
    const { target } = course.message;
    const now_ms = clock.now();
    deployed.turns++;
    let key: ActiveKey;
    try {
      key = keys.activate(target);
    } catch (error) {
      fail(deployed, course, asNeuroranError(error));
      return;
    }
    const ended = runTurn(sources, handler, key, deployed, now_ms, first, second);
    if (ended.kind === "failed") {
      fail(deployed, course, ended.error);
      return;
    }
    const { changed, effects, result } = ended;
    if (changed || effects.length > 0 || result.call !== undefined) {
      key.turn++;
      for (let ordinal = 0; ordinal < effects.length; ordinal++) {
        perform(deployed, key, effects[ordinal], ordinal, now_ms);
      }
      keys.write(key);
    }
    if (result.call !== undefined) call(key, effects.length, result.call, course);
    else reply(target, course.replyTo, course.requestId, { ok: true, value: result.reply });
  };

  const call = (caller: ActiveKey, ordinal: number, made: Call, { replyTo, requestId }: Course): void => {
    const { address, turn: number } = caller;
    const { invocation, onReply, onFailure, carry } = made;
    const continuation: Continuation = { onReply, onFailure, carry, replyTo, requestId };
    ledger.add(entryKey("continuation", address, `#${number}.${ordinal}`), continuation);
    post(address, requestOf(invocation, messageId(address, number, ordinal), { kind: "key", address }));
  };

  const perform = (
    deployed: Deployed,
    key: ActiveKey,
    effect: Effect,
    ordinal: number,
    now_ms: number,
  ): void => {
    const { address } = key;
    const id = messageId(address, key.turn, ordinal);
    switch (effect.kind) {
      case "send":
        if (effect.delay_ms === 0) post(address, requestOf(effect.invocation, id, undefined));
        else setTimer(address, `#${key.turn}.${ordinal}`, effect.invocation, now_ms + effect.delay_ms, id);
        break;
      case "set timer": {
        const { name, handler, body, delay_ms } = effect;
        setTimer(address, `=${name}`, { target: address, handler, body }, now_ms + delay_ms, id);
        break;
      }
      case "cancel timer":
        timers.cancel(address, `=${effect.name}`);
        break;
      case "publish":
        key.events++;
        events.publish(address, key.events, effect.event, deployed.data.keptEvents, !key.trimmed);
        key.trimmed = true;
        break;
      case "append":
        append(effect.flow, effect.source, effect.encoded);
    }
  };

  const append = (flow: string, source: string, encoded: Uint8Array): void => {
    const { writes, settled } = sources.append(flow, source, encoded);
    for (const { key, value } of writes) ledger.put(key, value);
    ledger.whenDurable(settled, settled);
  };

  const setTimer = (
    owner: Address,
    name: string,
    invocation: Invocation,
    due_ms: number,
    id: string,
  ): void => {
    const { target, handler, body } = invocation;
    timers.set(owner, name, { target, handler, body, due_ms, id, owner });
  };

  return (deployed, { entry, message }) => {
    ledger.remove(entry);
    if (message.kind === "request") handleRequest(deployed, message);
    else handleReply(deployed, message);
  };
}
