/**
 * One replica of an operator: takes what comes in at its channels, aligns barriers, runs the operator, copies its state.
 *
 * Invariants:
 * 1. What came in at one channel is processed in the order it came in, whether it had to wait or not.
 * 2. A barrier goes on, at all outlets, right behind the copy of the state: outputs before it are those of the state
 *    that was copied.
 * 3. Nothing that comes in at a feedback channel holds back who sent it, so that no loop can wait for itself.
 */
import { codecOf, field, stateSchema } from "../schema/index.js";
import { keyGroupOf } from "../turns/address.js";
import type { Invocation } from "../turns/declaration.js";
import { checkInvocation } from "../turns/turn.js";
import { createBarrierAligner } from "./barrier-aligner.js";
import type { OperatorNode } from "./declaration.js";
import { createKeyedState, type KeyState } from "./keyed-state.js";
import { type Channel, replicaOfGroup, type Task } from "./plan.js";
import type { CopiedPart, Layouts, RestoredOperator, TaskDescription } from "./worker-protocol.js";

/** Where what a task emits goes. */
export interface Outlet {
  send(message: unknown): void;
  barrier(epoch: number, full: boolean): void;
}

/** What a task tells the thread it runs on. */
export interface TaskHost {
  copied(epoch: number, full: boolean, parts: readonly CopiedPart[]): void;
  acknowledged(epoch: number, feedback: Readonly<Record<string, readonly Uint8Array[]>>): void;
  send(epoch: number, invocation: Invocation): void;
  /** What the task counts, float64; see `counter`. */
  readonly counts: Float64Array;
}

export interface OperatorTask {
  readonly task: Task;
  /** The epoch that what it gives out now belongs to. */
  epoch(): number;
  /** Messages and barriers that wait at a channel. */
  waiting(channel: number): number;
  /** Takes a message; the key is computed unless given. */
  message(channel: number, message: unknown, key: string | undefined): void;
  barrier(channel: number, epoch: number, full: boolean): void;
  abort(epoch: number): void;
  /** Whether what comes in at this channel would have to wait. */
  waits(channel: number): boolean;
  /** Processes what has waited and need not any more, at most so many; true where there was any. */
  drain(most: number): boolean;
  describe(): Omit<TaskDescription, "overflowing" | "ended">;
}

interface Waiting {
  readonly message: unknown;
  readonly key: string | undefined;
  /** Of a barrier; 0 of a message. */
  readonly epoch: number;
  readonly full: boolean;
}

const noState = stateSchema({ unused: field.boolean() });

