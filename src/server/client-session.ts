import { NeuroranError } from "../errors.js";
import { ConnectionLost, type Reply, refusalOf, type Transport } from "./client-transport.js";

/** A request whose reply was lost: it may have run, or not. Never repeated without being asked. */
export class OutcomeUnknownError extends NeuroranError {
  constructor(cause: Error) {
    const remedy =
      "look at the state, or let the client have a session, in which requests are repeated safely";
    super("OUTCOME_UNKNOWN", `the request may have run, or not (${cause.message}): ${remedy}`, { cause });
  }
}

/** Posts a request until there is a reply that says something of it. */
export type Post = (
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
) => Promise<Reply>;

/** A session that nothing comes in for so long is forgotten by the node. */
const timeToLive_ms = 600_000;

const firstPause_ms = 10;
const longestPause_ms = 500;

/**
 * Posts without a session: what was not sent is tried again for `patience_ms`, what was sent never.
 * @throws (rejections) ConnectionLost where the node is not reached; OutcomeUnknownError.
 */
export function plainPost(transport: Transport, patience_ms: number): Post {
  return (path, headers, body) =>
    patiently(patience_ms, async (pause) => {
      try {
        return await transport.request("POST", path, headers, body);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (error.sent) throw new OutcomeUnknownError(error);
        await pause(error);
        return undefined;
      }
    });
}

/**
 * Posts within a session, opened at the first request: each request has a number, and is repeated under it until there is a reply, so
 * that it runs exactly once.
 *
 * Invariants:
 * 1. A number is used for one request only.
 * 2. What is acknowledged has its reply here, or was given up: every number up to the one that is told.
 * 3. A request moves to a new session only where no attempt of it can have run.
 *
 * @throws (rejections) OutcomeUnknownError when there was no reply for `patience_ms`.
 */
export function sessionPost(transport: Transport, patience_ms: number): Post {
  let session: Promise<Session> | undefined;

  const openSession = (): Promise<Session> => {
    const opened = patiently(patience_ms, async (pause) => {
      try {
        const reply = await transport.request("POST", "/sessions", {}, JSON.stringify({ timeToLive_ms }));
        if (reply.status === 503) return await pause(refusalOf(reply));
        if (reply.status !== 201) throw refusalOf(reply);
        return createSession((JSON.parse(reply.text) as { session: string }).session);
      } catch (error) {
        // A session that nobody uses is forgotten.
        if (!(error instanceof ConnectionLost)) throw error;
        return await pause(error);
      }
    });
    opened.catch(() => {
      if (session === opened) session = undefined;
    });
    return opened;
  };

  return async (path, headers, body) => {
    for (;;) {
      session ??= openSession();
      const current = session;
      const { id, take, settle, acknowledged } = await current;
      const sequence = take();
      let sent = false;
      try {
        const reply = await patiently(patience_ms, async (pause) => {
          try {
            const identified = {
              ...headers,
              "neuroran-session": id,
              "neuroran-sequence": String(sequence),
              "neuroran-acknowledged": String(acknowledged()),
            };
            const given = await transport.request("POST", path, identified, body);
            if (given.status === 503) return await pause(refusalOf(given));
            return given;
          } catch (error) {
            if (!(error instanceof ConnectionLost)) throw error;
            sent ||= error.sent;
            return await pause(error);
          }
        });
        if (reply.status !== 410) return reply;
        if (session === current) session = undefined;
        if (sent) throw refusalOf(reply);
      } catch (error) {
        throw sent && error instanceof NeuroranError ? new OutcomeUnknownError(error) : error;
      } finally {
        settle(sequence);
      }
    }
  };
}

interface Session {
  readonly id: string;
  /** The next number. */
  take(): number;
  /** The number's reply is here, or nobody waits for it any more. */
  settle(sequence: number): void;
  /** All numbers up to this one are settled. */
  acknowledged(): number;
}

function createSession(id: string): Session {
  const settled = new Set<number>();
  let [last, acknowledged] = [0, 0];
  return {
    id,
    take: () => ++last,
    settle(sequence) {
      settled.add(sequence);
      while (settled.delete(acknowledged + 1)) acknowledged++;
    },
    acknowledged: () => acknowledged,
  };
}

/**
 * Tries until there is a result. `pause` waits a little longer each time, and throws what it is given when that would go past the
 * patience.
 */
async function patiently<T>(
  patience_ms: number,
  attempt: (pause: (problem: Error) => Promise<undefined>) => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + patience_ms;
  let pause_ms = firstPause_ms;
  for (;;) {
    const result = await attempt(async (problem) => {
      if (performance.now() + pause_ms > end) throw problem;
      await new Promise((done) => setTimeout(done, pause_ms));
      pause_ms = Math.min(2 * pause_ms, longestPause_ms);
    });
    if (result !== undefined) return result;
  }
}
