/**
 * Clients' sessions: what makes a request that is repeated run once.
 *
 * Invariants:
 * 1. That a request of a session was accepted, and the request itself, are one change.
 * 2. A reply is recorded before the client can see it, and kept until the client has acknowledged it or the session ends.
 * 3. The same number of a session never runs twice: neither after its reply was acknowledged, nor after the session ended.
 * A session is a key of the function `session`: it has a key group, and moves with it.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import type { Address } from "./address.js";
import type { SessionRequest } from "./commit-domain.js";
import type { Invocation, Outcome } from "./declaration.js";
import { createDueQueue } from "./due-queue.js";
import { entryKey, entryParts, orderedNumber } from "./entries.js";
import type { Damaged, Ledger } from "./ledger.js";
import { serialise } from "./serialisable.js";

/** The function whose keys are sessions; its name cannot be deployed. */
export const sessionFunction = "session";

interface Session {
  readonly timeToLive_ms: number;
  /** Up to about when it was used last. */
  readonly used_ms: number;
  /** Replies up to this number are not kept any more. */
  readonly acknowledged: number;
}

/** A request of a session: with its outcome, once it is there. */
interface Recorded {
  readonly request: string;
  readonly outcome: Outcome | undefined;
}

/** What waits for an outcome. */
export interface Waiter {
  resolve(outcome: Outcome): void;
  reject(error: NeuroranError): void;
}

export interface Sessions {
  open(id: string, timeToLive_ms: number): void;
  has(id: string): boolean;
  /**
   * Tells `waiter` the outcome of this request when it is there and durable. Returns true when the request is new and must be
   * run: its outcome is to be recorded then.
   * @throws NeuroranError SESSION_UNKNOWN, REQUEST_ACKNOWLEDGED, REQUEST_CONFLICT.
   */
  request(request: SessionRequest, invocation: Invocation, waiter: Waiter): boolean;
  /** Records an outcome and tells those who wait, when it is durable. */
  record(session: Address, sequence: number, outcome: Outcome): void;
  /** Takes in what the store holds, in place of what is in memory. Those who wait go on waiting. */
  load(sessions: Iterable<readonly [string, unknown]>, replies: Iterable<string>): void;
  close(): void;
  readonly count: number;
}

/** Replies that one session can leave unacknowledged. */
const mostUnacknowledged = 4096;
const look_ms = 1000;

export function sessionAddress(id: string): Address {
  return { function: sessionFunction, key: id };
}

