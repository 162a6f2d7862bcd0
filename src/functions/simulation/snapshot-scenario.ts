import { type RunningFlow, runFlow } from "../flows/running-flow.js";
import type { CommitDomain } from "../turns/commit-domain.js";
import { commitDomainRuntime } from "./commit-domain-runtime.js";
import { drawProfile, type FaultKind } from "./faults.js";
import { type SimulatedThreads, simulateThreads } from "./flow-threads.js";
import { heardOnDisk, listener } from "./listener.js";
import { unleash } from "./nemesis.js";
import { createNode, type Machine } from "./node.js";
import type { Scenario, ScheduleOptions, ScheduleResult } from "./scenario.js";
import {
  type FlowResult,
  isSent,
  partitions,
  roundsOf,
  simulatedFlow,
  userOf,
  usersOfPartition,
} from "./simulated-flow.js";
import { createNetwork } from "./simulated-network.js";
import { createWorld } from "./world.js";

const nodeKinds = [
  "crash",
  "crash within an event",
  "pause",
  "torn write",
  "unreported write",
  "full disk",
  "failed write",
  "slow disk",
  "clock jump",
  "clock drift",
] as const satisfies readonly FaultKind[];
const flowKinds = ["thread crash", "thread stall", "second coordinator"] as const;
type FlowKind = (typeof flowKinds)[number];

const drain_ms = 60_000;

/** A keyed flow with a feedback edge in epochs, on threads and a node that fail. */
export const snapshotScenario: Scenario = {
  name: "snapshot",
  faultKinds: [...nodeKinds, ...flowKinds],
  run: runSchedule,
};

/**
 * Invariants, by name:
 * - "a flow comes to its end when faults end".
 * - "the output is that of a run without faults, once each": but for order and run numbers.
 * - "nothing is released of an epoch that is not committed": what a subscriber saw at a position is what stands there in the end.
 * - "what a flow sends is heard once": by the stateful function that it is for.
 */
