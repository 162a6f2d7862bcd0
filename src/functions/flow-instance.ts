/**
 * A flow that runs in the calling thread.
 *
 * Invariants:
 * 1. Variants share state and feedback tensors; everything else a variant has goes when the variant goes.
 * 2. A preparation that fails leaves the instance as it was, but for a variant that had to make room for it.
 */
import type { Target } from "../compiler/index.js";
import { InputError } from "../errors.js";
import { openClock } from "../system/index.js";
import type { Arena, Region } from "./arena.js";
import { attemptCountsShape } from "./attempt.js";
import { type CanaryNode, canaryCountsShape } from "./canary.js";
import type { Alternatives, Choices } from "./choice.js";
import type { Dataflow } from "./dataflow.js";
import { checkNames } from "./flow-names.js";
import { createKernelStore, type KernelRecord } from "./kernel-store.js";
import { checkRowKey, createRowChoice, type KeyedRows } from "./keyed-rows.js";
import {
  type AttemptedNode,
  type ChosenImplementation,
  type CompletePlan,
  type PlannedFeedback,
  planFlow,
} from "./plan.js";
import type { Ports, TensorsOf } from "./port.js";
import type { SlotDeadline } from "./slot-deadline.js";
import { slotProcedure } from "./slot-procedure.js";
import type { Tensor } from "./tensor.js";
import { allocateTimings, summarizeTimings, type Timing } from "./timing.js";
import { allocateInputs, checkSizes, type Preparation, preparePlan } from "./variant.js";

