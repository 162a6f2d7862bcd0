import { NeuroranError } from "../../errors.js";
import type { Random } from "../../system/index.js";
import type { Flow } from "../flows/declaration.js";
import type { startFlowThreads } from "../flows/flow-threads.js";
import { createOperatorTask, type OperatorTask, type Outlet } from "../flows/operator-task.js";
import { type ChannelEnd, createOutputBatch, edgeOutlet } from "../flows/outlets.js";
import { createSourceTask, type SourceTask } from "../flows/source-task.js";
import type { FlowReply, FlowRequest, SentMessage } from "../flows/worker-protocol.js";
import { counter } from "../flows/worker-protocol.js";
import { codecOf } from "../schema/index.js";
import { exponential } from "./faults.js";
import type { Machine } from "./node.js";
import type { World } from "./world.js";

/** Threads of a flow as events: every channel, request and reply is late by a time of its own, and keeps its order. */
export interface SimulatedThreads {
  readonly start: typeof startFlowThreads;
  /** Ends one thread, which ends the flow. */
  crash(): void;
  /** No thread does anything for a while. */
  stall(time_ms: number): void;
}

export function simulateThreads(
  world: World,
  machine: Machine,
  random: Random,
  flow: Flow,
): SimulatedThreads {
  let fail: ((error: NeuroranError) => void) | undefined;
  let isUp = false;
  let stalledUntil_ms = 0;

  /** What happens on one way, in order. */
  const way = (mean_ms: number): ((then: () => void) => void) => {
    let last_ms = 0;
    return (then) => {
      last_ms = Math.max(last_ms, stalledUntil_ms, world.time() + exponential(random, mean_ms));
      world.schedule(last_ms - world.time(), () => machine.whenUp(() => isUp && then()));
    };
  };

  const start: typeof startFlowThreads = async (plan, started, hear, failed) => {
    fail = failed;
    isUp = true;
    const { positions, operators: restored, lastEpoch, messageLayouts } = started;
    const operators = new Map<number, OperatorTask>();
    const sources: SourceTask[] = [];
    const outputNames = Object.keys(flow.outputs);
    const replies = Array.from({ length: plan.workers }, () => way(0.2));
    const requests = Array.from({ length: plan.workers }, () => way(0.2));
    const batches = Array.from({ length: plan.workers }, () => createOutputBatch());
    const counts = plan.tasks.map(() => new Float64Array(counter.counters));
    const sourceEpochs = new Map<number, number>();
    const told = new Set<number>();
    const sends = Array.from({ length: plan.workers }, (): SentMessage[] => []);
    const sendCounts = new Map<number, number>();

    const reply = (worker: number, message: FlowReply): void => replies[worker]!(() => hear(message));
    const flush = (worker: number): void => {
      const outputs = batches[worker]!.take();
      if (outputs !== undefined) reply(worker, { kind: "outputs", ...outputs });
      const sent = sends[worker]!.splice(0);
      if (sent.length > 0) reply(worker, { kind: "sends", sends: sent });
    };

    const outletsOf = (task: number): Outlet[] => {
      const { name, kind, worker } = plan.tasks[task]!;
      const outlets = plan.edges
        .filter(({ from }) => from === task)
        .map((edge) => {
          const input = flow.graph.nodes.get(edge.node)!.operator.inputs[edge.input]!;
          const codec = codecOf(input.message);
          const ends = edge.channels.map((channel): ChannelEnd => {
            const carry = way(0.3);
            const index = plan.channels.filter(({ to }) => to === channel.to).indexOf(channel);
            const target = (): OperatorTask => operators.get(channel.to)!;
            const settle = (then: () => void): void => {
              then();
              while (target().drain(64));
            };
            return {
              send(message) {
                const bytes = codec.encode(message as never);
                carry(() => settle(() => target().message(index, codec.decode(bytes), undefined)));
              },
              barrier: (epoch, full) => carry(() => settle(() => target().barrier(index, epoch, full))),
            };
          });
          return edgeOutlet(edge, input, ends);
        });
      for (const [output, outputName] of outputNames.entries()) {
        const { origin, message } = flow.outputs[outputName]!;
        if (origin.name !== name || origin.kind !== kind) continue;
        const epochOf = (): number => operators.get(task)?.epoch() ?? sourceEpochs.get(task)! + 1;
        outlets.push(batches[worker]!.outlet(output, message, epochOf));
      }
      return outlets;
    };

    for (const task of plan.tasks.toReversed()) {
      const { id, name, worker } = task;
      if (task.kind === "source") {
        sourceEpochs.set(id, lastEpoch);
        const from = positions[name]?.[task.replica] ?? 0;
        const source = flow.graph.sources.get(name)!;
        sources.push(createSourceTask(task, source, outletsOf(id), from, lastEpoch, counts[id]!));
        continue;
      }
      const nameOf = (of: number): string => `${plan.tasks[of]!.name}.${plan.tasks[of]!.replica}`;
      const channels = plan.channels
        .filter(({ to }) => to === id)
        .map((channel) => ({ ...channel, sender: nameOf(channel.from) }));
      const node = flow.graph.nodes.get(name)!;
      const operator = createOperatorTask(
        task,
        node,
        channels,
        outletsOf(id),
        restored[name],
        lastEpoch,
        {
          counts: counts[id]!,
          copied(epoch, full, parts) {
            flush(worker);
            reply(worker, { kind: "copied", task: id, epoch, full, parts });
          },
          acknowledged(epoch, feedback) {
            flush(worker);
            reply(worker, { kind: "acknowledged", task: id, epoch, position: 0, ended: false, feedback });
          },
          send(epoch, invocation) {
            const ordinal = sendCounts.get(id) ?? 0;
            sendCounts.set(id, ordinal + 1);
            const key = nameOf(id);
            const sender = { function: flow.name, key };
            const message = { id: `${flow.name}#${epoch}.${key}.${ordinal}`, sender, invocation };
            sends[worker]!.push({ epoch, message });
          },
        },
        messageLayouts,
      );
      operators.set(id, operator);
    }

    const begin = (worker: number, epoch: number, full: boolean): void => {
      for (const source of sources) {
        const { id } = source.task;
        if (source.task.worker !== worker || !source.barrier(epoch, full)) continue;
        sourceEpochs.set(id, epoch);
        flush(worker);
        const [position, ended] = [source.position(), source.ended()];
        reply(worker, { kind: "acknowledged", task: id, epoch, position, ended, feedback: {} });
      }
    };
    const serve = (worker: number, request: FlowRequest): void => {
      if (request.kind === "begin") begin(worker, request.epoch, request.full);
      else if (request.kind === "abort") {
        for (const operator of operators.values()) {
          if (operator.task.worker !== worker) continue;
          operator.abort(request.epoch);
          while (operator.drain(64));
        }
      } else if (request.kind === "close") isUp = false;
    };
    // What was under way on feedback when the epoch was taken goes on by itself.
    for (const operator of operators.values()) {
      const resume = way(0.5);
      resume(() => {
        while (operator.drain(64));
      });
    }
    for (const source of sources) {
      const { id, worker } = source.task;
      const step = way(3);
      const read = (): void => {
        const outcome = source.step();
        if (outcome === "ended" && !told.has(id)) {
          told.add(id);
          reply(worker, { kind: "ended", task: id });
        }
        flushSometimes(worker);
        if (outcome !== "ended") step(read);
      };
      step(read);
    }
    const flushSometimes = (worker: number): void => {
      if (random.integer(4) === 0) flush(worker);
    };

    return {
      request: (worker, request) => requests[worker]!(() => serve(worker, request)),
      requestAll(request) {
        for (const [worker, send] of requests.entries()) send(() => serve(worker, request));
      },
      counts: (task) => counts[task]!,
      hold() {},
      fills: () => [],
      async close() {
        isUp = false;
      },
    };
  };

  return {
    start,
    crash() {
      if (!isUp) return;
      isUp = false;
      fail?.(new NeuroranError("FLOW_WORKER_ENDED", "a simulated thread has ended"));
    },
    stall(time_ms) {
      stalledUntil_ms = world.time() + time_ms;
    },
  };
}
