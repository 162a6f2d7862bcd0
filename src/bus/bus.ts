/**
 * Carries frames between nodes. It may lose, repeat, delay and reorder them: whoever needs more numbers and repeats them.
 */
export interface Bus {
  /** The name of this node. */
  readonly node: string;
  /** Hands a frame over for `node`; never throws. */
  send(node: string, frame: Uint8Array): void;
  /** Says who takes frames that come; the last to say so does. */
  receive(handler: (from: string, frame: Uint8Array) => void): void;
}

/** A bus with one node on it, which nobody writes to. */
export function embeddedBus(node: string): Bus {
  return { node, send: () => {}, receive: () => {} };
}