async function runSchedule(seed: number, options: ScheduleOptions = {}): Promise<ScheduleResult> {
  const random = createWorld(seed).random.fork("snapshot");
  const profile = options.profile ?? [
    ...[...drawProfile(random.fork("profile"))].filter((kind) =>
      (nodeKinds as readonly string[]).includes(kind),
    ),
    ...flowKinds.filter(() => random.integer(2) === 0),
  ];
  const world = createWorld(seed, { ...options, profile });
  const faults: Record<string, number> = Object.fromEntries(flowKinds.map((kind) => [kind, 0]));
  const fault = (kind: FlowKind): void => {
    faults[kind]!++;
    world.trace.note(world.time(), "node", kind);
  };
  let runs = 0;
  const length = 10 + random.integer(30);
  const flow = simulatedFlow(length, () => ++runs);
  const deployment = {
    workers: 1 + random.integer(3),
    parallelism: {
      counting: 1 + random.integer(3),
      circling: 1 + random.integer(3),
      checking: 1 + random.integer(2),
    },
  };
  const epochInterval_ms = 1 + 9 * random.next();
  const epochTimeout_ms = 2 + 60 * random.next() ** 2;

  const seen = new Map<number, string>();
  /** What the flow sends is for a stateful function beside it, over the same store. */
  let domain: CommitDomain | undefined;
  let supervised = 0;
  let current: SimulatedThreads | undefined;
  let finished: RunningFlow | undefined;
  const epochs = { committed: 0, aborted: 0 };
  const supervise = (machine: Machine): void => {
    supervised++;
    const threads = simulateThreads(world, machine, random.fork(`threads ${supervised}`), flow);
    const again = (problem: unknown): void => {
      if (!machine.isUp()) return;
      supervised--;
      world.trace.note(world.time(), machine.name, "flow ends", 0, () => String(problem));
      if (supervised > 0) return;
      machine.clock.after(5 * random.next(), () => supervise(machine));
    };
    const { store, clock } = machine;
    const module = "simulated";
    const ran = runFlow(
      flow,
      {
        module,
        name: flow.name,
        store,
        clock,
        deployment,
        epochInterval_ms,
        epochTimeout_ms,
        admit: domain!.admit,
      },
      threads.start,
    );
    ran.then((running) => {
      if (!machine.isUp()) return;
      current = threads;
      running.output("results").subscribe(seen.size, ({ position, message }) => {
        if (machine.isUp()) see(position, message as FlowResult);
      });
      const count = (): void => {
        const { committed, aborted } = running.statistics().epochs;
        epochs.committed += committed;
        epochs.aborted += aborted;
      };
      running.finished.then(count, count);
      running.finished.then(() => {
        if (machine.isUp()) finished = running;
      }, again);
    }, again);
  };
  const see = (position: number, message: FlowResult): void => {
    const content = JSON.stringify(message);
    const before = seen.get(position);
    if (before !== undefined && before !== content) {
      world.violate(
        "nothing is released of an epoch that is not committed",
        `${content} at ${position}, where ${before} was seen`,
      );
    }
    if (position > seen.size) {
      world.violate("a subscriber gets outputs without a gap", `${position} behind ${seen.size}`);
    }
    seen.set(position, content);
  };

  const network = createNetwork(world);
  const node = createNode(world, network, "node", (machine) => {
    domain = commitDomainRuntime.start(machine, () => machine.name, [listener(world.violate)]);
    supervised = 0;
    current = undefined;
    finished = undefined;
    supervise(machine);
  });
  node.start();
  const faultTime_ms = 30 + 200 * random.next();
  const nemesis = unleash(world, network, [node], faultTime_ms);
  for (const kind of flowKinds) {
    if (!profile.includes(kind)) continue;
    for (let count = random.integer(4); count > 0; count--) {
      world.schedule(faultTime_ms * random.next(), () => {
        if (node.machine === undefined || current === undefined || finished !== undefined) return;
        fault(kind);
        if (kind === "thread crash") current.crash();
        else if (kind === "thread stall") current.stall(100 * random.next());
        else supervise(node.machine);
      });
    }
  }

  const heard = (): Map<string, number> => heardOnDisk(node.disk);
  const expectedSends = Array.from({ length }, (_, number) => number).filter(isSent).length * partitions;
  const isOver = (): boolean => nemesis.over && finished !== undefined && heard().size >= expectedSends;
  if (!(await world.run(isOver, faultTime_ms + drain_ms)) && world.violation === undefined) {
    world.violate(
      "a flow comes to its end when faults end",
      `${seen.size} of ${partitions * length} came out, ${heard().size} of ${expectedSends} sends were heard`,
    );
  }
  if (finished !== undefined && world.violation === undefined) {
    const results = finished.output("results").read(0, 10 * partitions * length);
    for (const { position, message } of results) see(position, message as FlowResult);
    const problem = problemOfResults(
      results.map(({ message }) => message as FlowResult),
      length,
    );
    if (problem !== undefined) {
      world.violate("the output is that of a run without faults, once each", problem);
    }
  }
  return {
    seed,
    violation: world.violation,
    profile,
    faults: { ...Object.fromEntries(nodeKinds.map((kind) => [kind, world.faults[kind]])), ...faults },
    events: world.events,
    operations: { outputs: seen.size, sends: heard().size, runs, ...epochs },
    hash: world.trace.hash(),
    lines: world.trace.lines,
  };
}

/** What is not as without faults: every number once, each user's counts without gap or repetition. */
function problemOfResults(results: readonly FlowResult[], length: number): string | undefined {
  const done = new Map<number, Set<number>>();
  const numbers = new Set<string>();
  for (const one of results) {
    const { user, number, count, rounds } = one;
    const name = `${user} ${number}`;
    if (numbers.has(name)) return `${JSON.stringify(one)} came out twice`;
    numbers.add(name);
    const before = Math.floor(number / usersOfPartition);
    if (count !== before + 1) return `${JSON.stringify(one)}: ${before} numbers came before`;
    if (rounds !== roundsOf(number))
      return `${JSON.stringify(one)} should go round ${roundsOf(number)} times`;
    const ofUser = done.get(user) ?? new Set();
    done.set(user, ofUser.add(one.done));
  }
  for (let partition = 0; partition < partitions; partition++) {
    for (let number = 0; number < length; number++) {
      const name = `${userOf(number, partition)} ${number}`;
      if (!numbers.has(name)) return `${name} never came out`;
    }
  }
  for (const [user, ofUser] of done) {
    const count = results.filter((one) => one.user === user).length;
    for (let one = 1; one <= count; one++) if (!ofUser.has(one)) return `user ${user} has no result ${one}`;
  }
  return undefined;
}
