/** What commit domains send each other. */
import { checkKey, checkName, keyGroups } from "./address.js";
import type { KeyGroup } from "./entries.js";
import { keyGroupOfAddress } from "./entries.js";
import type { Message, ReplyTo } from "./message.js";
import { deserialise } from "./serialisable.js";

export type Frame =
  | {
      readonly kind: "message";
      readonly from: KeyGroup;
      readonly to: KeyGroup;
      readonly number: number;
      readonly message: Message;
    }
  /** All up to `number` are accepted for good. */
  | { readonly kind: "accepted"; readonly from: KeyGroup; readonly to: KeyGroup; readonly number: number };

type Unknown<T> = { readonly [N in keyof T]?: unknown } | undefined | null;

/** Undefined for what is no frame: a bus may bring anything, and what is accepted must be of use later. */
export function frameOf(bytes: Uint8Array): Frame | undefined {
  try {
    const frame = deserialise(bytes) as Unknown<Extract<Frame, { kind: "message" }>>;
    if (!isGroup(frame?.from) || !isGroup(frame.to)) return undefined;
    if (!Number.isSafeInteger(frame.number) || (frame.number as number) < 1) return undefined;
    const isFrame =
      frame.kind === "accepted" || (frame.kind === "message" && isMessage(frame.message, frame.to));
    return isFrame ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}

function isGroup(value: unknown): value is KeyGroup {
  const { function: name, group } = Object(value) as Unknown<KeyGroup> & object;
  checkName("function", name);
  return Number.isInteger(group) && (group as number) >= 0 && (group as number) < keyGroups;
}

function isMessage(value: unknown, { function: name, group }: KeyGroup): value is Message {
  const { kind, id, target, handler, replyTo, to, outcome } = Object(value) as Readonly<
    Record<string, unknown>
  >;
  if (typeof id !== "string" || !isAddress(target)) return false;
  const belongs = keyGroupOfAddress(target);
  if (belongs.function !== name || belongs.group !== group) return false;
  if (kind === "request") return typeof handler === "string" && (replyTo === undefined || isReplyTo(replyTo));
  return kind === "reply" && isReplyTo(to) && isOutcome(outcome);
}

function isAddress(value: unknown): value is { readonly function: string; readonly key: string } {
  const { function: name, key } = Object(value) as Readonly<Record<string, unknown>>;
  checkName("function", name);
  checkKey(key as string);
  return true;
}

function isReplyTo(value: unknown): value is ReplyTo {
  const { kind, address, sequence, incarnation, number } = Object(value) as Readonly<Record<string, unknown>>;
  switch (kind) {
    case "key":
      return isAddress(address);
    case "session":
      return isAddress(address) && Number.isSafeInteger(sequence);
    default:
      return kind === "client" && typeof incarnation === "string" && Number.isSafeInteger(number);
  }
}

function isOutcome(value: unknown): boolean {
  const { ok, error } = Object(value) as Readonly<Record<string, unknown>>;
  if (ok === true) return true;
  const { code, message } = Object(error) as Readonly<Record<string, unknown>>;
  return ok === false && typeof code === "string" && typeof message === "string";
}
