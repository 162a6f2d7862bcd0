/**
 * A thread that runs tasks of a flow. It never returns to the event loop: between messages it looks what has come, spins
 * for a moment, and sleeps (invariants in worker-protocol.ts).
 *
 * Invariants:
 * 1. A task takes nothing from outside while what it, or a task that it calls, gave out waits: for room in a ring, or at
 *    that very channel for a barrier of others. So what waits is bounded by what one message gives, and as the graph
 *    without its feedback has no cycle, some task can always go on. (What waits at other channels of a task that it calls
 *    must not stop it: that may wait for the barrier which it has yet to pass on.)
 * 2. Barriers are sent by sources whether there is room or not; they wait their turn behind the messages.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { describeError } from "../../errors.js";
import { codecOf } from "../schema/index.js";
import type { Flow, OperatorNode, SourceData } from "./declaration.js";
import { taskName } from "./flow-description.js";
import { loadFlow } from "./load-flow.js";
import { createOperatorTask, type OperatorTask, type Outlet } from "./operator-task.js";
import { createOutputBatch, edgeOutlet, localChannel, type RingChannel, ringChannel } from "./outlets.js";
import { type RingConsumer, ringConsumer, ringProducer } from "./ring.js";
import { createSourceTask, type SourceTask } from "./source-task.js";
import {
  counter,
  type FlowReply,
  type FlowRequest,
  type FlowWorkerStart,
  heldLimit,
  heldUnits,
  heldWord,
  type SentMessage,
  wake,
  workerWord,
} from "./worker-protocol.js";

const { start, port } = workerData as { start: FlowWorkerStart; port: MessagePort };
const { plan, worker } = start;
const words = start.words.map((memory) => new Int32Array(memory));
const own = words[worker];
const held = new Int32Array(start.held);

/** Messages of one channel or source in a row, before the others have their turn. */
const turnLength = 256;
const spin_ms = 0.05;
/** How long a source that nobody announces messages of is left alone. */
const pollInterval_ms = 1;
const outputBatch_bytes = 1 << 16;

const batch = createOutputBatch();
let sends: SentMessage[] = [];
const sendCounts = new Map<number, number>();
/** The task whose code runs. */
let running: number | undefined;

function reply(message: FlowReply): void {
  port.postMessage(message);
}

/** Hands outputs and sends over (invariant 2 of the protocol). */
function flushOutputs(): void {
  const outputs = batch.take();
  if (outputs !== undefined) {
    Atomics.add(held, heldWord.underWay, heldUnits(outputs.bytes.length));
    port.postMessage({ kind: "outputs", ...outputs } satisfies FlowReply, [
      outputs.bytes.buffer as ArrayBuffer,
    ]);
  }
  if (sends.length > 0) reply({ kind: "sends", sends });
  sends = [];
}

function tooMuchHeld(): boolean {
  return held[heldWord.underWay] + held[heldWord.received] > heldLimit;
}

/** A channel between two tasks of this thread. */
interface Call {
  readonly target: OperatorTask;
  readonly channel: number;
}

interface RingInput {
  readonly ring: RingConsumer;
  readonly target: OperatorTask;
  readonly channel: number;
  readonly feedback: boolean;
  readonly producer: number;
  decode(bytes: Uint8Array): unknown;
}

