/**
 * Which replicas a flow has, where they run, and what channels join them.
 *
 * Invariants:
 * 1. Every key group of an operator has exactly one replica, the same at every deployment with that parallelism.
 * 2. Every replica has at least one channel that is not feedback, so that every barrier reaches it.
 * 3. Without its feedback channels, the graph has no cycle.
 */
import { InputError } from "../../errors.js";
import { keyGroups } from "../turns/address.js";
import type { Flow, Origin } from "./declaration.js";
import { checkParallelism } from "./flow.js";

/** How a flow is spread over threads. */
export interface Deployment {
  /** Threads; 1 unless given. */
  readonly workers?: number;
  /** Replicas of operators by name, where they are not as declared. */
  readonly parallelism?: Readonly<Record<string, number>>;
  /** The thread of the first replica of a source or an operator, from 0; the others follow. 0 unless given. */
  readonly firstWorker?: Readonly<Record<string, number>>;
  /** Bytes of each ring between threads, a power of two; 262144 unless given. */
  readonly ringBytes?: number;
}

/** A partition of a source or a replica of an operator. */
export interface Task {
  readonly id: number;
  readonly kind: "source" | "operator";
  /** Of the source or the node. */
  readonly name: string;
  readonly replica: number;
  readonly replicas: number;
  readonly worker: number;
}

/** A way from one task to another, on which messages and barriers keep their order. */
export interface Channel {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly input: string;
  /** The feedback edge that it is part of. */
  readonly feedback: string | undefined;
}

/** All channels from one task to the replicas of one input. */
export interface Edge {
  readonly from: number;
  readonly node: string;
  readonly input: string;
  readonly feedback: string | undefined;
  /** Of a keyed input: one for each replica in order. */
  readonly channels: readonly Channel[];
}

export interface FlowPlan {
  readonly tasks: readonly Task[];
  readonly edges: readonly Edge[];
  readonly channels: readonly Channel[];
  readonly workers: number;
  readonly ringBytes: number;
}

/** The replica, of so many, that owns a key group (invariant 1). */
export function replicaOfGroup(group: number, replicas: number): number {
  return Math.floor((group * replicas) / keyGroups);
}

/** The plan of a flow. @throws InputError for a deployment that does not fit it. */
export function planFlow(flow: Flow, deployment: Deployment = {}): FlowPlan {
  const { workers = 1, parallelism = {}, firstWorker = {}, ringBytes = 1 << 18 } = deployment;
  const { sources, nodes, feedback } = flow.graph;
  checkCount("workers", workers, 1, 1024);
  if (!(ringBytes >= 256 && ringBytes <= 2 ** 30 && Number.isInteger(Math.log2(ringBytes)))) {
    throw new InputError("ringBytes", ringBytes, "give a power of two from 256 to 2^30");
  }
  checkNames("parallelism", parallelism, nodes);
  checkNames("firstWorker", firstWorker, new Map<string, unknown>([...sources, ...nodes]));
  const tasks: Task[] = [];
  const tasksOf = new Map<string, Task[]>();
  const add = (kind: Task["kind"], name: string, replicas: number): void => {
    const first = firstWorker[name] ?? 0;
    checkCount(`firstWorker.${name}`, first, 0, workers - 1);
    const own = Array.from({ length: replicas }, (_, replica) => {
      const worker = (first + replica) % workers;
      return { id: tasks.length + replica, kind, name, replica, replicas, worker };
    });
    tasks.push(...own);
    tasksOf.set(name, own);
  };
  for (const source of sources.values()) {
    add("source", source.name, source.kind === "replayable" ? source.partitions : 1);
  }
  for (const node of nodes.values()) {
    const replicas = parallelism[node.name] ?? node.parallelism;
    checkParallelism(node.name, replicas, node.operator);
    add("operator", node.name, replicas);
  }
  const edges: Edge[] = [];
  const channels: Channel[] = [];
  const join = (node: string, input: string, keyed: boolean, origin: Origin): void => {
    const name =
      origin.kind === "feedback" ? (feedback.get(origin.name)?.origin?.name as string) : origin.name;
    const from = tasksOf.get(name) as Task[];
    const to = tasksOf.get(node) as Task[];
    for (const task of from) {
      const targets = keyed
        ? to
        : to.filter((_, index) => feeds(task.replica, from.length, index, to.length));
      const edgeFeedback = origin.kind === "feedback" ? origin.name : undefined;
      const own = targets.map((target, index) => {
        return { id: channels.length + index, from: task.id, to: target.id, input, feedback: edgeFeedback };
      });
      channels.push(...own);
      edges.push({ from: task.id, node, input, feedback: edgeFeedback, channels: own });
    }
  };
  for (const node of nodes.values()) {
    for (const [input, origins] of Object.entries(node.inputs)) {
      const keyed = node.operator.inputs[input].key !== undefined;
      for (const origin of origins) join(node.name, input, keyed, origin);
    }
    const own = tasksOf.get(node.name) as Task[];
    const reached = (task: Task) =>
      channels.some(({ to, feedback: loop }) => to === task.id && loop === undefined);
    if (!own.every(reached)) {
      throw new InputError(`inputs of ${node.name}`, undefined, "connect one that no feedback alone feeds");
    }
  }
  return { tasks, edges, channels, workers, ringBytes };
}

/** Whether replica `from` of `senders` sends to replica `to` of `receivers` where messages have no key. */
function feeds(from: number, senders: number, to: number, receivers: number): boolean {
  return receivers > senders ? to % senders === from : from % receivers === to;
}

function checkCount(field: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InputError(field, value, `give a whole number from ${least} to ${most}`);
  }
}

function checkNames(
  field: string,
  given: Readonly<Record<string, unknown>>,
  known: ReadonlyMap<string, unknown>,
): void {
  for (const name of Object.keys(given)) {
    if (!known.has(name)) throw new InputError(field, name, `name one of: ${[...known.keys()].join(", ")}`);
  }
}
