/**
 * A thread on which slots run. It sleeps between slots and never returns to the event loop, so that nothing but slots and
 * the requests of its executor run here (invariants in slot-protocol.ts and swap.ts).
 */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type ConnectionEnd, useConnection } from "../../compiler/index.js";
import { describeError, InputError, NeuroranError } from "../../errors.js";
import { avoidProcessors, openClock, runOn, setRealTime, useHelperStarter } from "../../system/index.js";
import { type Arena, createArena } from "../arena.js";
import type { FlowInstance, Variant } from "../flow-instance.js";
import { keysPerSlot } from "../keyed-rows.js";
import { describeTensor, describeTensors, type Tensor, withViews } from "../tensor.js";
import { createKeptState, type KeptState, restoreKeptState } from "./kept-state.js";
import { rehearse } from "./rehearsal.js";
import { createRowCopies, type RowCopies } from "./row-copies.js";
import type { FlowFactory } from "./slot-executor.js";
import {
  barrierState,
  failedOutcome,
  type Probation,
  type Reply,
  type Request,
  ringCapacity,
  rowsBegin,
  sharedRing,
  type VariantRequest,
  type WorkerStart,
  word,
} from "./slot-protocol.js";
import { claim, clearKept, giveBack, handOver, markKept } from "./swap.js";

const { start, port, compiler } = workerData as {
  start: WorkerStart;
  port: MessagePort;
  compiler: ConnectionEnd;
};
useConnection(compiler);
useHelperStarter((module, data) => port.postMessage({ kind: "start helper", module, data }, [data.port]));
const { memory, part, index: self, processor } = start;
const ownProcessor = processor === undefined ? [] : [processor];
// A thread that does not own the slots keeps off their processor as long as it has anything to do.
const isCandidate = start.rehearsal !== undefined;
const pinned = isCandidate ? avoidProcessors(ownProcessor) : processor !== undefined && runOn(ownProcessor);
// Only who owns the slots has the priority: preparing takes long, and must not keep others from a processor.
const realTimeProblem = start.realTime ? setRealTime(true) : undefined;
let hasPriority = start.realTime && realTimeProblem === undefined;
if (isCandidate) choosePriority(false);

function choosePriority(owner: boolean): void {
  if (owner === hasPriority || !start.realTime || realTimeProblem !== undefined) return;
  setRealTime(owner);
  hasPriority = owner;
}

function reply(message: Reply): void {
  port.postMessage(message);
}

async function createInstance(): Promise<{ instance: FlowInstance; arena: Arena }> {
  const module: Record<string, unknown> = await import(start.module);
  const found = module[start.factory];
  if (typeof found !== "function") {
    const exported = Object.keys(module).join(", ") || "nothing";
    const problem = `${start.module} exports no function ${start.factory}, but ${exported}`;
    throw new NeuroranError("FACTORY_MISSING", `${problem}: export a function that creates a flow instance`);
  }
  const { options, implementations } = start;
  const create = async (arena: Arena): Promise<FlowInstance> => {
    const instance = await (found as FlowFactory)({ arena, options, implementations });
    checkChoices(instance);
    return instance;
  };
  if (start.rehearsal !== undefined) {
    const rehearsing = await create(createArena({ memory, part }));
    rehearse(rehearsing, start.rehearsal, ({ inputs }) => withViews(memory, inputs));
    rehearsing.close();
  }
  const arena = createArena({ memory, part, lasting: start.lasting });
  return { instance: await create(arena), arena };
}

/** Refuses an instance that does not do what was asked for. */
function checkChoices({ implementations }: FlowInstance): void {
  for (const [name, wanted] of Object.entries(start.implementations)) {
    const named = implementations.filter((one) => one.path === name || one.function === name);
    const [present, canary] =
      typeof wanted === "string" ? [wanted, undefined] : [wanted.present, wanted.canary];
    if (named.some((one) => one.implementation === present && one.canary?.canary === canary)) continue;
    const remedy = `hand the implementations of the factory's context to createFlowInstance in ${start.factory}`;
    throw new InputError(`implementations.${name}`, wanted, remedy);
  }
}

