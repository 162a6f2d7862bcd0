/**
 * Runs a flow on a thread of its own (invariants in slot-protocol.ts). Of the control path only preparation runs
 * there, between slots; everything else happens here, in the thread of the caller.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { connectionForThread } from "../compiler/index.js";
import { NeuroranError, reviveError } from "../errors.js";
import { leaseProcessor } from "../system/index.js";
import { type Arena, arenaMemory } from "./arena.js";
import { type DataType, viewOf } from "./data-type.js";
import type { DataflowData } from "./dataflow.js";
import { type Deferred, deferred } from "./deferred.js";
import type { Configuration, FlowInstance } from "./flow-instance.js";
import type { KernelRecord } from "./kernel-store.js";
import type { Ports, TensorsOf } from "./port.js";
import type { TensorDescriptions, WorkerStart } from "./slot-protocol.js";
import { type Reply, type Request, sharedRing, word } from "./slot-protocol.js";
import { createSlotQueue } from "./slot-queue.js";
import type { Tensor, TensorDescription } from "./tensor.js";
import { summarizeTimings, type Timing } from "./timing.js";

/** What a module exports to be run by a slot executor: creates the instance, in the worker thread. */
export type FlowFactory = (context: {
  readonly arena: Arena;
  /** What was given to `startSlotExecutor`, copied. */
  readonly options: unknown;
}) => FlowInstance | Promise<FlowInstance>;

/** A prepared variant whose tensors lie in the memory that both threads see. */
export interface SharedVariant<I extends Ports = Ports, O extends Ports = Ports> {
  readonly key: string;
  /**
   * To be filled before a slot is submitted and left alone until it is done.
   * @throws NeuroranError VARIANT_RELEASED once another variant took the memory.
   */
  readonly inputs: TensorsOf<I>;
  /** To be read when a slot is done, before the variant's next is submitted. @throws as `inputs`. */
  readonly outputs: TensorsOf<O>;
  readonly released: boolean;
}

/** What an executor has done so far. */
export interface SlotStatistics {
  /** How long each function took, and the slot, named "slot"; in milliseconds. */
  readonly timings: Timing[];
  /** The kernels of the kept variants. */
  readonly kernels: readonly KernelRecord[];
  /** Slots done, those that failed among them. */
  readonly completed: number;
  readonly failed: number;
  /** Slots submitted and not done. */
  readonly pending: number;
  /** The processor that the thread is pinned to, which no other slot thread of the machine has. */
  readonly processor: number | undefined;
  /** Why the thread is not pinned. */
  readonly processorProblem: string | undefined;
}

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
   * @throws NeuroranError with the failure of this slot (SLOT_FAILED unless it has a code), after which the worker
   * goes on; VARIANT_RELEASED; SLOT_WORKER_ENDED when the thread died; EXECUTOR_CLOSED.
   */
  submit(variant: SharedVariant<I, O>): Promise<void>;
  statistics(): SlotStatistics;
  /** Finishes the submitted slots and ends the thread, by force after five seconds. Harmless when repeated. */
  close(): Promise<void>;
}

interface Entry {
  readonly number: number;
  readonly variant: SharedVariant;
  /** Makes the variant's tensors unreachable. */
  release(): void;
  lastUse: number;
  pending: number;
  /** Called when the last pending slot is done. */
  whenIdle: (() => void) | undefined;
}

const closingMilliseconds = 5000;