function build(flow: Flow) {
  const operators = new Map<number, OperatorTask>();
  const sources: SourceTask[] = [];
  const ringInputs: RingInput[] = [];
  const ringsBehind = new Map<number, RingChannel[]>();
  const callsOf = new Map<number, Call[]>();
  const outputNames = Object.keys(flow.outputs);
  const counts = (task: number) =>
    new Float64Array(start.counts, 8 * counter.counters * task, counter.counters);
  const nameOf = (task: number) => taskName(plan.tasks[task]);

  const outletsOf = (task: number, name: string, kind: "source" | "operator"): Outlet[] => {
    const rings: RingChannel[] = [];
    const calls: Call[] = [];
    const outlets = plan.edges
      .filter(({ from }) => from === task)
      .map((edge) => {
        const input = (flow.graph.nodes.get(edge.node) as OperatorNode).operator.inputs[edge.input];
        const ends = edge.channels.map((channel) => {
          const memory = start.rings[channel.id];
          if (memory === undefined) {
            // Its target may be built later than this task, where the channel is feedback.
            const target = (): OperatorTask => operators.get(channel.to) as OperatorTask;
            const index = plan.channels.filter(({ to }) => to === channel.to).indexOf(channel);
            if (channel.feedback === undefined) {
              calls.push({ target: target(), channel: index });
              return localChannel(target(), index);
            }
            return {
              send: (message: unknown, key: string | undefined) => target().message(index, message, key),
              barrier: (epoch: number, full: boolean) => target().barrier(index, epoch, full),
            };
          }
          const consumer = words[plan.tasks[channel.to].worker];
          const ring = ringChannel(ringProducer(memory), plan.ringBytes, codecOf(input.message), consumer);
          rings.push(ring);
          return ring;
        });
        return edgeOutlet(edge, input, ends);
      });
    for (const [output, outputName] of outputNames.entries()) {
      const { origin, message } = flow.outputs[outputName];
      const from = origin.kind === "feedback" ? flow.graph.feedback.get(origin.name)?.origin : origin;
      if (from?.name !== name || from.kind !== kind) continue;
      const epochOf = (): number => {
        const target = operators.get(task);
        return target === undefined ? (sourceEpochs.get(task) as number) + 1 : target.epoch();
      };
      outlets.push(batch.outlet(output, message, epochOf));
    }
    ringsBehind.set(task, rings);
    callsOf.set(task, calls);
    return outlets;
  };

  const sourceEpochs = new Map<number, number>();
  const mine = plan.tasks.filter((task) => task.worker === worker);
  // What is called is built before what calls it: the order of tasks is that of the calls in the builder.
  for (const task of mine.toReversed()) {
    const { id, name } = task;
    if (task.kind === "source") {
      sourceEpochs.set(id, start.lastEpoch);
      const source = flow.graph.sources.get(name) as SourceData;
      const from = start.positions[name]?.[task.replica] ?? 0;
      const outlets = outletsOf(id, name, "source");
      sources.push(
        createSourceTask(
          task,
          source,
          outlets,
          from,
          start.lastEpoch,
          counts(id),
          start.messageLayouts[name],
        ),
      );
      continue;
    }
    const channels = plan.channels
      .filter(({ to }) => to === id)
      .map((channel) => ({ ...channel, sender: nameOf(channel.from) }));
    const node = flow.graph.nodes.get(name) as OperatorNode;
    const operator = createOperatorTask(
      task,
      node,
      channels,
      outletsOf(id, name, "operator"),
      start.operators[name],
      start.lastEpoch,
      {
        counts: counts(id),
        copied(epoch, full, parts) {
          flushOutputs();
          reply({ kind: "copied", task: id, epoch, full, parts });
        },
        acknowledged(epoch, feedback) {
          flushOutputs();
          reply({ kind: "acknowledged", task: id, epoch, position: 0, ended: false, feedback });
        },
        send(epoch, invocation) {
          const ordinal = sendCounts.get(id) ?? 0;
          sendCounts.set(id, ordinal + 1);
          const sender = { function: flow.name, key: nameOf(id) };
          const message = { id: `${flow.name}#${epoch}.${sender.key}.${ordinal}`, sender, invocation };
          sends.push({ epoch, message });
        },
      },
      start.messageLayouts,
    );
    operators.set(id, operator);
    for (const [index, channel] of channels.entries()) {
      const memory = start.rings[channel.id];
      if (memory === undefined) continue;
      const codec = codecOf(node.operator.inputs[channel.input].message);
      ringInputs.push({
        ring: ringConsumer(memory),
        target: operator,
        channel: index,
        feedback: channel.feedback !== undefined,
        producer: plan.tasks[channel.from].worker,
        decode: (bytes) => codec.decode(bytes),
      });
    }
  }
  sources.reverse();
  const callsBehind = (task: number): Call[] =>
    (callsOf.get(task) ?? []).flatMap((call) => [call, ...callsBehind(call.target.task.id)]);
  /** By task: what must have room before it takes anything. */
  const behind = new Map(
    mine.map(({ id }) => {
      const calls = [
        ...new Map(callsBehind(id).map((call) => [`${call.target.task.id} ${call.channel}`, call])).values(),
      ];
      const tasks = new Set([id, ...calls.map(({ target }) => target.task.id)]);
      const rings = [...tasks].flatMap((one) => ringsBehind.get(one) as RingChannel[]);
      return [id, { rings, calls }];
    }),
  );
  const rings = [...ringsBehind.values()].flat();
  return {
    flow,
    operators: [...operators.values()],
    sources,
    sourceEpochs,
    ringInputs,
    rings,
    behind,
  };
}