/** What one variant is prepared for. */
export interface Configuration {
  /** Equal keys mean equal configurations: a key that is known gives its variant without another look. */
  readonly key: string;
  /** Sizes by the dimension names of the flow. */
  readonly dimensions: Readonly<Record<string, number>>;
  /** Parameter values by node path or function name; of both, the path's win. */
  readonly parameters?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A flow prepared for one configuration. */
export interface Variant<I extends Ports = Ports, O extends Ports = Ports> {
  readonly key: string;
  /** To be filled before a slot. */
  readonly inputs: TensorsOf<I>;
  /** To be read after a slot; the next slot overwrites them. */
  readonly outputs: TensorsOf<O>;
  /** True once its memory was given back. */
  readonly released: boolean;
  /**
   * Runs one slot: all functions in order, then hands the feedback edges over. When a function throws, the functions
   * behind it do not run and the feedback edges keep what they held.
   * @throws NeuroranError VARIANT_RELEASED, or what a function throws.
   */
  process(): void;
}

/** A flow with its implementations, state and prepared variants. */
export interface FlowInstance<I extends Ports = Ports, O extends Ports = Ports> {
  readonly flow: Dataflow<I, O>;
  /** Paths of the functions in the order in which they run. */
  readonly functions: readonly string[];
  /** What every node is done by, at all levels. */
  readonly implementations: readonly ChosenImplementation[];
  /** What each function can be done by, by its name; those of flows that were not chosen among them. */
  readonly alternatives: Readonly<Record<string, Alternatives>>;
  /** State tensors by node path and state name. */
  readonly state: Readonly<Record<string, Readonly<Record<string, Tensor>>>>;
  /** What of the state is keyed. */
  readonly keyed: readonly KeyedRows[];
  /** Have to be run, before the first slot, where a former version of state goes on: empty otherwise. */
  readonly migrations: readonly (() => void)[];
  /** The variants kept at most. */
  readonly maximumVariants: number;
  /** Where durations are recorded: a row for each function, then one for the slot. */
  readonly timingTensors: { readonly counts: Tensor<"float64">; readonly durations: Tensor<"float64"> };
  /** Nodes that are done by attempts, by the row of their counts. */
  readonly attempts: readonly AttemptedNode[];
  /** Where attempts are counted (`readAttemptCounts`), and what the deadline is (`readSlotPace`). */
  readonly attemptTensors: { readonly counts: Tensor<"float64">; readonly pace: Tensor<"float64"> };
  /** Nodes with a canary, by the row of their counts. */
  readonly canaries: readonly CanaryNode[];
  /** Where what canaries do is counted (`readCanaryCounts`). */
  readonly canaryCounts: Tensor<"float64">;
  /**
   * The variant for a configuration; prepares it, possibly for milliseconds, unless one with this key is kept. When
   * too many are kept, the one that was used least recently goes and its memory with it.
   * @param inputs tensors that it reads instead of its own; they stay where they are when the variant goes
   * @throws InputError for a wrong size or parameter; NeuroranError SIZE_MISMATCH, ARENA_FULL, or what an
   * implementation throws.
   */
  prepare(configuration: Configuration, inputs?: TensorsOf<I>): Variant<I, O>;
  /**
   * Chooses the row of keyed state that slots work on from now on; without a key they work on none. A key that has none gets
   * one in its initial state, and where there is no free one, the row of the key that was chosen least recently.
   * @throws InputError for what no state of the flow is keyed by, or what is no whole number from 0 to 2^31 - 1.
   */
  choose(name: string, key: number | undefined): void;
  /** Drops the variant of this key, if kept. */
  release(key: string): void;
  /** How long each function took, and the slot, named "slot". */
  timings(): Timing[];
  /** The kernels of the kept variants, and those that such as went have left. */
  kernels(): KernelRecord[];
  /**
   * Lets a specialized kernel that has come serve in place of the generic one; each slot begins with it as well.
   * @returns how often one has come, or could not be compiled, so far.
   */
  poll(): number;
  /** Waits until the specialized kernels of the kept variants are there and serve in place of generic ones. */
  settle(): void;
  /** Drops all variants, state and timings. */
  close(): void;
}

interface KeptVariant<I extends Ports = Ports, O extends Ports = Ports> {
  readonly region: Region;
  readonly releases: readonly (() => void)[];
  readonly variant: { -readonly [K in keyof Variant]: Variant<I, O>[K] };
  lastUse: number;
}

/**
 * An instance of `flow` with its state in `arena`. `implementations` names one for a function or a node path, or the
 * directory of a model where the function has a neural form; the first declared serves otherwise. `stateDimensions` gives the size of every dimension that states name. At most
 * `maximumVariants` (16) prepared variants are kept. `deadline` bounds attempts; without one they are waited for.
 * @throws InputError for unknown names and missing sizes; NeuroranError IMPLEMENTATION_MISSING, IMPLEMENTATION_CYCLE, STATE_NOT_KEPT.
 */
export function createFlowInstance<I extends Ports, O extends Ports>(
  flow: Dataflow<I, O>,
  options: {
    readonly arena: Arena;
    readonly target: Target;
    readonly implementations?: Choices;
    readonly stateDimensions?: Readonly<Record<string, number>>;
    readonly maximumVariants?: number;
    readonly deadline?: SlotDeadline | undefined;
  },
): FlowInstance<I, O> {
  const {
    arena,
    target,
    implementations = {},
    stateDimensions = {},
    maximumVariants = 16,
    deadline,
  } = options;
  if (deadline !== undefined && !(deadline.seconds > 0))
    throw new InputError("deadline.seconds", deadline.seconds, "give more than 0");
  if (!(maximumVariants >= 1)) throw new InputError("maximumVariants", maximumVariants, "keep at least 1");
  const shared = arena.region(`instance of ${flow.name}`);
  const kernels = createKernelStore(target, arena.memory);
  let planned: CompletePlan;
  let timingTensors: FlowInstance["timingTensors"];
  let attemptTensors: FlowInstance["attemptTensors"];
  let canaryCounts: Tensor<"float64">;
  try {
    planned = planFlow(flow, implementations, stateDimensions, shared, arena.lasting);
    timingTensors = allocateTimings(shared, planned.procedures.length + 1);
    attemptTensors = {
      counts: shared.tensor("attempt counts", "float64", attemptCountsShape(planned.attempts.length)),
      pace: shared.tensor("slot pace", "float64", [2]),
    };
    canaryCounts = shared.tensor("canary counts", "float64", canaryCountsShape(planned.canaries.length));
  } catch (error) {
    shared.release();
    throw error;
  }
  const { plan, chosen, procedures: functions, attempts, parameterNames, state, keyed, migrations } = planned;
  const { alternatives, canaries } = planned;
  const readClock = openClock();
  // No map: one that grants pass through is rebuilt again and again, and what its former tables hold outlives the variants,
  // which costs the collector pauses of many milliseconds. There are few variants.
  const kept: KeptVariant<I, O>[] = [];
  const feedbackRegions: Region[] = [];
  const uses = { now: 0 };
  const choices = new Map(keyed.map((one) => [one.key, createRowChoice(arena.memory.buffer, one)]));

  const release = (key: string): void => {
    const index = indexOfKey(kept, key);
    if (index < 0) return;
    const { region, variant, releases } = kept[index];
    variant.released = true;
    for (const give of releases) give();
    region.release();
    kernels.release(region);
    kept.splice(index, 1);
  };

  const prepare = (configuration: Configuration, given?: TensorsOf<I>): Variant<I, O> => {
    const { key, dimensions, parameters = {} } = configuration;
    const index = indexOfKey(kept, key);
    if (index >= 0 && given !== undefined && !areSame(kept[index].variant.inputs, given)) release(key);
    else if (index >= 0) {
      kept[index].lastUse = ++uses.now;
      return kept[index].variant;
    }
    checkNames("parameters", parameters, parameterNames);
    const sizes = checkSizes(dimensions);
    while (kept.length >= maximumVariants) release(leastRecentlyUsed(kept));
    const region = arena.region(`variant ${key} of ${flow.name}`);
    const fresh: { feedback: PlannedFeedback; region: Region }[] = [];
    const preparation: Preparation = {
      region,
      kernels,
      target,
      parameters,
      procedures: [],
      timings: [],
      least: [],
      budget: { until: new Float64Array(1), behind: new Float64Array(1) },
      timingTensors,
      attemptCounts: attemptTensors.counts.view,
      canaryCounts: canaryCounts.view,
      canaries: [],
      readClock,
      releases: [],
      latches: [],
      lasting: arena.lasting,
      feedbackRegion(feedback) {
        const own = arena.region(`feedback of ${flow.name}`);
        fresh.push({ feedback, region: own });
        return own;
      },
    };
    try {
      const inputs = given ?? allocateInputs(flow.inputs, flow.name, sizes, region);
      const outputs = preparePlan(plan, inputs, sizes, {}, preparation);
      const variant = {
        key,
        inputs: inputs as TensorsOf<I>,
        outputs: outputs as TensorsOf<O>,
        released: false,
        process: () => {},
      };
      const { releases } = preparation;
      const own: KeptVariant<I, O> = { region, releases, variant, lastUse: ++uses.now };
      variant.process = slotProcedure(
        preparation,
        timingTensors,
        functions.length,
        readClock,
        own,
        uses,
        deadline,
        attemptTensors.pace.view,
      );
      kept.push(own);
      for (const { region } of fresh) feedbackRegions.push(region);
      return variant;
    } catch (error) {
      for (const give of preparation.releases) give();
      region.release();
      kernels.release(region);
      for (const { feedback, region } of fresh) {
        if (feedback.tensor !== undefined) arena.lasting?.forget(feedback.tensor.name);
        feedback.tensor = undefined;
        region.release();
      }
      throw error;
    }
  };

  return {
    flow,
    functions,
    implementations: chosen,
    alternatives,
    state,
    keyed,
    migrations,
    maximumVariants,
    timingTensors,
    attempts,
    attemptTensors,
    canaries,
    canaryCounts,
    prepare,
    choose(name, key) {
      const choose = choices.get(name);
      if (choose === undefined) {
        const known = [...choices.keys()].join(", ") || "nothing";
        throw new InputError("key", name, `the state of ${flow.name} is keyed by ${known}`);
      }
      if (key !== undefined) checkRowKey(name, key);
      choose(key);
    },
    release,
    timings: () => summarizeTimings(timingTensors, [...functions, "slot"]),
    kernels: () => kernels.records(),
    poll() {
      kernels.poll();
      return kernels.changes;
    },
    settle: () => kernels.settle(),
    close() {
      while (kept.length > 0) release(kept[0].variant.key);
      for (const region of feedbackRegions) region.release();
      kernels.close();
      shared.release();
    },
  };
}

function areSame(one: Readonly<Record<string, Tensor>>, other: Readonly<Record<string, Tensor>>): boolean {
  return Object.keys(one).every((name) => one[name].offset === other[name]?.offset);
}

function indexOfKey(kept: readonly { readonly variant: { readonly key: string } }[], key: string): number {
  for (let index = 0; index < kept.length; index++) if (kept[index].variant.key === key) return index;
  return -1;
}

function leastRecentlyUsed(
  kept: readonly { readonly variant: { readonly key: string }; readonly lastUse: number }[],
): string {
  return kept.reduce((oldest, one) => (one.lastUse < oldest.lastUse ? one : oldest)).variant.key;
}
