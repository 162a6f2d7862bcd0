/**
 * Runs a flow on a thread of its own (invariants in slot-protocol.ts). Of the control path only preparation runs
 * there, between slots; everything else happens here, in the thread of the caller.
 */
import { NeuroranError, reviveError } from "../../errors.js";
import { avoidProcessors, leaseProcessor, runOn, threadProcessors } from "../../system/index.js";
import { type Arena, createArena } from "../arena.js";
import type { LatestArm } from "../canary.js";
import type { Choices } from "../choice.js";
import type { DataflowData } from "../dataflow.js";
import type { Configuration, FlowInstance } from "../flow-instance.js";
import type { Ports } from "../port.js";
import { describeTensors, type Tensor } from "../tensor.js";
import { allocateInputs, checkSizes } from "../variant.js";
import { releaseClaims } from "./row-copies.js";
import { countsOf, createServing, latestArmOf, type Serving } from "./serving.js";
import {
  type Checkpoint,
  type CheckpointPart,
  createSlotCheckpoints,
  type SlotCheckpoints,
} from "./slot-checkpoint.js";
import { createSlotKeys, type KeyedStateStore, type KeysOfSlot } from "./slot-keys.js";
import { createSlotMemory } from "./slot-memory.js";
import { type KeptTensor, sharedRing, type VariantRequest } from "./slot-protocol.js";
import { createSlotQueue } from "./slot-queue.js";
import type { SlotStatistics } from "./slot-statistics.js";
import { createSlotSwap, type Swap, type SwapRecord, type SwapRequest } from "./slot-swap.js";
import { type Notice, type SlotThread, startSlotThread } from "./slot-thread.js";
import { createEntry, releasedError, type SharedVariant, type VariantEntry } from "./slot-variant.js";
import { otherThread, ownerOf, type ThreadIndex, wake } from "./swap.js";

/** What a module exports to be run by a slot executor: creates the instance, in the worker thread. */
export type FlowFactory = (context: {
  readonly arena: Arena;
  /** What was given to `startSlotExecutor`, or to a swap, copied. */
  readonly options: unknown;
  /** What swaps have chosen: to be handed to `createFlowInstance`, over what the factory chooses itself. */
  readonly implementations: Choices;
}) => FlowInstance | Promise<FlowInstance>;

/** A flow that runs on a worker thread. */
export interface SlotExecutor<I extends Ports = Ports, O extends Ports = Ports> {
  /** Paths of the functions in the order in which they run. */
  readonly functions: readonly string[];
  /**
   * The variant for a configuration, prepared between two slots unless one with its key is kept. When too many are
   * kept, the one that was submitted least recently goes once its slots are done.
   * @throws InputError for a wrong size or parameter; NeuroranError PREPARATION_FAILED with the cause, or the code
   * of the failure.
   */
  prepare(configuration: Configuration): Promise<SharedVariant<I, O>>;
  /**
   * Hands a slot to the worker; resolves when it is done. Slots are done in the order of the calls. What does not fit
   * into the ring of 256 slots waits here: whoever must not fall behind looks at `statistics().pending`, or awaits.
   * @param keys of keyed state that the slot touches. Without a store, one that has no row gets a new one.
   * @throws NeuroranError with the failure of this slot (SLOT_FAILED unless it has a code), after which the worker
   * goes on; VARIANT_RELEASED; KEY_NOT_RESIDENT; KEYED_STATE_FULL; SLOT_WORKER_ENDED when the thread died; EXECUTOR_CLOSED.
   */
  submit(variant: SharedVariant<I, O>, keys?: KeysOfSlot): Promise<void>;
  /**
   * Has keyed state where slots can touch it: reads it from the store into rows, of which those that were not used for the
   * longest time go. @throws NeuroranError KEYED_STATE_FULL, or what the store throws.
   */
  load(keys: KeysOfSlot): Promise<void>;
  /**
   * Exchanges implementations, or the flow's module, between two slots: state goes on, and no slot is lost or run twice. A
   * second thread prepares and rehearses everything beforehand while slots go on; this resolves when the slots are its. If a
   * slot throws there, or is late too often, slots return to what ran them before, which runs the failed slot again on the
   * state as of before it; `outcome` says so.
   * @throws NeuroranError SWAP_UNDERWAY; STATE_LAYOUT, FLOW_PORTS or what the new implementation throws while it is prepared,
   * and then nothing has changed.
   */
  swap(request: SwapRequest): Promise<Swap>;
  /**
   * The state as of all slots submitted so far, without a slot waiting for it: between two slots only what is not keyed is
   * copied, rows of keyed state in the background. One at a time.
   * @throws NeuroranError CHECKPOINT_UNDERWAY, CHECKPOINT_FAILED, or why the executor ended.
   */
  checkpoint(): Promise<Checkpoint>;
  /**
   * Makes state what the parts of checkpoints say, of the same flow. Those of one state replace what it held; a later part
   * of a row an earlier one. Rows that are restored are clean.
   * @throws NeuroranError SLOTS_UNDERWAY, CHECKPOINT_UNDERWAY, KEYED_STATE_FULL; InputError for what is no part of this flow.
   */
  restore(parts: readonly CheckpointPart[]): void;
  /** How state is laid out, by its name: type, shape (of a row, where a key chooses it) and version. */
  layouts(): Readonly<Record<string, string>>;
  statistics(): SlotStatistics;
  /** Who of the first two implementations that take turns had the latest slot; undefined where there are none. */
  latestArm(): LatestArm | undefined;
  /** Finishes the submitted slots and ends the thread, by force after five seconds. Harmless when repeated. */
  close(): Promise<void>;
}

