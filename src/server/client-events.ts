import { createParser } from "eventsource-parser";
import type { LoggedEvent } from "../functions/turns/index.js";
import { ConnectionLost, type Transport } from "./client-transport.js";

const firstPause_ms = 50;
const longestPause_ms = 1000;

/**
 * Reads the events of a stream from a position on, coming back behind the last one after a connection is lost, or ended by the
 * node. Reads on only when the events are taken.
 * @throws ConnectionLost when the node is not reached for `patience_ms`; NeuroranError where it refuses.
 */
export async function* followEvents(
  transport: Transport,
  path: string,
  { from, key, signal }: { readonly from?: number; readonly key?: string; readonly signal?: AbortSignal },
  patience_ms: number,
): AsyncGenerator<LoggedEvent, void, undefined> {
  let next = from;
  let [reached, pause_ms] = [performance.now(), firstPause_ms];
  while (signal?.aborted !== true) {
    try {
      const parameters = new URLSearchParams(key === undefined ? {} : { key });
      if (next !== undefined) parameters.set("from", String(next));
      const query = parameters.size === 0 ? "" : `?${parameters}`;
      const response = await transport.stream(`${path}${query}`, { accept: "text/event-stream" }, signal);
      response.setEncoding("utf8");
      const events: LoggedEvent[] = [];
      const parser = createParser({
        onEvent({ event, id, data }) {
          if (event !== undefined || id === undefined) return;
          events.push({ position: Number(id), event: JSON.parse(data) });
        },
      });
      for await (const text of response as AsyncIterable<string>) {
        [reached, pause_ms] = [performance.now(), firstPause_ms];
        parser.feed(text);
        for (const event of events.splice(0)) {
          next = event.position + 1;
          yield event;
        }
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!isLoss(error) || performance.now() - reached > patience_ms) throw error;
    }
    await new Promise((done) => setTimeout(done, pause_ms));
    pause_ms = Math.min(2 * pause_ms, longestPause_ms);
  }
}

/** A stream that breaks while it is read says so in the words of Node. */
function isLoss(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return error instanceof ConnectionLost || code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE";
}