/**
 * Starts a worker thread that loads `module`, calls the function it exports under `factory`, and runs the flow
 * instance which that returns. `options` is handed to the factory as a copy. `arenaBytes` is all the memory that the
 * flow's tensors have. On Linux with koffi the thread is pinned to the highest processor that the process may use and no
 * other slot thread has, the lowest left out; `statistics()` says which, or why not. What else runs there, threads that
 * Node has made before among it, is not kept away: see `avoidProcessors`.
 *
 * ```ts
 * const executor = await startSlotExecutor<typeof uplink>({
 *   module: new URL("./uplink-instance.js", import.meta.url),
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
  readonly arenaBytes: number;
}): Promise<SlotExecutor<F["inputs"], F["outputs"]>> {
  type I = F["inputs"];
  type O = F["outputs"];
  const memory = arenaMemory(start.arenaBytes);
  const ring = sharedRing();
  const { words } = ring;
  const { port1: port, port2 } = new MessageChannel();
  const compiler = connectionForThread();
  const lease = leaseProcessor();
  const module = String(start.module);
  const workerStart: WorkerStart = {
    module,
    factory: start.factory,
    options: start.options,
    memory,
    ring: words.buffer,
    processor: lease.processor,
  };
  const abandon = (): void => {
    lease.release();
    port.close();
    compiler.port.close();
  };
  let worker: Worker;
  try {
    worker = new Worker(new URL("./slot-worker.js", import.meta.url), {
      workerData: { start: workerStart, port: port2, compiler },
      transferList: [port2, compiler.port],
    });
  } catch (cause) {
    abandon();
    const problem = `the slot worker of ${module} cannot be started: ${cause instanceof Error ? cause.message : cause}`;
    throw new NeuroranError("SLOT_WORKER_START", `${problem}; give it options that can be copied`, { cause });
  }

  const entries = new Map<string, Entry>();
  const preparing = new Map<number, Deferred<Extract<Reply, { kind: "prepared" }>>>();
  const failures = new Map<number, NeuroranError>();
  const started = deferred<Extract<Reply, { kind: "started" }>>();
  let kernels: readonly KernelRecord[] = [];
  let uses = 0;
  let numbers = 0;
  let closing: Promise<void> | undefined;
  let ended: NeuroranError | undefined;
  let lastPreparation: Promise<unknown> = Promise.resolve();

  const wakeWorker = (): void => {
    Atomics.add(words, word.signal, 1);
    Atomics.notify(words, word.signal);
  };
  const request = (message: Request): void => {
    port.postMessage(message);
    Atomics.add(words, word.requests, 1);
    wakeWorker();
  };
  /** Hears what has been posted, though the event loop may not have delivered it yet. */
  const hearAll = (): void => {
    for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port))
      hear(one.message);
  };
  const failureOf = (slot: number): NeuroranError => {
    hearAll();
    const failure = failures.get(slot);
    failures.delete(slot);
    return failure ?? new NeuroranError("SLOT_FAILED", `slot ${slot} failed for an unknown reason`);
  };
  const queue = createSlotQueue(ring, wakeWorker, failureOf);

  const hear = (message: Reply): void => {
    switch (message.kind) {
      case "started":
        started.resolve(message);
        break;
      case "start failed":
        started.reject(reviveError(message.error, "SLOT_WORKER_START"));
        break;
      case "prepared":
        kernels = message.kernels;
        preparing.get(message.variant)?.resolve(message);
        break;
      case "kernels":
        kernels = message.kernels;
        break;
      case "preparation failed":
        preparing.get(message.variant)?.reject(reviveError(message.error, "PREPARATION_FAILED"));
        break;
      case "slot failed":
        failures.set(message.slot, reviveError(message.error, "SLOT_FAILED"));
        break;
    }
  };
  port.on("message", hear);

  const end = (error: NeuroranError): void => {
    if (ended !== undefined) return;
    hearAll();
    ended = error;
    started.reject(error);
    for (const one of preparing.values()) one.reject(error);
    queue.end(error);
    port.close();
  };
  const exited = new Promise<void>((resolve) => {
    worker.on("error", (cause) => {
      const text = `the slot worker of ${module} died: ${cause instanceof Error ? cause.message : cause}`;
      end(new NeuroranError("SLOT_WORKER_ENDED", `${text}; start another executor`, { cause }));
    });
    worker.on("exit", (status) => {
      lease.release();
      if (closing !== undefined)
        end(new NeuroranError("EXECUTOR_CLOSED", `the slot executor of ${module} was closed`));
      const text = `the slot worker of ${module} ended with status ${status}`;
      end(new NeuroranError("SLOT_WORKER_ENDED", `${text}; start another executor`));
      resolve();
    });
  });

  const refuseWhenEnded = (): void => {
    if (ended !== undefined) throw ended;
    if (closing !== undefined)
      throw new NeuroranError("EXECUTOR_CLOSED", `the slot executor of ${module} is closing`);
  };

  const { functions, counts, durations, maximumVariants, pinned } = await started.promise.catch(
    async (error: unknown) => {
      // What it had, its processor among it, is free when the error is told.
      await exited;
      throw error;
    },
  );
  if (!pinned) lease.release();
  const processor = pinned ? lease.processor : undefined;
  const processorProblem = pinned ? undefined : (lease.problem ?? "the system refuses to pin the thread");
  const timings = { counts: withView(memory, counts), durations: withView(memory, durations) };

  const prepare = async (configuration: Configuration): Promise<SharedVariant<I, O>> => {
    refuseWhenEnded();
    const known = entries.get(configuration.key);
    if (known !== undefined) {
      known.lastUse = ++uses;
      return known.variant as SharedVariant<I, O>;
    }
    if (entries.size >= maximumVariants) {
      const oldest = [...entries.values()].reduce((one, other) =>
        other.lastUse < one.lastUse ? other : one,
      );
      oldest.release();
      entries.delete(oldest.variant.key);
      if (oldest.pending > 0) await new Promise<void>((resolve) => (oldest.whenIdle = resolve));
      refuseWhenEnded();
      request({ kind: "release", variant: oldest.number });
    }
    const variant = numbers++;
    const answer = deferred<Extract<Reply, { kind: "prepared" }>>();
    preparing.set(variant, answer);
    try {
      request({ kind: "prepare", variant, configuration });
      const { inputs, outputs } = await answer.promise;
      const tensors = { inputs: withViews(memory, inputs), outputs: withViews(memory, outputs) };
      const entry = createEntry(variant, configuration.key, tensors, ++uses);
      entries.set(configuration.key, entry);
      return entry.variant as SharedVariant<I, O>;
    } finally {
      preparing.delete(variant);
    }
  };

  const closeWorker = async (): Promise<void> => {
    const force = setTimeout(() => void worker.terminate(), closingMilliseconds);
    await lastPreparation;
    await queue.drained();
    if (ended === undefined) request({ kind: "close" });
    await exited;
    clearTimeout(force);
  };

  return {
    functions,
    prepare(configuration) {
      // One after the other, so that two preparations never release, or prepare, the same variant.
      const result = lastPreparation.then(() => prepare(configuration));
      lastPreparation = result.catch(() => undefined);
      return result;
    },
    async submit(variant) {
      refuseWhenEnded();
      const entry = entries.get(variant.key);
      if (entry?.variant !== variant) throw releasedError(variant.key);
      entry.lastUse = ++uses;
      entry.pending++;
      try {
        await queue.push(entry.number);
      } finally {
        if (--entry.pending === 0) entry.whenIdle?.();
      }
    },
    statistics() {
      const all = summarizeTimings(timings, [...functions, "slot"]);
      return { timings: all, kernels, ...queue.counts(), processor, processorProblem };
    },
    close() {
      closing ??= closeWorker();
      return closing;
    },
  };
}

