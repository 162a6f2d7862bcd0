/**
 * A slot flow that runs: its executor, its source, its epochs.
 *
 * Invariants:
 * 1. What is not on the slot thread already is not put there: source, epochs and outputs have threads of their own, or this
 *    one.
 * 2. After a crash a flow that delivers exactly once goes on with the first slot that no epoch holds, on the state as of it.
 * 3. Slots run in ascending order, each at most once since the state that was restored.
 */
import { setTimeout } from "node:timers/promises";
import { type Clock, type Store, systemClock } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import type { Choices } from "../choice.js";
import { deferred } from "../deferred.js";
import { epochStore, flowKeys, type Manifest, openJson, sealJson } from "../flows/epoch-store.js";
import { checksums, type Guard } from "../flows/guard.js";
import type { Admit } from "../flows/outbox.js";
import type { FlowOutput, OutputLog } from "../flows/output-log.js";
import type { PassedOver } from "../flows/recovery.js";
import { admitSchemas, claimFlow } from "../flows/restoration.js";
import { monotonic_ms } from "../flows/worker-protocol.js";
import { codecOf } from "../schema/index.js";
import { type SharedVariant, startSlotExecutor } from "../slots/slot-executor.js";
import type { SlotStatistics } from "../slots/slot-statistics.js";
import type { Swap, SwapRequest } from "../slots/slot-swap.js";
import { type ArmBlocks, countArmBlocks } from "./arm-blocks.js";
import type { DoneSlot, SlotFlow } from "./declaration.js";
import { loadSlotFlow } from "./load-slot-flow.js";
import { createSlotEpochs, type SlotEpochs } from "./slot-epochs.js";
import { createSlotFeed, type ReadSlot, type SlotFeed } from "./slot-feed.js";
import { createSlotState, slotsName } from "./slot-state.js";

export interface SlotFlowOptions {
  /** The module that declares the flow: an address that `import` takes. */
  readonly module: URL | string;
  /** The name under which the module exports it. */
  readonly name: string;
  readonly store: Store;
  readonly clock?: Clock;
  /** Gives what guards the stored state of a flow, by its name; checksums alone unless given. A cipher is a guard. */
  readonly guardOf?: (flow: string) => Guard;
  /** Between the begins of two epochs; 100 unless given. Outputs wait for so long. */
  readonly epochInterval_ms?: number;
  /** After so long an epoch is given up; 10,000 unless given. */
  readonly epochTimeout_ms?: number;
  /** Messages of each output that are kept for those who subscribe later; 100,000 unless given. */
  readonly keptOutputs?: number;
  /** Takes over what slots send to stateful functions; it is kept until then. */
  readonly admit?: Admit;
}

/** What a slot flow has done since it was started. */
export interface SlotFlowStatistics {
  readonly epochs: ReturnType<SlotEpochs["statistics"]>["epochs"];
  /** The first slot that is not committed. */
  readonly position: number;
  readonly slots: {
    /** Run, those that failed there among them. */
    readonly done: number;
    /** Those that threw, or could not be prepared; why the latest of them did. */
    readonly failed: number;
    readonly problem: string | undefined;
    /** Never run, because they were late. */
    readonly dropped: number;
    /** Done later than when the next was due. */
    readonly late: number;
  };
  readonly restored: {
    readonly epoch: number;
    readonly position: number;
    readonly passedOver: readonly PassedOver[];
  };
  /** What was lost in the slots of two implementations that take turns; undefined where the flow does not say what is. */
  readonly blocks: ArmBlocks | undefined;
  /** Sends to stateful functions that they have not taken over yet. */
  readonly pendingSends: number;
  readonly executor: SlotStatistics;
}

/** A swap of a slot flow; its slots are numbered as those of the source. */
export interface SlotFlowSwap extends Swap {
  /** Slots that failed or were dropped from the request until now. */
  lost(): number;
}

