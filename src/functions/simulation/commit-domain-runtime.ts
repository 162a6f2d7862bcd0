import { codecOf } from "../schema/index.js";
import { entryKey, entryParts } from "../turns/entries.js";
import { createCommitDomain } from "../turns/index.js";
import { type InterpreterState, interpreterState } from "./interpreter.js";
import type { TurnRuntime } from "./turn-runtime.js";

const codec = codecOf(interpreterState);
/** Of a stored state: turn counter and position of the latest event. */
const header_bytes = 16;

/** Sealing has no part in the protocol. */
const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };

/** The commit domains that nodes run. */
export const commitDomainRuntime: TurnRuntime = {
  start({ name, incarnation, bus, store, clock, random }, placement, functions) {
    let ids = 0;
    return createCommitDomain({
      bus,
      store,
      clock,
      uniqueId: () => `${name}.${incarnation}.${++ids}.${random.integer(2 ** 32)}`,
      cipherOf: () => plain,
      directory: (group) => placement(group.function, group.group),
      functions,
    });
  },
  stateOf(disk, address) {
    const stored = disk.get(entryKey("state", address));
    if (stored === undefined) return undefined;
    return codec.toJson(codec.decode(stored.subarray(header_bytes))) as InterpreterState;
  },
  residue(entries, sessionsAreOver) {
    const replies = new Set<string>();
    return entries
      .map(({ key }) => key)
      .filter((key) => {
        const [space, kind] = key.split("\0");
        if (space !== "t") return false;
        if (sessionsAreOver && (kind === "reply" || kind === "session")) return true;
        if (kind === "reply") {
          // The last reply of a session is not acknowledged by any request after it.
          const [session] = entryParts(key).rest;
          const repeated = replies.has(session!);
          replies.add(session!);
          return repeated;
        }
        return kind === "inbox" || kind === "outbox" || kind === "continuation" || kind === "timer";
      });
  },
};
