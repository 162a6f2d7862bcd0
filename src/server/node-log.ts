/** How much a line of the log matters. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** One line of a node's log. */
export interface LogLine {
  /** From 1, without gaps. */
  readonly position: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  /** Who says it: `node`, `deployment`, `http`, `console`. */
  readonly source: string;
  readonly message: string;
}

/** What a node has to say, the last lines of which are kept in memory. */
export interface NodeLog {
  write(level: LogLevel, source: string, message: string): void;
  /** The kept lines from a position on; the oldest kept where that is gone. */
  lines(from?: number): LogLine[];
  /** Delivers the kept lines from a position on, or only coming ones, and all that come. Returns what ends it. */
  subscribe(from: number | undefined, deliver: (line: LogLine) => void): () => void;
}

/** @param kept lines that are kept. @param now the time of lines. */
export function createNodeLog(kept: number, now: () => number): NodeLog {
  const ring: LogLine[] = [];
  const readers = new Set<(line: LogLine) => void>();
  let last = 0;
  const lines = (from = 1): LogLine[] => {
    const first = last - ring.length + 1;
    const count = Math.max(0, last - Math.max(from, first) + 1);
    return Array.from({ length: count }, (_, i) => ring[(last - count + i) % kept]!);
  };
  return {
    write(level, source, message) {
      const line = { position: ++last, time: now(), level, source, message };
      ring[(last - 1) % kept] = line;
      for (const deliver of readers) deliver(line);
    },
    lines,
    subscribe(from, deliver) {
      if (from !== undefined) for (const line of lines(from)) deliver(line);
      // A function of its own, so that the same one may subscribe twice.
      const reader = (line: LogLine): void => deliver(line);
      readers.add(reader);
      return () => readers.delete(reader);
    },
  };
}