export interface RunningSlotFlow {
  readonly flow: SlotFlow;
  /** Resolves when the source has ended and all is committed, or the flow was stopped; rejects when it failed. */
  readonly finished: Promise<void>;
  /** An output by name. @throws InputError for an unknown one. */
  output(name: string): FlowOutput;
  /** Resolves when all slots done so far are committed. @throws NeuroranError EPOCH_FAILED, or why the flow failed. */
  commit(): Promise<void>;
  /** Ends when all slots done so far are committed. Harmless when repeated. */
  stop(): Promise<void>;
  /** Ends at once, as a crash does. */
  abandon(): Promise<void>;
  /**
   * As `SlotExecutor.swap`; implementations that stay are chosen again when the flow is started anew. Of two that take turns
   * neither is: then the flow comes back with what was chosen before them.
   */
  swap(request: SwapRequest): Promise<SlotFlowSwap>;
  /**
   * Goes on by the flow that another version of the module declares, between two slots, with the state it has.
   * @throws what `swap` throws; InputError where its outputs are not those of this one. Then nothing has changed.
   */
  redeploy(module: URL | string, name: string, fallback?: SwapRequest["fallback"]): Promise<SlotFlowSwap>;
  statistics(): SlotFlowStatistics;
}

/** Outputs that wait for an epoch; slots rest while there are more. */
const mostHeld_bytes = 64 << 20;
const remembered = 4096;
const retryDelay_ms = 100;

/**
 * Starts a slot flow where it was left, or from the beginning.
 * @throws what `loadSlotFlow`, `claimFlow` and `startSlotExecutor` throw; NeuroranError STATE_LAYOUT where another version wrote the
 * state otherwise.
 */