export function createOperatorTask(
  task: Task,
  node: OperatorNode,
  /** Those that lead to it, in the order of their numbers here; with the names of who sends. */
  channels: readonly (Channel & { readonly sender: string })[],
  outlets: readonly Outlet[],
  restored: RestoredOperator | undefined,
  lastEpoch: number,
  host: TaskHost,
  /** By feedback edge. */
  messageLayouts: Readonly<Record<string, Layouts>> = {},
): OperatorTask {
  const { operator } = node;
  const inputs = channels.map(({ input }) => operator.inputs[input]);
  const keyOf = inputs.map(({ key }) => key as ((message: unknown) => unknown) | undefined);
  const processes = inputs.map(
    (input) => input.process.bind(input) as (context: unknown, message: unknown) => void,
  );
  const feedback = channels.map((channel) => channel.feedback !== undefined);
  const messageCodecs = inputs.map(({ message }, index) => (feedback[index] ? codecOf(message) : undefined));
  const aligner = createBarrierAligner(feedback);
  const owns = (group: number): boolean => replicaOfGroup(group, task.replicas) === task.replica;
  const keeps = operator.state !== undefined;
  const state = createKeyedState(codecOf(operator.state ?? noState, restored?.layouts), owns);
  const queues: Waiting[][] = channels.map(() => []);
  const logs: Uint8Array[][] = channels.map(() => []);
  const { counts } = host;
  /** The epoch that what happens now belongs to. */
  let epoch = lastEpoch + 1;
  /** In all queues. */
  let queued = 0;
  let current: KeyState | undefined;
  let forgotten = false;

  const context = {
    key: "",
    state: undefined as unknown,
    emit(message: unknown): void {
      counts[1]++;
      for (let index = 0; index < outlets.length; index++) outlets[index].send(message);
    },
    send(invocation: Invocation) {
      checkInvocation(invocation);
      host.send(epoch, invocation);
    },
    forget(): void {
      forgotten = true;
    },
  };

  const run = (channel: number, message: unknown, givenKey: string | undefined): void => {
    counts[0]++;
    let key = givenKey;
    if (key === undefined) {
      const ofMessage = keyOf[channel];
      key = ofMessage === undefined ? "" : String(ofMessage(message));
    }
    context.key = key;
    if (keeps) {
      current = state.use(key);
      context.state = current.value;
    }
    processes[channel](context, message);
    if (!forgotten) return;
    forgotten = false;
    if (current !== undefined) state.forget(current);
  };

  const takeBarrier = (channel: number, which: number, full: boolean): void => {
    const step = aligner.barrier(channel, which);
    if (step.copy) {
      for (const log of logs) log.length = 0;
      const parts = keeps ? state.copy(full) : [];
      epoch = which + 1;
      host.copied(which, full, parts);
      for (const outlet of outlets) outlet.barrier(which, full);
    }
    if (step.complete) {
      const byEdge: Record<string, Uint8Array[]> = {};
      for (const [index, { feedback: edge }] of channels.entries()) {
        if (edge === undefined) continue;
        byEdge[edge] ??= [];
        byEdge[edge].push(...logs[index]);
      }
      host.acknowledged(which, byEdge);
    }
  };

  const takeMessage = (channel: number, message: unknown, key: string | undefined): void => {
    if (feedback[channel] && aligner.logs(channel))
      logs[channel].push(messageCodecs[channel]!.encode(message as never));
    run(channel, message, key);
  };

  const enqueue = (channel: number, one: Waiting): void => {
    queues[channel].push(one);
    queued++;
  };

  const restoreFeedback = (edge: string, messages: readonly Uint8Array[]): void => {
    const channel = channels.findIndex((one) => one.feedback === edge);
    if (channel < 0) return;
    const codec = codecOf(inputs[channel].message, messageLayouts[edge]);
    const ofMessage = keyOf[channel];
    for (const [index, bytes] of messages.entries()) {
      const message = codec.decode(bytes);
      const key = ofMessage === undefined ? undefined : String(ofMessage(message));
      const mine = key === undefined ? index % task.replicas === task.replica : owns(keyGroupOf(key));
      if (mine) enqueue(channel, { message, key, epoch: 0, full: false });
    }
  };
  for (const part of restored?.parts ?? []) state.restore(part);
  for (const [edge, messages] of Object.entries(restored?.feedback ?? {})) restoreFeedback(edge, messages);

  return {
    task,
    epoch: () => epoch,
    waiting: (channel) => queues[channel].length,
    message(channel, message, key) {
      if (feedback[channel] || queues[channel].length > 0 || aligner.waits(channel)) {
        enqueue(channel, { message, key, epoch: 0, full: false });
      } else run(channel, message, key);
    },
    barrier(channel, which, full) {
      if (queues[channel].length > 0 || aligner.waits(channel)) {
        enqueue(channel, { message: undefined, key: undefined, epoch: which, full });
      } else takeBarrier(channel, which, full);
    },
    abort: (which) => aligner.abort(which),
    waits: (channel) => queues[channel].length > 0 || aligner.waits(channel),
    drain(most) {
      if (queued === 0) return false;
      let done = 0;
      for (const [channel, queue] of queues.entries()) {
        let taken = 0;
        while (taken < queue.length && done < most && !aligner.waits(channel)) {
          const { message, key, epoch: which, full } = queue[taken++];
          done++;
          if (which > 0) takeBarrier(channel, which, full);
          else takeMessage(channel, message, key);
        }
        if (taken === 0) continue;
        // In one piece, as shifting a long queue is slow. What was added meanwhile stands behind.
        queue.splice(0, taken);
        queued -= taken;
      }
      return done > 0;
    },
    describe() {
      const pending = aligner.pending();
      const waitsFor = pending?.inputs.map((index) => channels[index].sender);
      return {
        task: task.id,
        epoch,
        aligning:
          pending === undefined ? undefined : { epoch: pending.epoch, waitsFor: waitsFor as string[] },
        waiting: queued,
      };
    },
  };
}
