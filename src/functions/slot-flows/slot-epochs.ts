/**
 * Epochs of a slot flow: a barrier at a slot number, the state as of it, what the slots before it gave, and where the source
 * stands, committed by one compare-and-set.
 *
 * Invariants:
 * 1. A barrier is taken between two slots: an epoch holds what the slots before it gave, and the state as of them, and nothing
 *    of later ones.
 * 2. In a flow that delivers exactly once, nothing leaves before its epoch is durable.
 * 3. What an aborted epoch had is part of the next one.
 */
import type { Clock, Store } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { type Deferred, deferred } from "../deferred.js";
import { type Action, type CommitAnswer, createCoordinator } from "../flows/coordinator.js";
import { epochWrites, settledAnswer } from "../flows/epoch-commit.js";
import type { EpochStore, FlowKeys, Head, Manifest } from "../flows/epoch-store.js";
import { createGeneration } from "../flows/generation.js";
import type { Guard } from "../flows/guard.js";
import { type Admit, createOutbox } from "../flows/outbox.js";
import { type OutputLog, outputLog } from "../flows/output-log.js";
import { createPendingEpoch, type PreparedEpoch } from "../flows/pending-epoch.js";
import { type Claim, fenced } from "../flows/restoration.js";
import type { CopiedPart, Layouts } from "../flows/worker-protocol.js";
import { type Codec, codecOf } from "../schema/index.js";
import type { Checkpoint } from "../slots/slot-checkpoint.js";
import type { Invocation } from "../turns/declaration.js";
import type { SlotFlow } from "./declaration.js";
import { partsOf, type SlotState, slotsName } from "./slot-state.js";

export interface SlotEpochOptions {
  readonly flow: SlotFlow;
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly admit: Admit | undefined;
  readonly epochInterval_ms: number;
  readonly epochTimeout_ms: number;
  readonly keptOutputs: number;
  readonly keys: FlowKeys;
  readonly epochs: EpochStore;
  readonly claim: Claim;
  readonly state: SlotState;
  readonly outputLayouts: Readonly<Record<string, Layouts>>;
  readonly checkpoint: () => Promise<Checkpoint>;
  /** The flow can commit no more. */
  readonly fail: (error: NeuroranError) => void;
  /** All slots of a source that has ended are committed. */
  readonly complete: () => void;
}

export interface SlotEpochs {
  readonly outputs: Readonly<Record<string, OutputLog>>;
  /** No slot is underway from now on, and what was given is of slots before `position`; takes a barrier that waits. */
  between(position: number, ended: boolean): void;
  /** A slot goes on its way. */
  busy(): void;
  /** What a slot gave. @throws InputError for what is not of the output's schema. */
  gave(output: string, message: unknown): void;
  sent(slot: number, invocations: readonly Invocation[]): void;
  /** Bytes of outputs that wait for their epoch. */
  held(): number;
  /** Resolves when all slots that are done are committed. @throws NeuroranError EPOCH_FAILED, or why the flow ended. */
  commit(): Promise<void>;
  /** Commits no more; with `sendsToo`, what was sent is handed over no more either. */
  close(error: NeuroranError | undefined, sendsToo: boolean): void;
  statistics(): {
    readonly epochs: {
      readonly last: number;
      readonly committed: number;
      readonly aborted: number;
      readonly problem: string | undefined;
    };
    /** The first slot that is not committed. */
    readonly position: number;
    readonly pendingSends: number;
  };
}

interface Waiter {
  readonly position: number;
  readonly waiting: Deferred<void>;
  failures: number;
}

const attempts = 3;