export async function startSlotFlow(options: SlotFlowOptions): Promise<RunningSlotFlow> {
  const { store, clock = systemClock, guardOf = () => checksums } = options;
  let program: SlotProgram = { module: String(options.module), name: options.name };
  let flow = await loadSlotFlow(program.module, program.name);
  const { name, delivery } = flow;
  const guard = guardOf(name);
  const keys = flowKeys(name);
  const epochs = epochStore(store, name, guard);
  const graph = { sources: new Map(), nodes: new Map(), feedback: new Map() };
  const { writes, outputLayouts } = admitSchemas(store, { name, graph, outputs: flow.outputs });
  const claim = await claimFlow(store, keys, epochs, flow, writes);
  const state = createSlotState(epochs, keys, claim.chain);
  const chosenKey = `${keys.prefix}implementations`;
  const chosen = store.get(chosenKey);
  let implementations: Choices = chosen === undefined ? {} : openJson<Choices>(guard, chosenKey, chosen);
  const executor = await startSlotExecutor({
    realTime: flow.slotDuration_ms !== undefined,
    ...flow.instance,
    implementations,
    store: state.rows,
  });
  const layoutsKey = `${keys.prefix}layouts`;
  const keepLayouts = (): Promise<void> => store.commit([sealJson(guard, layoutsKey, executor.layouts())]);
  try {
    const written = claim.manifest.epoch === 0 ? undefined : store.get(layoutsKey);
    if (written !== undefined) checkLayouts(name, openJson(guard, layoutsKey, written), executor.layouts());
    executor.restore(state.tensors);
    await keepLayouts();
  } catch (error) {
    await executor.close();
    throw error;
  }

  const finished = deferred<void>();
  finished.promise.catch(() => undefined);
  const counts = { failed: 0, dropped: 0, late: 0 };
  let problem: string | undefined;
  const blocks = countArmBlocks();
  const first = firstSlot(claim.manifest, flow, clock);
  counts.dropped += first - (claim.manifest.positions[slotsName]?.[0] ?? 0);
  let next = first;
  /** Slots given to the executor, and the numbers of the latest. */
  let submitted = 0;
  const numbers = new Float64Array(remembered);
  let ending: "running" | "stopping" | "ended" = "running";
  let wakeUp = (): void => {};
  /** When slot 0 would have been due, by `monotonic_ms`. */
  let origin_ms: number | undefined;
  let feed: SlotFeed = createSlotFeed(program);
  const slotEpochs = createSlotEpochs({
    flow,
    store,
    clock,
    guard,
    admit: options.admit,
    epochInterval_ms: options.epochInterval_ms ?? 100,
    epochTimeout_ms: options.epochTimeout_ms ?? 10_000,
    keptOutputs: options.keptOutputs ?? 100_000,
    keys,
    epochs,
    claim,
    state,
    outputLayouts,
    checkpoint: () => executor.checkpoint(),
    fail: (error) => void end(error),
    complete: () => void end(undefined),
  });

  const end = async (error: NeuroranError | undefined): Promise<void> => {
    if (ending === "ended") return;
    const stopped = ending === "stopping";
    ending = "ended";
    wakeUp();
    // Whoever takes its last sends over may do so later: until the flow is stopped they are handed over again.
    slotEpochs.close(error, error !== undefined || stopped);
    await Promise.all([feed.close(), executor.close()]);
    if (error === undefined) finished.resolve();
    else finished.reject(error);
  };

  /** Waits until a slot is due; false where it is too late for it. */
  const due = async (slot: ReadSlot): Promise<boolean> => {
    const { slotDuration_ms, lateAfter_ms, source } = flow;
    if (slotDuration_ms === undefined) return true;
    if (source.kind === "live")
      return delivery !== "real-time" || monotonic_ms() < slot.came_ms + lateAfter_ms;
    origin_ms ??= monotonic_ms() - next * slotDuration_ms;
    const due_ms = origin_ms + next * slotDuration_ms;
    const wait_ms = due_ms - monotonic_ms();
    if (wait_ms > 1) {
      const woken = new AbortController();
      wakeUp = () => woken.abort();
      await setTimeout(wait_ms, undefined, { signal: woken.signal }).catch(() => undefined);
    }
    return delivery !== "real-time" || monotonic_ms() < due_ms + lateAfter_ms;
  };

  /** The next slot; where that is late, the one that is due next, so that there is time to read it. */
  const upcoming = (): number => {
    const { slotDuration_ms, lateAfter_ms, source } = flow;
    if (delivery !== "real-time" || slotDuration_ms === undefined || source.kind === "live") return next;
    if (origin_ms === undefined) return next;
    const elapsed_ms = monotonic_ms() - origin_ms;
    const late = elapsed_ms > next * slotDuration_ms + lateAfter_ms;
    return late ? Math.ceil(elapsed_ms / slotDuration_ms) : next;
  };

  /** What a slot needs before it is due. */
  const ready = async ({ configuration, inputs, keys: touched }: ReadSlot): Promise<SharedVariant> => {
    if (touched !== undefined) await resident(touched);
    const variant = await executor.prepare(configuration);
    for (const [port, view] of Object.entries(inputs)) {
      const tensor = variant.inputs[port];
      if (tensor?.view.length !== view.length) {
        const remedy =
          tensor === undefined ? "there is no such input" : `give ${tensor.view.length} elements`;
        throw new InputError(`inputs.${port}`, `${view.length} elements`, remedy);
      }
      tensor.view.set(view);
    }
    return variant;
  };

  const submit = async ({ keys: touched, about }: ReadSlot, variant: SharedVariant): Promise<void> => {
    slotEpochs.busy();
    numbers[submitted++ % remembered] = next;
    const running = flow;
    try {
      await executor.submit(variant, touched);
    } catch (error) {
      passOver(error);
      return;
    }
    const { slotDuration_ms } = running;
    if (slotDuration_ms !== undefined && origin_ms !== undefined) {
      if (monotonic_ms() > origin_ms + (next + 1) * slotDuration_ms) counts.late++;
    }
    const done: DoneSlot = { number: next, about, outputs: variant.outputs };
    if (running.lost !== undefined) blocks.count(executor.latestArm(), running.lost(done));
    for (const [output, { of }] of Object.entries(running.outputs)) {
      const message = of(done);
      if (message !== undefined) slotEpochs.gave(output, message);
    }
    slotEpochs.sent(next, running.sends(done));
  };

  /** Has rows for a slot; where all hold what is stored nowhere, an epoch stores it. */
  const resident = async (touched: NonNullable<ReadSlot["keys"]>): Promise<void> => {
    try {
      await executor.load(touched);
    } catch (error) {
      if ((error as NeuroranError).code !== "KEYED_STATE_FULL") throw error;
      await committed();
      await executor.load(touched);
    }
  };

  /** Waits until all slots done so far are committed, however often that fails. */
  const committed = async (): Promise<void> => {
    for (;;) {
      try {
        await slotEpochs.commit();
        return;
      } catch (error) {
        if ((error as NeuroranError).code !== "EPOCH_FAILED" || ending !== "running") throw error;
        await setTimeout(retryDelay_ms);
      }
    }
  };

  /** Passes over a slot that cannot be run, for which the flow must not end. */
  const passOver = (error: unknown): void => {
    if (lastsNot(error)) throw error;
    counts.failed++;
    problem = `slot ${next}: ${error instanceof Error ? error.message : error}`;
  };

  const run = async (): Promise<void> => {
    slotEpochs.between(next, false);
    while (ending === "running") {
      const now = upcoming();
      counts.dropped += now - next;
      next = now;
      const read = feed;
      let slot: ReadSlot | undefined;
      try {
        slot = await read.take(next);
      } catch (error) {
        if (ending === "running" && read === feed) throw error;
      }
      if (ending !== "running") break;
      // Another version's source goes on where this one was.
      if (read !== feed) continue;
      if (slot === undefined) {
        slotEpochs.between(next, true);
        return;
      }
      const variant = await ready(slot).catch(passOver);
      if (variant !== undefined) {
        const inTime = await due(slot);
        if (ending !== "running") break;
        if (inTime) await submit(slot, variant);
        else counts.dropped++;
      }
      next++;
      slotEpochs.between(next, false);
      if (slotEpochs.held() > mostHeld_bytes) await committed();
    }
  };
  const running = run().catch((error: unknown) => {
    if (ending !== "ended") void end(error instanceof NeuroranError ? error : failed(name, error));
  });

  const numberOf = (slot: number): number => {
    // Executors count modulo 2^32.
    const before = (submitted - slot) | 0;
    if (before <= 0) return next;
    return before > remembered ? Number.NaN : numbers[(submitted - before) % remembered];
  };

  const swap = async (request: SwapRequest, onSlots: (kept: boolean) => void): Promise<SlotFlowSwap> => {
    const before = counts.failed + counts.dropped;
    const swapped = await executor.swap(request);
    const lost = (): number => counts.failed + counts.dropped - before;
    onSlots(true);
    const outcome = swapped.outcome.then(async (ended) => {
      if (!ended.kept) {
        onSlots(false);
        return { ...ended, slot: numberOf(ended.slot) };
      }
      if (request.implementations !== undefined) {
        const lasting = Object.entries(request.implementations).filter(([, one]) => typeof one === "string");
        implementations = { ...implementations, ...Object.fromEntries(lasting) };
        await store.commit([sealJson(guard, chosenKey, implementations)]);
      }
      return ended;
    });
    outcome.catch(() => undefined);
    return { slot: numberOf(swapped.slot), prepare_ms: swapped.prepare_ms, outcome, lost };
  };

  const checkedOutput = (output: string): OutputLog => {
    if (Object.hasOwn(slotEpochs.outputs, output)) return slotEpochs.outputs[output];
    const known = Object.keys(slotEpochs.outputs).join(", ");
    throw new InputError("output", output, `flow ${name} has the outputs: ${known}`);
  };

  return {
    get flow() {
      return flow;
    },
    finished: finished.promise,
    output: checkedOutput,
    commit: () => (ending === "ended" ? finished.promise : slotEpochs.commit()),
    async stop() {
      if (ending === "running") {
        ending = "stopping";
        wakeUp();
        await feed.close();
        await running;
        if ((ending as string) === "stopping") {
          const failure = await slotEpochs.commit().catch((error: NeuroranError) => error);
          await end(failure ?? undefined);
        }
      }
      await finished.promise;
      slotEpochs.close(undefined, true);
    },
    async abandon() {
      const error = new NeuroranError("FLOW_ABANDONED", `flow ${name} was abandoned`);
      await end(error);
      slotEpochs.close(error, true);
    },
    swap: (request) => swap(request, () => undefined),
    async redeploy(module, exported, fallback) {
      const [formerFlow, formerProgram] = [flow, program];
      const later = await loadSlotFlow(String(module), exported);
      checkOutputs(flow, later);
      const take = (one: SlotFlow, from: SlotProgram): void => {
        flow = one;
        program = from;
        void feed.close();
        feed = createSlotFeed(program);
      };
      const { module: instanceModule, factory, options: given } = later.instance;
      const request: SwapRequest = {
        module: instanceModule,
        factory,
        options: given,
        ...(fallback && { fallback }),
      };
      return await swap(request, (kept) => {
        // An executor that is closed gives its slots back.
        if (ending !== "running") return;
        if (kept) take(later, { module: String(module), name: exported });
        else take(formerFlow, formerProgram);
        // The store may be full: then the next start refuses what it may not read.
        keepLayouts().catch(() => undefined);
      });
    },
    statistics: () => {
      const executed = executor.statistics();
      return {
        ...slotEpochs.statistics(),
        slots: { done: executed.completed, ...counts, problem },
        blocks: flow.lost === undefined ? undefined : blocks.counts(),
        restored: {
          epoch: claim.manifest.epoch,
          position: claim.manifest.positions[slotsName]?.[0] ?? 0,
          passedOver: claim.passedOver,
        },
        executor: executed,
      };
    },
  };
}

