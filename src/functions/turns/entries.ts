/**
 * The keys under which a commit domain keeps what it must not forget. Kind, function and key group come first, so that all of
 * one kind, and all of one key group, are ranges.
 */
import { type Address, keyGroupOf } from "./address.js";

/**
 * state: a key's turn counter and state. inbox: messages accepted and not yet handled. outbox: messages for other domains, until
 * acknowledged. sent, received: numbers of the channels between key groups. continuation: calls that wait for a reply. timer:
 * what is to be sent later. event: logs of keys. forgotten: turn counters of keys without state. session, reply: clients' sessions and recorded replies.
 */
export type EntryKind =
  | "continuation"
  | "event"
  | "forgotten"
  | "inbox"
  | "outbox"
  | "received"
  | "reply"
  | "sent"
  | "session"
  | "state"
  | "timer";

/** A key group of a function. */
export interface KeyGroup {
  readonly function: string;
  readonly group: number;
}

export function keyGroupOfAddress(address: Address): KeyGroup {
  return { function: address.function, group: keyGroupOf(address.key) };
}

const groupTexts = Array.from({ length: 256 }, (_, group) => group.toString(16).padStart(2, "0"));

/** The text that all entries of a kind and key group begin with. */
export function groupPrefix(kind: EntryKind, functionName: string, group: number): string {
  return `t\0${kind}\0${functionName}\0${groupTexts[group]}\0`;
}

/** The text that all entries of a kind begin with; with a function, all of that kind and function. */
export function kindPrefix(kind: EntryKind, functionName?: string): string {
  return functionName === undefined ? `t\0${kind}\0` : `t\0${kind}\0${functionName}\0`;
}

/** The key of an entry that belongs to an address; `rest` tells several of one kind apart. */
export function entryKey(kind: EntryKind, address: Address, rest?: string): string {
  const prefix = groupPrefix(kind, address.function, keyGroupOf(address.key));
  return rest === undefined ? prefix + address.key : `${prefix}${address.key}\0${rest}`;
}

/** What an entry's key says: its parts behind the kind. */
export function entryParts(key: string): {
  readonly function: string;
  readonly group: number;
  readonly rest: string[];
} {
  const [, , functionName, group, ...rest] = key.split("\0");
  return { function: functionName, group: Number.parseInt(group, 16), rest };
}

/** A number as text whose order is that of the numbers, up to 2^53. */
export function orderedNumber(value: number): string {
  return value.toString(16).padStart(14, "0");
}