function createEntry(
  number: number,
  key: string,
  tensors: { readonly inputs: Record<string, Tensor>; readonly outputs: Record<string, Tensor> },
  lastUse: number,
): Entry {
  let released = false;
  const unlessReleased = (which: "inputs" | "outputs"): Record<string, Tensor> => {
    if (released) throw releasedError(key);
    return tensors[which];
  };
  const variant: SharedVariant = {
    key,
    get inputs() {
      return unlessReleased("inputs");
    },
    get outputs() {
      return unlessReleased("outputs");
    },
    get released() {
      return released;
    },
  };
  const release = (): void => {
    released = true;
  };
  return { number, variant, release, lastUse, pending: 0, whenIdle: undefined };
}

function releasedError(key: string): NeuroranError {
  return new NeuroranError(
    "VARIANT_RELEASED",
    `variant ${key} was given back: prepare its configuration again`,
  );
}

function withView<D extends DataType>(
  memory: WebAssembly.Memory,
  description: TensorDescription<D>,
): Tensor<D> {
  const { dtype, offset, shape } = description;
  const elements = shape.reduce((product, size) => product * size, 1);
  return { ...description, view: viewOf(dtype, memory.buffer, offset, elements) };
}

function withViews(memory: WebAssembly.Memory, descriptions: TensorDescriptions): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(descriptions).map(([name, one]) => [name, withView(memory, one)]));
}