function run(built: ReturnType<typeof build>): void {
  const { operators, sources, sourceEpochs, ringInputs, rings, behind } = built;
  let scratch = new Uint8Array(4096);
  let requests = 0;
  let reading = true;
  const told = new Set<number>();

  /** Whether what the task gives out has room. */
  const hasRoom = (task: number): boolean => {
    const { rings: behindIt, calls } = behind.get(task) as { rings: RingChannel[]; calls: Call[] };
    for (const ring of behindIt) if (ring.overflow() > 0) return false;
    for (const { target, channel } of calls) if (target.waiting(channel) > 0) return false;
    return true;
  };

  const begin = (epoch: number, full: boolean): void => {
    for (const source of sources) {
      if (!source.barrier(epoch, full)) continue;
      sourceEpochs.set(source.task.id, epoch);
      flushOutputs();
      const { task } = source;
      reply({
        kind: "acknowledged",
        task: task.id,
        epoch,
        position: source.position(),
        ended: source.ended(),
        feedback: {},
      });
    }
  };

  /** Does all requests that have come; true when one is to close. */
  const serve = (): boolean => {
    for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port)) {
      const request: FlowRequest = one.message;
      switch (request.kind) {
        case "begin":
          begin(request.epoch, request.full);
          break;
        case "abort":
          for (const operator of operators) operator.abort(request.epoch);
          break;
        case "feed":
          sources.find(({ task }) => task.name === request.source)?.feed(request.messages);
          break;
        case "stop reading":
          reading = false;
          break;
        case "describe":
          reply({ kind: "description", worker, tasks: describe() });
          break;
        case "close":
          return true;
      }
    }
    return false;
  };

  const describe = () => [
    ...sources.map((source) => ({
      task: source.task.id,
      epoch: (sourceEpochs.get(source.task.id) as number) + 1,
      aligning: undefined,
      waiting: 0,
      overflowing: overflowOf(source.task.id),
      ended: source.ended(),
    })),
    ...operators.map((operator) => ({
      ...operator.describe(),
      overflowing: overflowOf(operator.task.id),
      ended: false,
    })),
  ];
  const overflowOf = (task: number): number =>
    (behind.get(task)?.rings ?? []).reduce((sum, ring) => sum + ring.overflow(), 0);

  const takeFrom = (input: RingInput): boolean => {
    const { ring, target, channel } = input;
    const { id } = target.task;
    let done = 0;
    // Feedback is taken out in any case and waits at the task, so that the ring never holds back who sends.
    while (done < turnLength && (input.feedback || (!target.waits(channel) && hasRoom(id)))) {
      const length = ring.peek();
      if (length < 0) break;
      if (length > scratch.length) scratch = new Uint8Array(2 * length);
      const tag = ring.tag();
      const roomWanted = ring.take(scratch);
      done++;
      if (roomWanted) wake(words[input.producer]);
      running = id;
      if (tag > 0) target.barrier(channel, tag, scratch[0] === 1);
      else target.message(channel, input.decode(scratch.subarray(0, length)), undefined);
    }
    return done > 0;
  };

  const readFrom = (source: SourceTask): boolean => {
    let progress = source.dropLate();
    const { id } = source.task;
    running = id;
    for (let count = 0; count < turnLength && (reading || !source.polled); count++) {
      if (!hasRoom(id) || tooMuchHeld()) break;
      const step = source.step();
      if (step === "ended" && !told.has(id)) {
        told.add(id);
        reply({ kind: "ended", task: id });
      }
      if (step !== "sent") break;
      progress = true;
    }
    const count = source.taken();
    if (count > 0) reply({ kind: "taken", source: source.task.name, count });
    return progress;
  };

  const turn = (): boolean => {
    let progress = false;
    for (const ring of rings) if (ring.overflow() > 0 && ring.flush()) progress = true;
    for (const operator of operators) {
      running = operator.task.id;
      if (hasRoom(operator.task.id) && operator.drain(turnLength)) progress = true;
    }
    for (const input of ringInputs) if (takeFrom(input)) progress = true;
    for (const source of sources) if (readFrom(source)) progress = true;
    if (batch.bytes() > outputBatch_bytes) flushOutputs();
    return progress;
  };

  const polled = sources.some((source) => source.polled);
  for (;;) {
    const signal = Atomics.load(own, workerWord.signal);
    if (Atomics.load(own, workerWord.requests) !== requests) {
      requests = Atomics.load(own, workerWord.requests);
      if (serve()) return;
    }
    if (turn()) continue;
    flushOutputs();
    running = undefined;
    const until = performance.now() + spin_ms;
    let progress = false;
    while (!progress && performance.now() < until) {
      progress = turn() || Atomics.load(own, workerWord.requests) !== requests;
    }
    if (progress) continue;
    flushOutputs();
    Atomics.store(own, workerWord.sleeping, 1);
    if (!turn() && Atomics.load(own, workerWord.requests) === requests) {
      const polling = polled && reading && sources.some((source) => source.polled && !source.ended());
      Atomics.wait(own, workerWord.signal, signal, polling ? pollInterval_ms : Number.POSITIVE_INFINITY);
    }
    Atomics.store(own, workerWord.sleeping, 0);
  }
}

try {
  const built = build(await loadFlow(start.module, start.name));
  reply({ kind: "started" });
  run(built);
} catch (error) {
  const task = running === undefined ? undefined : taskName(plan.tasks[running]);
  reply({ kind: "failed", task, error: describeError(error) });
}
port.close();
