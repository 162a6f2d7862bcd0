/**
 * A flow that runs: its threads, its coordinator, and what goes in and comes out.
 *
 * Invariants:
 * 1. In a flow that delivers exactly once, nothing leaves before the epoch that it belongs to is durable.
 * 2. After a crash it goes on from the last epoch that was committed and is whole, sources from its positions.
 */
import { type Clock, type Store, systemClock } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import { deferred } from "../deferred.js";
import { type Codec, codecOf } from "../schema/index.js";
import { type Action, type CommitAnswer, createCoordinator } from "./coordinator.js";
import type { Flow } from "./declaration.js";
import { epochWrites, settledAnswer } from "./epoch-commit.js";
import { epochStore, flowKeys, type Head, type Manifest } from "./epoch-store.js";
import { describeFlow, type FlowDescription } from "./flow-description.js";
import { startFlowThreads } from "./flow-threads.js";
import { createGeneration } from "./generation.js";
import { checksums, type Guard } from "./guard.js";
import { loadFlow } from "./load-flow.js";
import { type Admit, createOutbox } from "./outbox.js";
import { type FlowOutput, type OutputLog, outputLog } from "./output-log.js";
import { createPendingEpoch, outputsOf, type PreparedEpoch } from "./pending-epoch.js";
import { type Deployment, planFlow } from "./plan.js";
import type { PassedOver } from "./recovery.js";
import { fenced, restoreFlow } from "./restoration.js";
import { createSourceFeeds } from "./source-feed.js";
import type { FlowReply, TaskDescription } from "./worker-protocol.js";

export interface FlowOptions {
  /** The module that declares the flow: an address that `import` takes. */
  readonly module: URL | string;
  /** The name under which the module exports it. */
  readonly name: string;
  readonly store: Store;
  readonly clock?: Clock;
  readonly deployment?: Deployment;
  /** Gives what guards the stored state of a flow, by its name; checksums alone unless given. A cipher is a guard. */
  readonly guardOf?: (flow: string) => Guard;
  /** Between the begins of two epochs; 100 unless given. Outputs wait for so long. */
  readonly epochInterval_ms?: number;
  /** After so long an epoch is given up; 10,000 unless given. */
  readonly epochTimeout_ms?: number;
  /** Messages of each output that are kept for those who subscribe later; 100,000 unless given. */
  readonly keptOutputs?: number;
  /** Takes over what operators send to stateful functions; it is kept until then. */
  readonly admit?: Admit;
}

/** What a flow has done since it was started. */
export interface FlowStatistics {
  readonly epochs: {
    /** The newest that was committed. */
    readonly last: number;
    readonly committed: number;
    readonly aborted: number;
    /** Why the latest that failed did. */
    readonly problem: string | undefined;
  };
  /** Sources and operators; all their replicas together. */
  readonly tasks: readonly {
    readonly name: string;
    readonly received: number;
    readonly sent: number;
    /** Messages dropped because they were late. */
    readonly dropped: number;
  }[];
  /** By source, the positions of the newest epoch. */
  readonly positions: Manifest["positions"];
  /** What it was started from. */
  readonly restored: {
    readonly epoch: number;
    readonly positions: Manifest["positions"];
    readonly passedOver: readonly PassedOver[];
  };
  /** Sends to stateful functions that they have not taken over yet. */
  readonly pendingSends: number;
}

export interface RunningFlow {
  readonly flow: Flow;
  /** Resolves when all sources have ended and all is committed, or the flow was stopped; rejects when it failed. */
  readonly finished: Promise<void>;
  /** An output by name. @throws InputError for an unknown one. */
  output(name: string): FlowOutput;
  /** Appends to a logged source; resolves when it is durable. @throws InputError for what is not of its schema. */
  append(source: string, ...messages: readonly unknown[]): Promise<void>;
  /** Hands a message to a live source. @throws InputError as `append`. */
  push(source: string, message: unknown): void;
  /** Resolves when all that was read, appended or pushed so far is committed. @throws NeuroranError EPOCH_FAILED, or why the flow failed. */
  commit(): Promise<void>;
  /** Ends when all that was read, appended or pushed so far is committed. Harmless when repeated. */
  stop(): Promise<void>;
  /** Ends at once, as a crash does. */
  abandon(): Promise<void>;
  statistics(): FlowStatistics;
  /** What each task waits for: for those who look why it is stuck. */
  describe(): Promise<FlowDescription>;
}

