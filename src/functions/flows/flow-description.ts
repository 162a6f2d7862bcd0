import type { Coordinator } from "./coordinator.js";
import type { FlowThreads } from "./flow-threads.js";
import type { FlowPlan, Task } from "./plan.js";
import type { TaskDescription } from "./worker-protocol.js";

/** Where everything in a flow stands. */
export interface FlowDescription {
  /** The epoch under way, and who has not acknowledged it. */
  readonly epoch:
    | { readonly epoch: number; readonly phase: string; readonly missing: readonly string[] }
    | undefined;
  /** Undefined, beside the counts, of a task whose thread does not answer. */
  readonly tasks: readonly {
    readonly name: string;
    readonly worker: number;
    readonly received: number;
    readonly sent: number;
    readonly state: TaskDescription | undefined;
  }[];
  /** Channels between threads that have something in their ring. */
  readonly rings: readonly { readonly from: string; readonly to: string; readonly bytes: number }[];
}

/** The name of a task, which no other has: operators cannot have it, as their names have no slash. */
export function taskName({ name, replica, replicas }: Task): string {
  return replicas === 1 ? name : `${name}/${replica}`;
}

export function describeFlow(
  plan: FlowPlan,
  states: readonly TaskDescription[],
  threads: Pick<FlowThreads, "counts" | "fills">,
  pending: ReturnType<Coordinator["pending"]>,
): FlowDescription {
  const nameOf = (task: number): string => taskName(plan.tasks[task]);
  return {
    epoch: pending === undefined ? undefined : { ...pending, missing: pending.missing.map(nameOf) },
    tasks: plan.tasks.map((task) => {
      const counts = threads.counts(task.id);
      const state = states.find((one) => one.task === task.id);
      return { name: taskName(task), worker: task.worker, received: counts[0], sent: counts[1], state };
    }),
    rings: threads.fills().flatMap(({ channel, bytes }) => {
      const { from, to } = plan.channels[channel];
      return bytes === 0 ? [] : { from: nameOf(from), to: nameOf(to), bytes };
    }),
  };
}
