import type { DomainStatistics } from "../functions/turns/index.js";

/** What a node counts, for monitoring. */
export interface NodeMetrics {
  readonly domain: DomainStatistics;
  readonly served: ReadonlyMap<number, number>;
  readonly open: number;
  readonly uptime_s: number;
  readonly residentMemory_bytes: number;
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly (readonly [labels: string, value: number])[];
}

/** The metrics in Prometheus' text format, version 0.0.4. */
export function metricsText({ domain, served, open, uptime_s, residentMemory_bytes }: NodeMetrics): string {
  const single = (name: string, type: Metric["type"], help: string, value: number): Metric => ({
    name,
    type,
    help,
    samples: [["", value]],
  });
  const ofFunctions = (name: string, type: Metric["type"], help: string, field: FunctionNumber): Metric => ({
    name,
    type,
    help,
    // Names of functions have nothing in them that would have to be escaped.
    samples: domain.functions.map((one) => [`{function="${one.name}"}`, one[field]]),
  });
  const metrics: Metric[] = [
    ofFunctions("neuroran_turns_total", "counter", "Turns that ran.", "turns"),
    ofFunctions("neuroran_failed_turns_total", "counter", "Turns whose handler threw.", "failedTurns"),
    ofFunctions("neuroran_active_keys", "gauge", "Keys whose state is in memory.", "activeKeys"),
    single("neuroran_commits_total", "counter", "Durable commits.", domain.commits),
    single("neuroran_written_entries_total", "counter", "Entries that commits wrote.", domain.writes),
    single("neuroran_inbox_messages", "gauge", "Accepted and not yet handled.", domain.inbox),
    single("neuroran_outbox_messages", "gauge", "Not yet acknowledged by other nodes.", domain.outbox),
    single("neuroran_quarantined_messages", "gauge", "Kept by damaged entries.", domain.quarantined),
    single("neuroran_timers", "gauge", "Timers and delayed messages that wait.", domain.timers),
    single("neuroran_sessions", "gauge", "Sessions of clients.", domain.sessions),
    single("neuroran_subscribers", "gauge", "Subscriptions to events.", domain.subscribers),
    single("neuroran_state_cache_bytes", "gauge", "About what states in memory take.", domain.cache_bytes),
    {
      name: "neuroran_http_requests_total",
      type: "counter",
      help: "Requests served.",
      samples: [...served].map(([status, count]) => [`{status="${status}"}`, count]),
    },
    single("neuroran_http_requests_open", "gauge", "Requests without a reply yet.", open),
    single("neuroran_uptime_seconds", "gauge", "Time since the node started.", uptime_s),
    single("process_resident_memory_bytes", "gauge", "Resident memory.", residentMemory_bytes),
  ];
  return metrics
    .map(({ name, type, help, samples }) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
        "",
      ].join("\n"),
    )
    .join("");
}

type FunctionNumber = "turns" | "failedTurns" | "activeKeys";
