import type { Store, Write } from "../../bus/index.js";
import { InputError, type NeuroranError } from "../../errors.js";
import { type Codec, codecOf } from "../schema/index.js";
import type { Flow } from "./declaration.js";
import type { Manifest } from "./epoch-store.js";
import type { FlowThreads } from "./flow-threads.js";
import type { Guard } from "./guard.js";
import type { FlowPlan } from "./plan.js";
import { type SourceLog, sourceLog } from "./source-log.js";
import { type FedMessage, monotonic_ms } from "./worker-protocol.js";

/** Feeds the sources that threads do not read themselves. */
export interface SourceFeeds {
  start(): void;
  append(source: string, messages: readonly unknown[]): Promise<void>;
  push(source: string, message: unknown): void;
  taken(source: string, count: number): void;
  /** Whether an epoch with these positions has all that was appended or pushed before the positions `behind`. */
  reached(behind: ReadonlyMap<string, number>, positions: Manifest["positions"]): boolean;
  /** Behind what was appended or pushed so far, by source. */
  behind(): Map<string, number>;
  /** Deletions of what lies before these positions in logs. */
  deletions(positions: Manifest["positions"]): Write[];
  /** Messages that a flow in real time passed over when it started. */
  dropped(source: string): number;
  close(): void;
}

/** Messages that are on their way to a source at most. */
const mostUnderWay = 4096;
const readLength = 1024;
const mostDeletions = 10_000;

interface Feed {
  readonly codec: Codec;
  readonly worker: number;
  readonly log: SourceLog | undefined;
  next: number;
  underWay: number;
  dropped: number;
}

export function createSourceFeeds(
  store: Store,
  flow: Flow,
  plan: FlowPlan,
  guard: Guard,
  positions: Manifest["positions"],
  threads: Pick<FlowThreads, "request">,
  /** Told why a log cannot be read. */
  fail: (error: NeuroranError) => void,
): SourceFeeds {
  const feeds = new Map<string, Feed>();
  for (const source of flow.graph.sources.values()) {
    if (source.kind === "replayable") continue;
    const { name } = source;
    const log = source.kind === "logged" ? sourceLog(store, flow.name, name, guard) : undefined;
    const worker = plan.tasks.find((task) => task.name === name)?.worker as number;
    const from = positions[name]?.[0] ?? 0;
    // What came while a flow in real time did not run is late.
    const next = log !== undefined && flow.delivery === "real-time" ? log.end() : from;
    feeds.set(name, {
      codec: codecOf(source.message) as Codec,
      worker,
      log,
      next,
      underWay: 0,
      dropped: next - from,
    });
  }
  const of = (source: string, kind: "logged" | "live"): Feed => {
    const feed = feeds.get(source);
    if (feed !== undefined && (feed.log !== undefined) === (kind === "logged")) return feed;
    const known = [...flow.graph.sources.values()].filter((one) => one.kind === kind).map(({ name }) => name);
    throw new InputError("source", source, `the ${kind} sources of flow ${flow.name}: ${known.join(", ")}`);
  };
  const read = (feed: Feed): FedMessage[] => {
    try {
      return (feed.log as SourceLog).read(feed.next, readLength);
    } catch (error) {
      fail(error as NeuroranError);
      return [];
    }
  };
  const look = (name: string, feed: Feed): void => {
    while (feed.underWay < mostUnderWay) {
      const messages = read(feed);
      if (messages.length === 0) return;
      feed.next = messages[messages.length - 1].position + 1;
      feed.underWay += messages.length;
      threads.request(feed.worker, { kind: "feed", source: name, messages });
    }
  };
  const endings: (() => void)[] = [];
  return {
    start() {
      for (const [name, feed] of feeds) {
        if (feed.log === undefined) continue;
        endings.push(feed.log.watch(() => look(name, feed)));
        look(name, feed);
      }
    },
    async append(source, messages) {
      const { codec, log } = of(source, "logged");
      const { writes, settled } = (log as SourceLog).append(messages.map((message) => codec.encode(message)));
      try {
        await store.commit(writes);
      } finally {
        settled();
      }
    },
    push(source, message) {
      const feed = of(source, "live");
      const bytes = feed.codec.encode(message);
      const messages = [{ bytes, position: feed.next++, came_ms: monotonic_ms() }];
      threads.request(feed.worker, { kind: "feed", source, messages });
    },
    taken(source, count) {
      const feed = feeds.get(source) as Feed;
      feed.underWay -= count;
      if (feed.log !== undefined && feed.underWay < mostUnderWay / 2) look(source, feed);
    },
    reached: (behind, now) => [...behind].every(([name, end]) => (now[name]?.[0] ?? 0) >= end),
    behind: () => new Map([...feeds].map(([name, { log, next }]) => [name, log?.durable() ?? next])),
    deletions(before) {
      const found: Write[] = [];
      for (const [name, { log }] of feeds) {
        if (log !== undefined) found.push(...log.deletions(before[name]?.[0] ?? 0, mostDeletions));
      }
      return found;
    },
    dropped: (source) => feeds.get(source)?.dropped ?? 0,
    close() {
      for (const end of endings) end();
    },
  };
}
