/**
 * What tasks have handed over and no epoch has committed yet.
 *
 * Invariants:
 * 1. What an aborted epoch had is part of the next one: parts in the order they came in, outputs and sends as well.
 * 2. A full copy of a task supersedes all that was handed over of its key groups before. It says nothing of keys that are
 *    gone: an epoch behind a full one that was aborted must be full as well.
 * 3. Feedback and positions are those of the epoch itself, never of an aborted one.
 */
import type { Write } from "../../bus/index.js";
import type { AdmittedMessage } from "../turns/index.js";
import type { FlowKeys, Manifest } from "./epoch-store.js";
import type { Guard } from "./guard.js";
import { encodeMessages } from "./part.js";
import type { CopiedPart, FlowReply, SentMessage } from "./worker-protocol.js";

export interface HeldOutput {
  readonly output: string;
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

/** A message that an epoch releases. */
export interface ReleasedOutput {
  readonly output: string;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** An epoch ready to be committed. */
export interface PreparedEpoch {
  readonly manifest: Manifest;
  readonly writes: readonly Write[];
  readonly outputs: readonly ReleasedOutput[];
  readonly sends: readonly AdmittedMessage[];
  /** Bytes of parts. */
  readonly bytes: number;
  /** Nothing happened since the epoch before. */
  readonly empty: boolean;
}

type Acknowledged = Extract<FlowReply, { kind: "acknowledged" }>;

export interface PendingEpoch {
  copied(task: number, full: boolean, parts: readonly CopiedPart[]): void;
  acknowledged(reply: Acknowledged): void;
  outputs(reply: Extract<FlowReply, { kind: "outputs" }>): void;
  sends(sends: readonly SentMessage[]): void;
  prepare(epoch: number, full: boolean, before: Manifest, term: number): PreparedEpoch;
  /** Forgets what was committed with this epoch. */
  committed(epoch: number): void;
  /** Bytes of the outputs that wait. */
  held(): number;
}

export function createPendingEpoch(
  keys: FlowKeys,
  guard: Guard,
  outputNames: readonly string[],
  /** By task: the name of its source or operator, and its number there. */
  tasks: readonly { readonly kind: "source" | "operator"; readonly name: string; readonly replica: number }[],
): PendingEpoch {
  /** By task. */
  let parts = new Map<number, CopiedPart[]>();
  /** By task; when an epoch is prepared, all have acknowledged that one last. */
  const acknowledgements = new Map<number, Acknowledged>();
  let outputs: HeldOutput[] = [];
  let sends: SentMessage[] = [];
  let held = 0;

  const partWrites = (epoch: number) => {
    const found = new Map<string, { operator: string; group: number; chunks: Uint8Array[] }>();
    for (const [task, copied] of parts) {
      const operator = tasks[task].name;
      for (const { group, bytes } of copied) {
        const key = keys.part(epoch, operator, group);
        const one = found.get(key) ?? { operator, group, chunks: [] };
        one.chunks.push(bytes);
        found.set(key, one);
      }
    }
    return found;
  };

  const feedbackOf = (epoch: number) => {
    const found = new Map<string, { operator: string; edge: string; messages: Uint8Array[] }>();
    for (const [task, reply] of acknowledgements) {
      for (const [edge, messages] of Object.entries(reply.feedback)) {
        if (messages.length === 0) continue;
        const operator = tasks[task].name;
        const key = keys.feedback(epoch, operator, edge);
        const one = found.get(key) ?? { operator, edge, messages: [] };
        one.messages.push(...messages);
        found.set(key, one);
      }
    }
    return found;
  };

  const sourcesOf = () => {
    const positions: Record<string, number[]> = {};
    let ended = true;
    for (const [task, reply] of acknowledgements) {
      const { kind, name, replica } = tasks[task];
      if (kind !== "source") continue;
      positions[name] ??= [];
      positions[name][replica] = reply.position;
      ended &&= reply.ended;
    }
    return { positions, ended };
  };

  return {
    copied(task, full, copied) {
      if (full) parts.set(task, [...copied]);
      else parts.set(task, [...(parts.get(task) ?? []), ...copied]);
    },
    acknowledged: (reply) => void acknowledgements.set(reply.task, reply),
    outputs(reply) {
      held += reply.bytes.length;
      for (const one of outputsOf(reply, outputNames)) outputs.push(one);
    },
    sends: (more) => void sends.push(...more),
    prepare(epoch, full, before, term) {
      const writes: Write[] = [];
      let bytes = 0;
      const write = (key: string, plain: Uint8Array): void => {
        const value = guard.seal(plain, key);
        bytes += value.length;
        writes.push({ key, value });
      };
      const found = partWrites(epoch);
      for (const [key, { chunks }] of found)
        write(key, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      const feedback = feedbackOf(epoch);
      for (const [key, { messages }] of feedback) write(key, encodeMessages(messages));
      const partBytes = bytes;
      const next = { ...before.outputs };
      const released: ReleasedOutput[] = [];
      for (const one of inOrder(outputs, epoch)) {
        const position = next[one.output] ?? 0;
        next[one.output] = position + 1;
        released.push({ output: one.output, position, bytes: one.bytes });
      }
      const releasedSends = inOrder(sends, epoch).map(({ message }) => message);
      const { positions, ended } = sourcesOf();
      const complete = ended && feedback.size === 0;
      const moved = JSON.stringify(positions) !== JSON.stringify(before.positions);
      const changed = writes.length > 0 || released.length > 0 || releasedSends.length > 0 || moved;
      const manifest: Manifest = {
        epoch,
        term,
        base: full ? epoch : before.base,
        previous: full ? undefined : before.epoch,
        positions,
        outputs: next,
        parts: [...found.values()].map(({ operator, group }) => [operator, group] as const),
        feedback: [...feedback.values()].map(({ operator, edge }) => [operator, edge] as const),
        complete,
      };
      const empty = !changed && before.feedback.length === 0 && complete === before.complete;
      return { manifest, writes, outputs: released, sends: releasedSends, bytes: partBytes, empty };
    },
    committed(epoch) {
      parts = new Map();
      outputs = outputs.filter((one) => one.epoch > epoch);
      sends = sends.filter((one) => one.epoch > epoch);
      held = outputs.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
    held: () => held,
  };
}

/** The messages that a thread has handed over. */
export function outputsOf(
  { heads, bytes }: Extract<FlowReply, { kind: "outputs" }>,
  outputNames: readonly string[],
): HeldOutput[] {
  const found: HeldOutput[] = [];
  let at = 0;
  for (let index = 0; index < heads.length; index += 3) {
    const [output, epoch, length] = [heads[index], heads[index + 1], heads[index + 2]];
    found.push({ output: outputNames[output], epoch, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** Those that the epoch releases, in the order of their epochs, as they came. */
function inOrder<T extends { readonly epoch: number }>(held: readonly T[], epoch: number): T[] {
  return held.filter((one) => one.epoch <= epoch).sort((a, b) => a.epoch - b.epoch);
}