interface SlotProgram {
  readonly module: string;
  readonly name: string;
}

/** The first slot that a flow runs that goes on from an epoch. In real time, slots went by meanwhile. */
function firstSlot({ positions }: Manifest, flow: SlotFlow, clock: Clock): number {
  const position = positions[slotsName]?.[0] ?? 0;
  const committed_ms = positions.clock?.[0];
  const { slotDuration_ms, delivery, source } = flow;
  if (delivery !== "real-time" || source.kind === "live") return position;
  if (committed_ms === undefined || slotDuration_ms === undefined) return position;
  // A clock that was set back must not have slots repeated.
  return position + Math.max(0, Math.ceil((clock.now() - committed_ms) / slotDuration_ms));
}

/** Whether nothing runs slots any more. */
function lastsNot(error: unknown): boolean {
  const code = (error as NeuroranError).code;
  return code === "SLOT_WORKER_ENDED" || code === "EXECUTOR_CLOSED" || code === "VARIANT_RELEASED";
}

function failed(flow: string, cause: unknown): NeuroranError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new NeuroranError("SLOT_FLOW_FAILED", `flow ${flow} failed: ${problem}`, { cause });
}

/** Refuses state that another version wrote otherwise: it migrates while slots go on, not in the store. */
function checkLayouts(
  flow: string,
  written: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): void {
  for (const [name, layout] of Object.entries(written)) {
    if (now[name] === undefined || now[name] === layout) continue;
    const remedy = "start the version that wrote it, then deploy this one";
    throw new NeuroranError(
      "STATE_LAYOUT",
      `state ${name} of flow ${flow} was written as ${layout}, and is ${now[name]} now: ${remedy}`,
    );
  }
}

/** Refuses another version of a flow whose outputs those who subscribed could not read. */
function checkOutputs(before: SlotFlow, now: SlotFlow): void {
  const text = ({ name, delivery, outputs }: SlotFlow): string =>
    JSON.stringify([
      name,
      delivery,
      Object.entries(outputs).map(([output, { message }]) => [output, codecOf(message).layout]),
    ]);
  if (text(before) !== text(now)) {
    throw new InputError(
      `slot flow ${now.name}`,
      "other outputs or delivery",
      "deploy it under another name",
    );
  }
}
