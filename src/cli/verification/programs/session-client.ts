import { NeuroranError } from "../../../errors.js";
import { createHttpCaller, type HttpAddress, postRequest } from "../../load/http-connection.js";
import type { HttpReply } from "../../load/reply-reader.js";

/** A node that comes and goes. */
export interface ReachedNode {
  readonly address: HttpAddress;
  readonly headers: Readonly<Record<string, string>>;
  /** Resolves when the node takes requests, as far as is known; rejects when nothing will come any more. */
  up(): Promise<void>;
}

/** A reply to a numbered request, which every repetition must repeat. */
export interface SessionReply {
  readonly status: number;
  readonly text: string;
}

/** What happened to requests on their way. */
export interface Traffic {
  /** Sent, repetitions included. */
  requests: number;
  /** Sent again, because the connection ended before the reply. */
  lost: number;
  /** Sent again, because the node said that it cannot just now. */
  refused: number;
}

/** One connection at a time, with one request at a time on it; opened again when the node is back. */
export interface Lane {
  /** Sends until there is a reply that says something of the request. */
  send(request: () => Uint8Array): Promise<HttpReply>;
  close(): void;
}

const pause_ms = 10;

/** @param traffic counts what is sent. */
export function openLane(node: ReachedNode, traffic: Traffic): Lane {
  const caller = createHttpCaller(node.address);
  return {
    async send(request) {
      for (;;) {
        await node.up();
        try {
          traffic.requests++;
          const reply = await caller.call(request());
          if (reply.status !== 503) return reply;
          traffic.refused++;
        } catch (error) {
          if (!(error instanceof NeuroranError && error.code === "CONNECTION_LOST")) throw error;
          traffic.lost++;
        }
        await new Promise((done) => setTimeout(done, pause_ms));
      }
    },
    close: () => caller.close(new NeuroranError("RUN_ENDED", "The run has ended")),
  };
}

/** A request of a session, with its number. */
export interface NumberedRequest {
  readonly sequence: number;
  readonly path: string;
  readonly body: unknown;
}

/**
 * A session of a client.
 *
 * Invariants:
 * 1. A number is used for one request only.
 * 2. Of what is acknowledged, nothing is sent again.
 */
export interface ClientSession {
  readonly id: string;
  number(path: string, body: unknown): NumberedRequest;
  /** Sends a request, or sends it again. */
  send(lane: Lane, request: NumberedRequest): Promise<SessionReply>;
  /** The request will not be sent again. */
  settle(request: NumberedRequest): void;
}

const timeToLive_ms = 3_600_000;

/** @throws NeuroranError SESSION_REFUSED (rejection) */
export async function openClientSession(node: ReachedNode, lane: Lane): Promise<ClientSession> {
  const { address, headers } = node;
  const { status, body } = await lane.send(() =>
    postRequest(address, "/sessions", headers, { timeToLive_ms }),
  );
  const text = body.toString();
  if (status !== 201) {
    throw new NeuroranError("SESSION_REFUSED", `The node opened no session, but said ${status}: ${text}`);
  }
  const { session: id } = JSON.parse(text) as { session: string };
  const settled = new Set<number>();
  let [last, acknowledged] = [0, 0];
  return {
    id,
    number: (path, content) => ({ sequence: ++last, path, body: content }),
    async send(over, { sequence, path, body: content }) {
      const reply = await over.send(() =>
        postRequest(
          address,
          path,
          {
            ...headers,
            "neuroran-session": id,
            "neuroran-sequence": String(sequence),
            "neuroran-acknowledged": String(acknowledged),
          },
          content,
        ),
      );
      return { status: reply.status, text: reply.body.toString() };
    },
    settle({ sequence }) {
      settled.add(sequence);
      while (settled.delete(acknowledged + 1)) acknowledged++;
    },
  };
}