function run(instance: FlowInstance, arena: Arena): void {
  const ring = sharedRing(start.ring);
  const { words, variants: entries, outcomes } = ring;
  const { keyed, migrations } = instance;
  const chosenRows = keyed.map(({ rows }) => rows.view);
  const keyedTensors = new Set(
    keyed.flatMap(({ rows, states }) => [rows.name, ...states.map(({ tensor }) => tensor.name)]),
  );
  const variants = new Map<number, Variant>();
  const readClock = openClock();
  const times = new Float64Array(2);
  let requests = 0;
  /** Of the kernels, when the executor was told. */
  let changes = 0;
  /** Whether the slots that come first are to find state of a new version. */
  let migrating = false;
  let probation: (Probation & { done: number; missed: number }) | undefined;
  let kept: KeptState | undefined;
  let keptRegion = arena.region("kept state");
  let copies: RowCopies | undefined;
  let places: KeptState | undefined;
  let placesRegion = arena.region("copies of state");

  /** Does all requests that have come; true when the last of them is to stop. */
  const serve = (): boolean => {
    const avoids = claim(words, self) === 0 && avoidProcessors(ownProcessor);
    let received = receiveMessageOnPort(port);
    while (received !== undefined) {
      const request: Request = received.message;
      if (request.kind === "close") return true;
      if (request.kind === "prepare") prepare(request);
      else if (request.kind === "copies") {
        copies = createRowCopies(memory.buffer, request.shared);
        placeCopies();
      } else if (request.kind === "release") release(request.variant);
      else if (request.kind === "keep serving") {
        // The executor waits for this word, too, before it begins another swap.
        if (probation !== undefined) reply({ kind: "passed" });
        probation = undefined;
      } else takeOver(request.probation);
      received = receiveMessageOnPort(port);
    }
    if (avoids && processor !== undefined) runOn(ownProcessor);
    return false;
  };

  const release = (number: number): void => {
    const variant = variants.get(number);
    if (variant !== undefined) instance.release(variant.key);
    variants.delete(number);
  };

  const prepare = ({ variant: number, configuration, inputs, lasting: known }: VariantRequest): void => {
    const lasting = arena.lasting!;
    lasting.learn(known);
    const before = lasting.used().length;
    try {
      const variant = instance.prepare(configuration, withViews(memory, inputs));
      variants.set(number, variant);
      if (lasting.used().length !== before) {
        placeCopies();
        if (probation !== undefined) keepState();
      }
      reply({
        kind: "prepared",
        variant: number,
        outputs: describeTensors(variant.outputs),
        kernels: instance.kernels(),
        lasting: lasting.describe(),
      });
    } catch (error) {
      reply({ kind: "preparation failed", variant: number, error: describeError(error) });
    }
  };

  const unkeyed = (): Tensor[] => arena.lasting!.used().filter(({ name }) => !keyedTensors.has(name));

  const placeCopies = (): void => {
    placesRegion.release();
    placesRegion = arena.region("copies of state");
    places = createKeptState(memory, placesRegion, ring, unkeyed(), []);
    reply({ kind: "copy places", tensors: places.tensors });
  };

  const takeBarrier = (slot: number): void => {
    copies?.barrier();
    places?.keep(slot);
    Atomics.store(words, word.barrierBy, self);
    Atomics.store(words, word.barrier, barrierState.done);
    Atomics.notify(words, word.barrier);
  };

  const keepState = (): void => {
    clearKept(words);
    keptRegion.release();
    keptRegion = arena.region("kept state");
    kept = createKeptState(memory, keptRegion, ring, unkeyed(), keyed);
    reply({ kind: "kept", tensors: kept.tensors });
  };

  const takeOver = (asked: Probation): void => {
    try {
      instance.settle();
      // Behind a migration there is no way back: the former implementation cannot read what comes of it.
      if (migrations.length === 0) {
        probation = { ...asked, done: 0, missed: 0 };
        keepState();
      } else migrating = true;
      reply({ kind: "ready" });
    } catch (error) {
      reply({ kind: "not ready", error: describeError(error) });
    }
  };

  const migrate = (slot: number): void => {
    migrating = false;
    try {
      for (const one of migrations) one();
      reply({ kind: "passed" });
    } catch (error) {
      returnSlots("slot failed", slot, error);
    }
  };

  const returnSlots = (reason: "slot failed" | "deadline missed", slot: number, error: unknown): void => {
    probation = undefined;
    giveBack(words, self);
    reply({
      kind: "given back",
      slot,
      reason,
      error: error === undefined ? undefined : describeError(error),
    });
  };

  /** Runs a slot and counts it as completed; on probation, one that fails is left to the former thread. */
  const runSlot = (slot: number): void => {
    const entry = slot & (ringCapacity - 1);
    const variant = variants.get(entries[entry]);
    // Prepared by the other thread, and the request to prepare it here has come since the loop looked.
    if (variant === undefined && Atomics.load(words, word.requests[self]) !== requests) return;
    for (let kind = 0; kind < chosenRows.length; kind++) {
      const begin = rowsBegin(slot, kind);
      const written = ring.rows[begin];
      for (let place = 0; place < keysPerSlot; place++) {
        const row = ring.rows[begin + 1 + place];
        chosenRows[kind][place] = row;
        if (place < written && copies !== undefined) copies.beforeWrite(kind, row);
      }
    }
    if (probation !== undefined) {
      kept!.keep(slot);
      markKept(words, slot);
      readClock(times, 0);
    }
    try {
      (variant as Variant).process();
      outcomes[entry] = self;
    } catch (error) {
      if (probation !== undefined) {
        restoreKeptState(memory, ring, slot, kept!.tensors);
        returnSlots("slot failed", slot, error);
        return;
      }
      reply({ kind: "slot failed", slot, error: describeError(error) });
      outcomes[entry] = self | failedOutcome;
    }
    if (probation !== undefined) readClock(times, 1);
    Atomics.store(words, word.completed, (slot + 1) | 0);
    Atomics.notify(words, word.completed);
    if (probation !== undefined) judge(slot, probation);
  };

  const judge = (slot: number, mine: NonNullable<typeof probation>): void => {
    mine.done++;
    if (times[1] - times[0] > mine.deadline_ms) mine.missed++;
    if (mine.missed >= mine.misses) returnSlots("deadline missed", slot, undefined);
    else if (mine.done >= mine.slots) {
      probation = undefined;
      reply({ kind: "passed" });
    }
  };

  for (;;) {
    const signal = Atomics.load(words, word.signals[self]);
    if (Atomics.load(words, word.requests[self]) !== requests) {
      requests = Atomics.load(words, word.requests[self]);
      if (serve()) return;
    }
    const mine = claim(words, self);
    choosePriority(mine !== 0);
    const completed = Atomics.load(words, word.completed);
    if (mine === 1 && migrating) {
      migrate(completed);
      continue;
    }
    if (
      mine !== 0 &&
      Atomics.load(words, word.barrier) === barrierState.asked &&
      Atomics.load(words, word.barrierSlot) === completed
    )
      takeBarrier(completed);
    if (mine === 0) Atomics.wait(words, word.signals[self], signal);
    else if (mine === 2) {
      // It may be withdrawn between the two.
      if (handOver(words, self)) reply({ kind: "handed over", slot: completed });
    } else if (completed === Atomics.load(words, word.submitted)) {
      const now = instance.poll();
      if (now !== changes) {
        changes = now;
        reply({ kind: "kernels", kernels: instance.kernels() });
      } else Atomics.wait(words, word.signals[self], signal);
    } else runSlot(completed);
  }
}

const created = await createInstance().catch((error: unknown) => {
  reply({ kind: "start failed", error: describeError(error) });
});
if (created !== undefined) {
  const { instance, arena } = created;
  const { flow, functions, implementations, maximumVariants, timingTensors, attempts, attemptTensors } =
    instance;
  const { canaries, canaryCounts, alternatives } = instance;
  reply({
    kind: "started",
    functions,
    implementations,
    flow: { name: flow.name, inputs: flow.inputs },
    counts: describeTensor(timingTensors.counts),
    durations: describeTensor(timingTensors.durations),
    attempts,
    attemptCounts: describeTensor(attemptTensors.counts),
    canaries,
    canaryCounts: describeTensor(canaryCounts),
    alternatives,
    pace: describeTensor(attemptTensors.pace),
    maximumVariants,
    lasting: arena.lasting!.describe(),
    keyed: instance.keyed.map(({ key, capacity, states }) => ({
      key,
      capacity,
      states: states.map(({ name, tensor, initial }) => ({ name, tensor: describeTensor(tensor), initial })),
    })),
    pinned,
    realTimeProblem,
  });
  run(instance, arena);
  instance.close();
}
port.close();