const closingMilliseconds = 5000;

/**
 * Starts a worker thread that loads `module`, calls the function it exports under `factory`, and runs the flow
 * instance which that returns. `options` is handed to the factory as a copy. `arenaBytes` is the memory that the
 * flow's state has; its variants have as much, and so have those of a swap, which take none until there is one. On Linux with koffi the thread is pinned to the highest processor that the process may use and no
 * other slot thread has, the lowest left out; `statistics()` says which, or why not. What else runs there, threads that
 * Node has made before among it, is not kept away: see `avoidProcessors`.
 *
 * ```ts
 * const executor = await startSlotExecutor<typeof uplink>({
 *   module: new URL("../uplink-instance.js", import.meta.url),
 *   factory: "createUplink",
 *   arenaBytes: 256 * 2 ** 20,
 * });
 * const variant = await executor.prepare({ key: "51 PRB", dimensions: { antenna: 2, sample: 11520 } });
 * variant.inputs.samples.view.set(samples);
 * await executor.submit(variant);
 * ```
 *
 * @throws NeuroranError SLOT_WORKER_START, or what the factory throws.
 */
export async function startSlotExecutor<F extends DataflowData>(start: {
  readonly module: URL | string;
  readonly factory: string;
  readonly options?: unknown;
  /** Implementations by function or node, over what the factory chooses itself. */
  readonly implementations?: Choices;
  readonly arenaBytes: number;
  /**
   * Slots arrive by a clock: their thread goes before all threads of ordinary priority, where the system lets it. Not for slots
   * that follow each other without a pause.
   */
  readonly realTime?: boolean;
  /** Where keyed state comes from that has no row. Without one, what loses its row is gone. */
  readonly store?: KeyedStateStore;
}): Promise<SlotExecutor<F["inputs"], F["outputs"]>> {
  type I = F["inputs"];
  type O = F["outputs"];
  const { realTime = false } = start;
  const { memory, parts } = createSlotMemory(start.arenaBytes);
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const inputsArena = createArena({ memory, part: parts.inputs });
  const ring = sharedRing();
  const { words } = ring;
  const lease = leaseProcessor();
  const threads: (SlotThread | undefined)[] = [undefined, undefined];
  const serving: (Serving | undefined)[] = [undefined, undefined];
  let inForce: Program = {
    module: String(start.module),
    factory: start.factory,
    options: start.options,
    implementations: start.implementations ?? {},
  };

  const keys = createSlotKeys(memory, start.store);
  const entries = new Map<string, VariantEntry>();
  const failures = new Map<number, NeuroranError>();
  const places: (readonly KeptTensor[])[] = [[], []];
  let checkpoints: SlotCheckpoints | undefined;
  const records: Mutable<SwapRecord>[] = [];
  let flow: { readonly name: string; readonly inputs: Ports } | undefined;
  let uses = 0;
  let numbers = 0;
  let closing: Promise<void> | undefined;
  let ended: NeuroranError | undefined;
  let lastPreparation: Promise<unknown> = Promise.resolve();

  const failureOf = (slot: number): NeuroranError => {
    for (const thread of threads) thread?.hearAll();
    const failure = failures.get(slot);
    failures.delete(slot);
    return failure ?? new NeuroranError("SLOT_FAILED", `slot ${slot} failed for an unknown reason`);
  };
  const queue = createSlotQueue(ring, () => wake(words, ownerOf(words)), failureOf);

  const end = (error: NeuroranError): void => {
    ended ??=
      closing === undefined
        ? error
        : new NeuroranError("EXECUTOR_CLOSED", `the slot executor of ${inForce.module} was closed`);
    queue.end(ended);
    void checkpoints?.end(ended);
    for (const thread of threads) void thread?.close();
  };
  const swapping = createSlotSwap(ring, memory, threads, end);

  const hear = (index: ThreadIndex, notice: Notice): void => {
    if (notice.kind === "copy places") places[index] = notice.tensors;
    else if (notice.kind === "slot failed")
      failures.set(notice.slot, reviveError(notice.error, "SLOT_FAILED"));
    else if (notice.kind !== "kernels") swapping.hear(notice);
  };

  /** Leaves what the last slots gave to the thread that stays. */
  const gone = (index: ThreadIndex, error: NeuroranError): void => {
    const other = otherThread(index);
    for (const entry of entries.values()) {
      const [from, to] = [entry.outputs[index], entry.outputs[other]];
      if (entry.runner === index && from !== undefined && to !== undefined) {
        for (const name of Object.keys(to)) to[name].view.set(from[name].view);
        entry.runner = other;
      }
      if (to !== undefined) entry.outputs[index] = undefined;
    }
    threads[index] = undefined;
    if (checkpoints !== undefined && ownerOf(words) === index) releaseClaims(checkpoints.shared);
    swapping.gone(index, error);
    if (threads[other] === undefined) lease.release();
    else serving[index] = undefined;
  };

  /** Starts a thread and waits until it has its instance. */
  const launch = async (
    index: ThreadIndex,
    program: Program,
    rehearsal: readonly VariantRequest[] | undefined,
  ): Promise<SlotThread> => {
    // A thread begins where the one that starts it runs; what it loads must not hold slots up.
    const before = rehearsal !== undefined && lease.processor !== undefined ? threadProcessors() : undefined;
    if (before !== undefined) avoidProcessors([lease.processor!]);
    const thread = startSlotThread(
      {
        ...program,
        index,
        memory,
        part: parts.threads[index],
        lasting: { part: parts.lasting, taken, known: threads[otherThread(index)]?.latest.lasting ?? [] },
        ring: words.buffer,
        processor: lease.processor,
        realTime,
        rehearsal,
      },
      words,
      (notice) => hear(index, notice),
      (error) => gone(index, error),
    );
    if (before !== undefined) runOn(before);
    threads[index] = thread;
    try {
      const said = await thread.started;
      if (flow !== undefined) checkPorts(flow, said.flow);
      flow ??= said.flow;
      keys.describe(said.keyed);
      checkpoints ??= createSlotCheckpoints(
        memory,
        ring,
        said.keyed,
        keys,
        said.pinned ? lease.processor : undefined,
        (by) => places[by],
        queue.next,
        () => threads[ownerOf(words)]?.latest.lasting ?? [],
      );
      thread.request({ kind: "copies", shared: checkpoints.shared });
      serving[index] = createServing(said, memory);
      return thread;
    } catch (error) {
      // What it had, its processor among it, is free when the error is told.
      await thread.close();
      throw error;
    }
  };

  let pinned: boolean;
  let realTimeProblem: string | undefined;
  try {
    const thread = await launch(0, inForce, undefined);
    ({ pinned, realTimeProblem } = await thread.started);
  } catch (error) {
    lease.release();
    throw error;
  }
  if (!pinned) lease.release();
  const processor = pinned ? lease.processor : undefined;
  const processorProblem = pinned ? undefined : (lease.problem ?? "the system refuses to pin the thread");

  const refuseWhenEnded = (): void => {
    if (ended !== undefined) throw ended;
    if (closing !== undefined)
      throw new NeuroranError("EXECUTOR_CLOSED", `the slot executor of ${inForce.module} is closing`);
  };

  const requestOf = (
    { number, configuration, inputs }: VariantEntry,
    lasting = threads[ownerOf(words)],
  ): VariantRequest => ({
    variant: number,
    configuration,
    inputs: describeTensors(inputs),
    lasting: lasting?.latest.lasting ?? [],
  });

  /** Prepares a variant on a thread beside the one that serves, unless it has it. */
  const prepareBeside = async (index: ThreadIndex, entry: VariantEntry): Promise<void> => {
    const thread = threads[index];
    if (thread === undefined || serving[index] === undefined || entry.outputs[index] !== undefined) return;
    const outputs = await thread.prepare(requestOf(entry));
    if (threads[index] === thread) entry.outputs[index] = outputs;
  };

  const drop = (entry: VariantEntry): void => {
    for (const thread of threads) thread?.request({ kind: "release", variant: entry.number });
    entry.region.release();
  };

  const prepare = async (configuration: Configuration): Promise<SharedVariant<I, O>> => {
    refuseWhenEnded();
    const known = entries.get(configuration.key);
    if (known !== undefined) {
      known.lastUse = ++uses;
      return known.variant as SharedVariant<I, O>;
    }
    const maximum = Math.min(...serving.map((one) => one?.maximumVariants ?? Number.POSITIVE_INFINITY));
    if (entries.size >= maximum) {
      const oldest = [...entries.values()].reduce((one, other) =>
        other.lastUse < one.lastUse ? other : one,
      );
      oldest.released = true;
      entries.delete(oldest.configuration.key);
      if (oldest.pending > 0) await new Promise<void>((resolve) => (oldest.whenIdle = resolve));
      refuseWhenEnded();
      drop(oldest);
    }
    const region = inputsArena.region(`inputs of ${configuration.key}`);
    try {
      const { name, inputs: ports } = flow!;
      const inputs = allocateInputs(ports, name, checkSizes(configuration.dimensions), region);
      const entry = createEntry(numbers++, configuration, region, inputs as Record<string, Tensor>, ++uses);
      const index = ownerOf(words);
      const thread = threads[index];
      if (thread === undefined) throw ended;
      entry.runner = index;
      entry.outputs[index] = await thread.prepare(requestOf(entry, threads[otherThread(index)]));
      entries.set(configuration.key, entry);
      checkpoints?.restoreLate();
      // A failure shows where the other thread gets the slots.
      entry.beside = prepareBeside(otherThread(index), entry).catch(() => undefined);
      return entry.variant as SharedVariant<I, O>;
    } catch (error) {
      region.release();
      throw error;
    }
  };

  const swap = async (request: SwapRequest): Promise<Swap> => {
    refuseWhenEnded();
    const { deadline_ms = Number.POSITIVE_INFINITY, misses = 3, slots = 1000 } = request.fallback ?? {};
    const begin = performance.now();
    const former = inForce;
    const program: Program = {
      module: String(request.module ?? former.module),
      factory: request.factory ?? former.factory,
      options: request.options ?? former.options,
      implementations: { ...former.implementations, ...request.implementations },
    };
    let prepare_ms = 0;
    const { slot, outcome } = await swapping.swap({ deadline_ms, misses, slots }, async (index) => {
      const rehearsal = [...entries.values()].map((entry) => requestOf(entry));
      serving[index] = undefined;
      const thread = await launch(index, program, rehearsal);
      const lacking = (): VariantEntry | undefined =>
        [...entries.values()].find((entry) => entry.outputs[index] === undefined);
      for (let entry = lacking(); entry !== undefined; entry = lacking()) await prepareBeside(index, entry);
      prepare_ms = performance.now() - begin;
      return thread;
    });
    const { implementations, module } = program;
    const record: Mutable<SwapRecord> = { implementations, module, slot, prepare_ms, outcome: undefined };
    records.push(record);
    inForce = program;
    void outcome.then((known) => {
      record.outcome = known;
      if (!known.kept) inForce = former;
    });
    return { slot, prepare_ms, outcome };
  };

  const closeThreads = async (): Promise<void> => {
    const force = setTimeout(() => {
      for (const thread of threads) thread?.terminate();
    }, closingMilliseconds);
    await lastPreparation;
    await queue.drained();
    await Promise.all(threads.map((thread) => thread?.close()));
    await checkpoints?.end(new NeuroranError("EXECUTOR_CLOSED", "the slot executor was closed"));
    clearTimeout(force);
  };

  return {
    get functions() {
      return serving[ownerOf(words)]!.functions;
    },
    prepare(configuration) {
      // One after the other, so that two preparations never release, or prepare, the same variant.
      const result = lastPreparation.then(() => prepare(configuration));
      lastPreparation = result.catch(() => undefined);
      return result;
    },
    async submit(variant, touched) {
      refuseWhenEnded();
      const entry = entries.get(variant.key);
      if (entry?.variant !== variant) throw releasedError(variant.key);
      entry.lastUse = ++uses;
      const rows = keys.hold(touched);
      entry.pending++;
      try {
        const runner = await queue.push(entry.number, rows);
        // It has run there, so the answer is on its way.
        if (entry.outputs[runner] === undefined) await entry.beside;
        entry.runner = runner;
      } finally {
        keys.giveBack(rows);
        if (--entry.pending === 0) entry.whenIdle?.();
      }
    },
    load: keys.load,
    swap,
    async checkpoint() {
      refuseWhenEnded();
      return await checkpoints!.take();
    },
    restore(parts) {
      refuseWhenEnded();
      if (queue.counts().pending > 0)
        throw new NeuroranError("SLOTS_UNDERWAY", "slots are underway: restore state when they are done");
      checkpoints!.restore(parts);
    },
    layouts() {
      const keyed = new Set(keys.kinds.flatMap(({ states }) => states.map(({ name }) => name)));
      const found: Record<string, string> = {};
      for (const { name, dtype, shape, version } of threads[ownerOf(words)]?.latest.lasting ?? []) {
        const sizes = keyed.has(name) ? shape.slice(1) : shape;
        if (version !== undefined) found[name] = `${dtype}[${sizes.join(", ")}] version ${version}`;
      }
      return found;
    },
    statistics() {
      const index = ownerOf(words);
      return {
        ...countsOf(serving[index]!),
        kernels: threads[index]?.latest.kernels ?? [],
        ...queue.counts(),
        swapping: swapping.state.phase,
        swaps: records.map((one) => ({ ...one })),
        processor,
        processorProblem,
        realTimeProblem,
      };
    },
    latestArm: () => latestArmOf(serving[ownerOf(words)]!),
    close() {
      closing ??= closeThreads();
      return closing;
    },
  };
}

/** What a thread is told to run. */
interface Program {
  readonly module: string;
  readonly factory: string;
  readonly options: unknown;
  readonly implementations: Choices;
}

type Mutable<T> = { -readonly [N in keyof T]: T[N] };

/** Refuses another version of a flow that cannot read what slots are submitted with. */
function checkPorts(before: { readonly name: string; readonly inputs: Ports }, now: typeof before): void {
  if (JSON.stringify(before.inputs) === JSON.stringify(now.inputs)) return;
  const remedy = "deploy a flow whose inputs differ beside this one";
  throw new NeuroranError("FLOW_PORTS", `${now.name} does not have the inputs of ${before.name}: ${remedy}`);
}

export type { SharedVariant } from "./slot-variant.js";