export function createSlotEpochs(options: SlotEpochOptions): SlotEpochs {
  const { flow, store, clock, guard, keys, epochs, claim, state, keptOutputs } = options;
  const exactlyOnce = flow.delivery === "exactly-once";
  const outputNames = Object.keys(flow.outputs);
  const pending = createPendingEpoch(keys, guard, outputNames, [
    { kind: "source", name: slotsName, replica: 0 },
  ]);
  const outbox = createOutbox(store, keys, guard, clock, options.admit);
  const coordinator = createCoordinator(claim.head.epoch, 1);
  let { head, manifest: last } = claim;
  const outputs: Record<string, OutputLog> = {};
  const codecs: Record<string, Codec> = {};
  for (const [name, { message, key }] of Object.entries(flow.outputs)) {
    codecs[name] = codecOf(message, options.outputLayouts[name]) as Codec;
    outputs[name] = outputLog(store, keys, name, codecs[name], guard, last.outputs[name] ?? 0, key);
  }
  const places = { keys, guard, epochs, outbox, outputs, keptOutputs };
  const delivered: Record<string, number> = { ...last.outputs };
  const counts = { committed: 0, aborted: 0 };
  let problem: string | undefined;
  let full = false;
  const { base, later } = state.restored_bytes;
  const generation = createGeneration(base, later, Math.max(0, claim.chain.length - 1));
  let prepared: PreparedEpoch | undefined;
  /** Handed over and not committed, with who is to be told. */
  let copied: CopiedPart[] = [];
  const checkpoints: Checkpoint[] = [];
  let committing: readonly CopiedPart[] = [];
  let isBetween = true;
  let position = last.positions[slotsName]?.[0] ?? 0;
  let ended = false;
  let closed = false;
  let wanted: number | undefined;
  let copying = false;
  let cancelTimer = (): void => {};
  let cancelTimeout = (): void => {};
  let waiters: Waiter[] = [];
  /** The epoch that what is given now belongs to. */
  let current = head.epoch + 1;

  const act = (actions: readonly Action[]): void => {
    for (const action of actions) {
      const { kind } = action;
      if (closed) return;
      if (kind === "begin") {
        const { epoch } = action;
        full = last.epoch === 0 || generation.isOver();
        cancelTimeout = clock.after(options.epochTimeout_ms, () => act(coordinator.expired(epoch)));
        wanted = epoch;
        barrier();
      } else if (kind === "abort") {
        counts.aborted++;
        wanted = undefined;
        problem ??= `epoch ${action.epoch} was not copied within ${options.epochTimeout_ms} ms`;
        for (const waiter of waiters) waiter.failures++;
        settle();
        next();
      } else if (kind === "commit") void commit(action.epoch);
      else if (kind === "settle")
        act(coordinator.answered(action.epoch, settledAnswer(epochs, head, action.epoch)));
      else if (kind === "release") release(action.epoch);
      else options.fail(fenced(flow.name));
    }
  };

  /** Takes the barrier that is wanted, before the next slot; later, where an epoch that was given up is still being copied. */
  const barrier = (): void => {
    if (wanted === undefined || !isBetween || copying || closed) return;
    const epoch = wanted;
    wanted = undefined;
    copying = true;
    current = epoch + 1;
    // Without a turn in between: the next slot must not be in it (invariant 1).
    void copy(epoch, options.checkpoint(), position, ended);
  };
  const copy = async (
    epoch: number,
    underway: Promise<Checkpoint>,
    at: number,
    isEnd: boolean,
  ): Promise<void> => {
    try {
      const checkpoint = await underway;
      const parts = partsOf(checkpoint.parts);
      copied.push(...parts);
      checkpoints.push(checkpoint);
      pending.copied(0, false, parts);
    } catch (error) {
      if (!closed) options.fail(error as NeuroranError);
      return;
    }
    copying = false;
    const reply = { kind: "acknowledged", task: 0, epoch, position: at, ended: isEnd, feedback: {} } as const;
    pending.acknowledged(reply);
    act(coordinator.acknowledged(epoch, 0));
    barrier();
  };

  const next = (): void => {
    cancelTimeout();
    cancelTimer();
    if (closed) return;
    if (waiters.length > 0 || ended) clock.soon(begin);
    else cancelTimer = clock.after(options.epochInterval_ms, begin);
  };
  const begin = (): void => {
    if (closed) return;
    const nothing = position === committedPosition() && last.epoch > 0 && !ended;
    if (nothing && coordinator.pending() === undefined) {
      settle();
      next();
    } else act(coordinator.begin());
  };
  const committedPosition = (): number => last.positions[slotsName]?.[0] ?? 0;

  const commit = async (epoch: number): Promise<void> => {
    let answer: CommitAnswer = "failed";
    try {
      answer = await tryToCommit(epoch);
    } catch (error) {
      problem = (error as Error).message;
      if ((error as NeuroranError).code === "STORE_CLOSED") {
        options.fail(error as NeuroranError);
        return;
      }
    }
    act(coordinator.answered(epoch, answer));
  };

  const tryToCommit = async (epoch: number): Promise<CommitAnswer> => {
    committing = full ? state.merged(copied) : copied;
    if (full) pending.copied(0, true, committing);
    const one = pending.prepare(epoch, full, last, head.term);
    // Behind a crash, a flow in real time goes on with the slot that is due then.
    const positions = exactlyOnce
      ? one.manifest.positions
      : { ...one.manifest.positions, clock: [clock.now()] };
    const outputEnds = exactlyOnce ? one.manifest.outputs : { ...delivered };
    const manifest: Manifest = { ...one.manifest, positions, outputs: outputEnds };
    prepared = { ...one, manifest };
    // The generation that ends now is kept for when the first epoch of the new one is damaged.
    const goneBefore = full ? last.base : undefined;
    const writes = epochWrites(places, prepared, one.manifest.outputs, goneBefore);
    const nextHead: Head = { term: head.term, epoch, newest: epoch };
    if (!(await epochs.compareAndSet(head, nextHead, writes))) return "fenced";
    head = nextHead;
    return "committed";
  };

  const release = (epoch: number): void => {
    const one = prepared as PreparedEpoch;
    prepared = undefined;
    pending.committed(epoch);
    state.committed(one.manifest, committing);
    committing = [];
    copied = [];
    for (const checkpoint of checkpoints.splice(0)) checkpoint.stored();
    counts.committed++;
    generation.committed(full, one.bytes);
    last = one.manifest;
    for (const { output, position: at, bytes } of one.outputs) outputs[output].release(at, bytes);
    outbox.release(epoch, one.sends);
    settle();
    if (last.complete) options.complete();
    else next();
  };

  const settle = (): void => {
    const done = ({ position: behind }: Waiter): boolean => behind <= committedPosition() && last.epoch > 0;
    for (const waiter of waiters) {
      if (done(waiter)) waiter.waiting.resolve();
      else if (waiter.failures >= attempts) {
        const text = `${waiter.failures} epochs of flow ${flow.name} failed one after the other: ${problem}`;
        waiter.waiting.reject(new NeuroranError("EPOCH_FAILED", text));
      }
    }
    waiters = waiters.filter((waiter) => !done(waiter) && waiter.failures < attempts);
  };

  outbox.recover();
  next();
  return {
    outputs,
    between(at, isEnd) {
      position = at;
      isBetween = true;
      if (isEnd && !ended) {
        ended = true;
        if (coordinator.pending() === undefined) next();
      }
      barrier();
    },
    busy() {
      isBetween = false;
    },
    gave(output, message) {
      const bytes = codecs[output].encode(message);
      if (exactlyOnce) {
        const heads = [outputNames.indexOf(output), current, bytes.length];
        pending.outputs({ kind: "outputs", heads, bytes });
        return;
      }
      const at = delivered[output] ?? 0;
      delivered[output] = at + 1;
      outputs[output].release(at, bytes);
    },
    sent(slot, invocations) {
      if (invocations.length === 0) return;
      const sender = { function: flow.name, key: slotsName };
      pending.sends(
        invocations.map((invocation, ordinal) => ({
          epoch: current,
          message: { id: `${flow.name}#${slot}.${slotsName}.${ordinal}`, sender, invocation },
        })),
      );
    },
    held: () => pending.held(),
    commit() {
      const waiter: Waiter = { position, waiting: deferred<void>(), failures: 0 };
      waiters.push(waiter);
      if (coordinator.pending() === undefined) next();
      return waiter.waiting.promise;
    },
    close(error, sendsToo) {
      closed = true;
      cancelTimer();
      cancelTimeout();
      if (sendsToo) outbox.close();
      for (const { waiting } of waiters.splice(0)) {
        if (error === undefined) waiting.resolve();
        else waiting.reject(error);
      }
    },
    statistics: () => ({
      epochs: { last: last.epoch, ...counts, problem },
      position: committedPosition(),
      pendingSends: outbox.pending(),
    }),
  };
}
