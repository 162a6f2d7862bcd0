/** Time and what waits for it, so that a simulation can stand in for both. */
export interface Clock {
  /** Milliseconds since 1970 as this node knows them: may jump, forwards and backwards. */
  now(): number;
  /** Calls `then` after about so many milliseconds of a time that does not jump; returns what cancels it. */
  after(delay_ms: number, then: () => void): () => void;
  /** Calls `then` as soon as what runs now, and has come in with it, is done. */
  soon(then: () => void): void;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: Date.now,
  after(delay_ms, then) {
    // Node fires at once what should wait longer than 31 bits of milliseconds.
    const timer = setTimeout(then, Math.min(delay_ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  soon: (then) => void setImmediate(then),
};
