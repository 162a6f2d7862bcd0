import type { IncomingMessage, ServerResponse } from "node:http";
import { InputError } from "../errors.js";

/**
 * Delivers what stands at positions from `from` on (undefined: what comes), in order, until `deliver` returns false; returns what
 * ends it. Data, JSON, are asked for only where they are written.
 */
export type EventSource = (
  from: number | undefined,
  deliver: (position: number, data: () => string) => boolean,
) => () => void;

/** A stream of server-sent events that runs. */
export interface EventStream {
  /** Tells the reader why, and ends the stream. */
  end(code: string, message: string): void;
}

const heartbeat_ms = 15_000;
const mostBuffered_bytes = 2 ** 18;
/** A reader that takes nothing for so long is given up. */
const stall_ms = 30_000;
/** And has so long to read why. */
const farewell_ms = 5_000;

/**
 * Answers a request by the events of a source: `id` is the position, `data` the JSON. A jump of positions (events that are no
 * longer kept) is told by an event `gap` with the positions that are missing, and the end of the stream by an event `end` with a
 * code and a message.
 *
 * Invariants:
 * 1. What waits for a slow reader is bounded: a stream whose buffer is full leaves the source, and comes back to it, at the next
 *    position, when the buffer is empty.
 * 2. Positions rise, and each event is written once.
 */
export function streamEvents(
  response: ServerResponse,
  source: EventSource,
  from: number | undefined,
): EventStream {
  let next = from;
  let leave: (() => void) | undefined;
  let [full, ended] = [false, false];
  let stalled: NodeJS.Timeout | undefined;

  const read = (): void => {
    full = false;
    const stop = source(next, (position, data) => {
      if (full || ended) return false;
      let frame = `id: ${position}\ndata: ${data()}\n\n`;
      if (next !== undefined && position > next) {
        frame = `event: gap\ndata: ${JSON.stringify({ from: next, to: position - 1 })}\n\n${frame}`;
      }
      next = position + 1;
      if (!response.write(frame) && response.writableLength > mostBuffered_bytes) pause();
      return !full;
    });
    // Events may have been delivered before the source could say how to leave it.
    if (full || ended) stop();
    else leave = stop;
  };
  const pause = (): void => {
    full = true;
    leaveSource();
    stalled = setTimeout(() => {
      end("READER_TOO_SLOW", "the reader took nothing for 30 s: come back with Last-Event-ID");
    }, stall_ms).unref();
  };
  const leaveSource = (): void => {
    leave?.();
    leave = undefined;
  };
  const stop = (): void => {
    ended = true;
    leaveSource();
    clearTimeout(stalled);
    clearInterval(beat);
  };
  const end = (code: string, message: string): void => {
    if (ended) return;
    stop();
    response.end(`event: end\ndata: ${JSON.stringify({ code, message })}\n\n`);
    const farewell = setTimeout(() => response.destroy(), farewell_ms).unref();
    response.once("close", () => clearTimeout(farewell));
  };

  const beat = setInterval(() => {
    if (!full) response.write(":\n\n");
  }, heartbeat_ms).unref();
  response.on("drain", () => {
    clearTimeout(stalled);
    if (full && !ended) read();
  });
  response.on("close", stop);
  response.writeHead(200, ["content-type", "text/event-stream", "cache-control", "no-store"]);
  // Says that events are delivered from now on.
  response.write(":\n\n");
  read();
  return { end };
}

/**
 * The position that a reader wants first: behind `Last-Event-ID`, else the query's `from`, else undefined: what comes.
 * @param first the least position.
 * @throws InputError where one is no position.
 */
export function positionOf(request: IncomingMessage, query: URLSearchParams, first = 1): number | undefined {
  const last = request.headers["last-event-id"];
  if (typeof last === "string" && last !== "") return position("last-event-id", last, 0) + 1;
  const from = query.get("from");
  return from === null ? undefined : position("from", from, first);
}

function position(field: string, text: string, least: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  if (value < least || value >= Number.MAX_SAFE_INTEGER) {
    throw new InputError(field, text, `give a position, a whole number of ${least} or more`);
  }
  return value;
}