/** Who waits for a commit. */
interface Waiter {
  /** The first epoch that may have all of it. */
  readonly epoch: number;
  /** Where fed sources must have come. */
  readonly behind: ReadonlyMap<string, number>;
  failures: number;
  resolve(): void;
  reject(error: Error): void;
}

const attempts = 3;
const closingPatience_ms = 5000;

/**
 * Starts a flow where it was left, or from the beginning.
 *
 * @throws what `loadFlow`, `planFlow`, `restoreFlow` and `startFlowThreads` throw.
 */
export async function startFlow(options: FlowOptions): Promise<RunningFlow> {
  return runFlow(await loadFlow(String(options.module), options.name), options, startFlowThreads);
}

/** A flow that is loaded, on threads that `startThreads` starts: real ones, or such as a simulation stands in for. */
export async function runFlow(
  flow: Flow,
  options: FlowOptions,
  startThreads: typeof startFlowThreads,
): Promise<RunningFlow> {
  const { store, clock = systemClock, guardOf = () => checksums, keptOutputs = 100_000 } = options;
  const { epochInterval_ms = 100, epochTimeout_ms = 10_000 } = options;
  const module = String(options.module);
  const guard = guardOf(flow.name);
  const plan = planFlow(flow, options.deployment);
  const keys = flowKeys(flow.name);
  const epochs = epochStore(store, flow.name, guard);
  const exactlyOnce = flow.delivery === "exactly-once";
  const outputNames = Object.keys(flow.outputs);
  const restoration = await restoreFlow(store, keys, epochs, flow);
  let head: Head = restoration.head;
  let last = restoration.manifest;
  const outputs: Record<string, OutputLog> = {};
  for (const [name, stream] of Object.entries(flow.outputs)) {
    outputs[name] = outputLog(
      store,
      keys,
      name,
      codecOf(stream.message, restoration.outputLayouts[name]) as Codec,
      guard,
      last.outputs[name] ?? 0,
      stream.key,
    );
  }
  let { basePositions } = restoration;
  /** Where the earliest generation that is kept begins. */
  let keptPositions: Manifest["positions"] = {};
  const generation = createGeneration();
  const counts = { committed: 0, aborted: 0 };
  let problem: string | undefined;
  let prepared: PreparedEpoch | undefined;
  /** Positions of outputs that were delivered in real time. */
  const delivered: Record<string, number> = { ...last.outputs };
  const pending = createPendingEpoch(keys, guard, outputNames, plan.tasks);
  const outbox = createOutbox(store, keys, guard, clock, options.admit);
  const places = { keys, guard, epochs, outbox, outputs, keptOutputs };
  const coordinator = createCoordinator(head.epoch, plan.tasks.length);
  const finished = deferred<void>();
  finished.promise.catch(() => undefined);
  let ended: "running" | "ending" | "ended" = "running";
  let full = false;
  let cancelTimer = (): void => {};
  let cancelTimeout = (): void => {};
  let waiters: Waiter[] = [];
  let descriptions: { readonly tasks: TaskDescription[]; missing: number; done(): void } | undefined;
  const endedSources = new Set<number>();
  const sources = plan.tasks.filter(({ kind }) => kind === "source");

  const act = (actions: readonly Action[]): void => {
    for (const action of actions) {
      switch (action.kind) {
        case "begin": {
          const { epoch } = action;
          cancelTimer();
          full = last.epoch === 0 || generation.isOver();
          cancelTimeout = clock.after(epochTimeout_ms, () => act(coordinator.expired(epoch)));
          threads.requestAll({ kind: "begin", epoch, full });
          break;
        }
        case "abort":
          counts.aborted++;
          problem ??= `epoch ${action.epoch} was not acknowledged within ${epochTimeout_ms} ms`;
          threads.requestAll({ kind: "abort", epoch: action.epoch });
          for (const waiter of waiters) waiter.failures++;
          settleWaiters(0);
          next();
          break;
        case "commit":
          void commit(action.epoch);
          break;
        case "settle":
          act(coordinator.answered(action.epoch, settledAnswer(epochs, head, action.epoch)));
          break;
        case "release":
          release(action.epoch);
          break;
        case "stop":
          fail(fenced(flow.name));
          break;
      }
    }
  };

  /** Begins the next epoch when it is time, or at once where somebody waits for it. */
  const next = (): void => {
    cancelTimeout();
    cancelTimer();
    if (ended === "ended") return;
    const allEnded = endedSources.size === sources.length;
    if (waiters.length > 0 || allEnded) clock.soon(begin);
    else cancelTimer = clock.after(epochInterval_ms, begin);
  };
  const begin = (): void => {
    if (ended !== "ended") act(coordinator.begin());
  };

  const commit = async (epoch: number): Promise<void> => {
    let answer: CommitAnswer = "failed";
    try {
      answer = await tryToCommit(epoch);
    } catch (error) {
      problem = (error as Error).message;
      if ((error as NeuroranError).code === "STORE_CLOSED") {
        fail(error as NeuroranError);
        return;
      }
    }
    act(coordinator.answered(epoch, answer));
  };

  const tryToCommit = async (epoch: number): Promise<CommitAnswer> => {
    const one = pending.prepare(epoch, full, last, head.term);
    prepared = one;
    if (one.empty) return "committed";
    const manifest = exactlyOnce ? one.manifest : { ...one.manifest, outputs: { ...delivered } };
    prepared = { ...one, manifest };
    // The generation that ends now is kept for when the first epoch of the new one is damaged.
    const goneBefore = full ? last.base : undefined;
    const writes = [
      ...feeds.deletions(full ? basePositions : keptPositions),
      ...epochWrites(places, prepared, one.manifest.outputs, goneBefore),
    ];
    const nextHead: Head = { term: head.term, epoch, newest: epoch };
    if (!(await epochs.compareAndSet(head, nextHead, writes))) return "fenced";
    head = nextHead;
    return "committed";
  };

  const release = (epoch: number): void => {
    const one = prepared as PreparedEpoch;
    prepared = undefined;
    pending.committed(epoch);
    threads.hold(pending.held());
    if (!one.empty) {
      counts.committed++;
      generation.committed(full, one.bytes);
      if (full) {
        keptPositions = basePositions;
        basePositions = one.manifest.positions;
      }
      last = one.manifest;
      for (const { output, position, bytes } of one.outputs) outputs[output].release(position, bytes);
      outbox.release(epoch, one.sends);
    }
    settleWaiters(epoch);
    if (one.manifest.complete && ended === "running") void end(undefined);
    else next();
  };

  const settleWaiters = (epoch: number): void => {
    const done = (waiter: Waiter): boolean =>
      epoch >= waiter.epoch && feeds.reached(waiter.behind, last.positions);
    for (const waiter of waiters) {
      if (done(waiter)) waiter.resolve();
      else if (waiter.failures >= attempts) {
        const text = `${waiter.failures} epochs of flow ${flow.name} failed one after the other: ${problem}`;
        waiter.reject(new NeuroranError("EPOCH_FAILED", text));
      }
    }
    waiters = waiters.filter((waiter) => !done(waiter) && waiter.failures < attempts);
  };

  const hear = (reply: FlowReply): void => {
    switch (reply.kind) {
      case "copied":
        pending.copied(reply.task, reply.full, reply.parts);
        break;
      case "acknowledged":
        pending.acknowledged(reply);
        act(coordinator.acknowledged(reply.epoch, reply.task));
        break;
      case "outputs":
        if (exactlyOnce) {
          pending.outputs(reply);
          threads.hold(pending.held());
          break;
        }
        for (const { output, bytes } of outputsOf(reply, outputNames)) {
          const position = delivered[output] ?? 0;
          delivered[output] = position + 1;
          outputs[output].release(position, bytes);
        }
        break;
      case "sends":
        pending.sends(reply.sends);
        break;
      case "taken":
        feeds.taken(reply.source, reply.count);
        break;
      case "ended":
        endedSources.add(reply.task);
        if (endedSources.size === sources.length && coordinator.pending() === undefined) next();
        break;
      case "description":
        descriptions?.tasks.push(...reply.tasks);
        if (descriptions !== undefined && --descriptions.missing === 0) descriptions.done();
        break;
    }
  };

  const end = async (error: NeuroranError | undefined): Promise<void> => {
    if (ended === "ended") return;
    // Whoever takes its last sends over may do so later: until the flow is stopped they are handed over again.
    if (error !== undefined || ended === "ending") outbox.close();
    ended = "ended";
    cancelTimer();
    cancelTimeout();
    feeds.close();
    for (const waiter of waiters.splice(0)) {
      if (error === undefined) waiter.resolve();
      else waiter.reject(error);
    }
    await threads.close(error === undefined ? closingPatience_ms : 0);
    if (error === undefined) finished.resolve();
    else finished.reject(error);
  };
  const fail = (error: NeuroranError): void => void end(error);

  const early: FlowReply[] = [];
  let hearNow = (reply: FlowReply): void => void early.push(reply);
  const threads = await startThreads(
    plan,
    {
      module,
      name: options.name,
      lastEpoch: head.epoch,
      positions: last.positions,
      operators: restoration.operators,
      messageLayouts: restoration.messageLayouts,
    },
    (reply) => hearNow(reply),
    (error) => clock.soon(() => fail(error)),
  );
  const feeds = createSourceFeeds(store, flow, plan, guard, last.positions, threads, fail);
  hearNow = hear;
  for (const reply of early.splice(0)) hear(reply);
  try {
    outbox.recover();
  } catch (error) {
    fail(error as NeuroranError);
    throw error;
  }
  feeds.start();
  next();

  const commitNow = (): Promise<void> => {
    if (ended === "ended") return finished.promise;
    const waiting = deferred<void>();
    // What is under way may have begun before what is to be committed was read.
    const epoch = (coordinator.pending()?.epoch ?? coordinator.latest()) + 1;
    waiters.push({
      epoch,
      behind: feeds.behind(),
      failures: 0,
      resolve: () => waiting.resolve(),
      reject: waiting.reject,
    });
    if (coordinator.pending() === undefined) next();
    return waiting.promise;
  };
  const checkedOutput = (name: string): OutputLog => {
    if (Object.hasOwn(outputs, name)) return outputs[name];
    throw new InputError("output", name, `flow ${flow.name} has the outputs: ${outputNames.join(", ")}`);
  };

  return {
    flow,
    finished: finished.promise,
    output: checkedOutput,
    append: (source, ...messages) => feeds.append(source, messages),
    push: (source, message) => feeds.push(source, message),
    commit: commitNow,
    async stop() {
      if (ended === "running") {
        ended = "ending";
        threads.requestAll({ kind: "stop reading" });
        await commitNow();
        await end(undefined);
      }
      await finished.promise;
      outbox.close();
    },
    async abandon() {
      await end(new NeuroranError("FLOW_ABANDONED", `flow ${flow.name} was abandoned`));
      outbox.close();
    },
    statistics() {
      const names = [...new Set(plan.tasks.map(({ name }) => name))];
      const tasks = names.map((name) => {
        const own = plan.tasks.filter((task) => task.name === name).map(({ id }) => threads.counts(id));
        const sum = (index: number) => own.reduce((total, one) => total + one[index], 0);
        return { name, received: sum(0), sent: sum(1), dropped: sum(2) + feeds.dropped(name) };
      });
      return {
        epochs: { last: last.epoch, ...counts, problem },
        tasks,
        positions: last.positions,
        restored: {
          epoch: restoration.manifest.epoch,
          positions: restoration.manifest.positions,
          passedOver: restoration.passedOver,
        },
        pendingSends: outbox.pending(),
      };
    },
    async describe() {
      const gathered: TaskDescription[] = [];
      if (ended !== "ended") {
        const all = deferred<void>();
        descriptions = { tasks: gathered, missing: plan.workers, done: () => all.resolve() };
        threads.requestAll({ kind: "describe" });
        // A thread whose operator does not return does not answer.
        const cancel = clock.after(1000, () => all.resolve());
        await all.promise;
        cancel();
        descriptions = undefined;
      }
      return describeFlow(plan, gathered, threads, coordinator.pending());
    },
  };
}