/** Sessions over `ledger`; `settled` is called when those that ended were taken out, `damaged` with what cannot be read. */
export function createSessions(
  ledger: Ledger,
  clock: Clock,
  settled: () => void,
  damaged: Damaged,
): Sessions {
  const ends = createDueQueue();
  /** The highest number that came in each session, by its entry. */
  const latest = new Map<string, number>();
  const waiters = new Map<string, Waiter[]>();
  let cancelLook: (() => void) | undefined;

  const recordedEntry = (address: Address, sequence: number): string =>
    entryKey("reply", address, orderedNumber(sequence));

  const write = (entry: string, session: Session): void => {
    ledger.put(entry, session);
    ends.set(entry, session.used_ms + session.timeToLive_ms);
    if (cancelLook === undefined) cancelLook = clock.after(look_ms, look);
  };

  const look = (): void => {
    cancelLook = undefined;
    const now_ms = clock.now();
    for (let entry = ends.take(now_ms); entry !== undefined; entry = ends.take(now_ms)) end(entry);
    if (ends.size > 0) cancelLook = clock.after(look_ms, look);
    settled();
  };

  const readable = (entry: string): unknown => {
    try {
      return ledger.read(entry);
    } catch (error) {
      damaged(entry, error);
      return undefined;
    }
  };

  const end = (entry: string): void => {
    const session = readable(entry) as Session | undefined;
    if (session === undefined) return;
    const address = sessionAddress(entryParts(entry).rest[0]);
    forgetReplies(address, session.acknowledged + 1, Number.POSITIVE_INFINITY);
    latest.delete(entry);
    ledger.remove(entry);
  };

  /** None beyond the highest number that came: a client may acknowledge what it never sent, say because it gave up. */
  const forgetReplies = (address: Address, from: number, acknowledged: number): void => {
    const to = Math.min(acknowledged, latest.get(entryKey("session", address)) ?? 0);
    for (let sequence = from; sequence <= to; sequence++) {
      const entry = recordedEntry(address, sequence);
      if (ledger.has(entry)) ledger.remove(entry);
      reject(entry, unknownSession(address.key));
    }
  };

  const tell = (entry: string, waiter: Waiter, outcome: Outcome): void => {
    ledger.whenDurable(
      () => waiter.resolve(outcome),
      (error) => tellAgain(entry, waiter, error),
    );
  };

  /** The commit of an outcome failed. Where that of the request did not, the request runs again. */
  const tellAgain = (entry: string, waiter: Waiter, error: NeuroranError): void => {
    const recorded = readable(entry) as Recorded | undefined;
    if (recorded === undefined) waiter.reject(error);
    else if (recorded.outcome === undefined) wait(waiters, entry, waiter);
    else tell(entry, waiter, recorded.outcome);
  };

  const reject = (entry: string, error: NeuroranError): void => {
    const waiting = waiters.get(entry) ?? [];
    waiters.delete(entry);
    for (const waiter of waiting) waiter.reject(error);
  };

  return {
    open(id, timeToLive_ms) {
      write(entryKey("session", sessionAddress(id)), {
        timeToLive_ms,
        used_ms: clock.now(),
        acknowledged: 0,
      });
    },
    has: (id) => ends.has(entryKey("session", sessionAddress(id))),
    request({ session: id, sequence, acknowledged }, invocation, waiter) {
      const address = sessionAddress(id);
      const entry = entryKey("session", address);
      const session = ledger.read(entry) as Session | undefined;
      if (session === undefined) throw unknownSession(id);
      if (sequence <= session.acknowledged) throw alreadyAcknowledged(id, sequence);
      const upTo = Math.max(session.acknowledged, Math.min(acknowledged, sequence - 1));
      if (sequence > upTo + mostUnacknowledged) throw tooManyOpen(id, sequence);
      const now_ms = clock.now();
      // Not at each request: that it is still in use needs no write until some of its time has passed.
      if (upTo > session.acknowledged || now_ms > session.used_ms + session.timeToLive_ms / 8) {
        forgetReplies(address, session.acknowledged + 1, upTo);
        write(entry, { ...session, used_ms: now_ms, acknowledged: upTo });
      }
      const recording = recordedEntry(address, sequence);
      const recorded = ledger.read(recording) as Recorded | undefined;
      const request = digestOf(invocation);
      if (recorded === undefined) {
        ledger.put(recording, { request, outcome: undefined });
        latest.set(entry, Math.max(sequence, latest.get(entry) ?? 0));
        wait(waiters, recording, waiter);
        ledger.whenDurable(accepted, (error) => reject(recording, error));
        return true;
      }
      if (recorded.request !== request) throw conflict(id, sequence);
      const { outcome } = recorded;
      if (outcome === undefined) wait(waiters, recording, waiter);
      else tell(recording, waiter, outcome);
      return false;
    },
    record(address, sequence, outcome) {
      const entry = recordedEntry(address, sequence);
      const recorded = readable(entry) as Recorded | undefined;
      // The session has ended meanwhile.
      if (recorded === undefined) return;
      ledger.put(entry, { ...recorded, outcome });
      const waiting = waiters.get(entry) ?? [];
      waiters.delete(entry);
      for (const waiter of waiting) tell(entry, waiter, outcome);
    },
    load(sessions, replies) {
      ends.clear();
      latest.clear();
      for (const reply of replies) {
        const [id, sequence] = entryParts(reply).rest;
        const entry = entryKey("session", sessionAddress(id));
        latest.set(entry, Math.max(Number.parseInt(sequence, 16), latest.get(entry) ?? 0));
      }
      for (const [entry, value] of sessions) {
        const { used_ms, timeToLive_ms } = value as Session;
        ends.set(entry, used_ms + timeToLive_ms);
      }
      cancelLook?.();
      cancelLook = ends.size > 0 ? clock.after(look_ms, look) : undefined;
    },
    close() {
      cancelLook?.();
      cancelLook = undefined;
      const closed = new NeuroranError(
        "DOMAIN_CLOSED",
        "the node ends: ask it again under the same number when it is back",
      );
      for (const waiting of waiters.values()) for (const { reject } of waiting) reject(closed);
      waiters.clear();
    },
    get count() {
      return ends.size;
    },
  };
}

/** That a request was accepted tells nobody anything yet. */
function accepted(): void {}

function wait(waiters: Map<string, Waiter[]>, entry: string, waiter: Waiter): void {
  const waiting = waiters.get(entry);
  if (waiting === undefined) waiters.set(entry, [waiter]);
  else waiting.push(waiter);
}

/** Tells requests apart: what is asked of whom. */
function digestOf({ target, handler, body }: Invocation): string {
  const hash = createHash("sha256").update(`${target.function}\0${target.key}\0${handler}\0`);
  return hash.update(serialise(body)).digest("base64");
}

function unknownSession(id: string): NeuroranError {
  const remedy = "open another; what was under way in it may or may not have happened";
  return new NeuroranError("SESSION_UNKNOWN", `session ${id} is not known, or has ended: ${remedy}`);
}

function alreadyAcknowledged(id: string, sequence: number): NeuroranError {
  const problem = `the reply to request ${sequence} of session ${id} was acknowledged and is not kept`;
  return new NeuroranError("REQUEST_ACKNOWLEDGED", `${problem}: give new requests higher numbers`);
}

function tooManyOpen(id: string, sequence: number): NeuroranError {
  const problem = `request ${sequence} of session ${id} is more than ${mostUnacknowledged} ahead of what was acknowledged`;
  return new NeuroranError("REQUEST_TOO_FAR", `${problem}: acknowledge the replies that have come`);
}

function conflict(id: string, sequence: number): NeuroranError {
  const problem = `number ${sequence} of session ${id} was another request`;
  return new NeuroranError(
    "REQUEST_CONFLICT",
    `${problem}: give each request a number, or idempotency key, of its own`,
  );
}
