import { type Address, keyGroupOf } from "../turns/address.js";
import type { CommitDomain } from "../turns/commit-domain.js";
import { faultKinds } from "./faults.js";
import { type InterpreterState, interpreter, type Witness } from "./interpreter.js";
import { unleash } from "./nemesis.js";
import { createNode, type Machine, type SimulatedNode } from "./node.js";
import type { Scenario, ScheduleOptions, ScheduleResult } from "./scenario.js";
import { createNetwork } from "./simulated-network.js";
import { type Client, sessionTime_ms, startClient } from "./turn-clients.js";
import { findViolation, missingEvents, missingTurns, type StateReader } from "./turn-oracles.js";
import type { Placement, TurnRuntime } from "./turn-runtime.js";
import { type Subscriber, startSubscriber } from "./turn-subscribers.js";
import { createWorld, type World } from "./world.js";

const functionNames = ["front", "middle", "back"];

/** How long, after all faults, everything may take to drain. */
const drain_ms = 30_000;

/** Random programs over stateful functions on several nodes, asked for by clients that retry. */
export function turnScenario(runtime: TurnRuntime): Scenario {
  return { name: "turns", faultKinds, run: (seed, options) => runSchedule(runtime, seed, options) };
}

interface Running {
  readonly machine: Machine;
  readonly domain: CommitDomain;
}

async function runSchedule(
  runtime: TurnRuntime,
  seed: number,
  options: ScheduleOptions = {},
): Promise<ScheduleResult> {
  const world = createWorld(seed, options);
  const { random } = world;
  const network = createNetwork(world);
  const nodeCount = 1 + random.integer(4);
  const running = new Map<string, Running>();
  let runs = 0;
  const subscribers: Subscriber[] = [];
  const nodeNames = Array.from({ length: nodeCount }, (_, index) => `node${index}`);
  const shift = random.integer(1000);
  const placement: Placement = (name, group) => nodeNames[(group * 7 + name.length + shift) % nodeCount]!;
  const witnessOf = (name: string): Witness => ({
    nextRun: () => ++runs,
    violate: world.violate,
    published(functionName, key) {
      for (const subscriber of subscribers) {
        const { address } = subscriber;
        if (address.function === functionName && address.key === key) subscriber.published();
      }
    },
    latestTime: (whose) =>
      Math.max(
        ...nodes.filter((node) => whose === "any" || node.name === name).map(({ clock }) => clock.latest()),
      ),
  });
  const nodes: SimulatedNode[] = nodeNames.map((name) =>
    createNode(world, network, name, (machine) => {
      const functions = functionNames.map((each) => interpreter(each, witnessOf(name)));
      running.set(name, { machine, domain: runtime.start(machine, placement, functions) });
    }),
  );
  for (const node of nodes) node.start();

  const keys = Array.from({ length: 1 + random.integer(4) }, (_, index) => `key ${index}`);
  const addresses = functionNames.flatMap((name) => keys.map((key): Address => ({ function: name, key })));
  const at = (node: SimulatedNode): Running | undefined =>
    node.machine === undefined ? undefined : running.get(node.name);
  const ownerOf = (address: Address): SimulatedNode => {
    const name = placement(address.function, keyGroupOf(address.key));
    return nodes[nodeNames.indexOf(name)]!;
  };
  /** The states as the disks have them now, each read once. */
  const readStates = (): StateReader => {
    const read = new Map<string, InterpreterState | undefined>();
    return (address) => {
      const key = `${address.function} ${address.key}`;
      if (!read.has(key)) read.set(key, runtime.stateOf(ownerOf(address).disk, address));
      return read.get(key);
    };
  };

  const tick = (): void => void world.schedule(20, tick);
  tick();
  const faultTime_ms = 50 + 350 * random.next();
  const nemesis = unleash(world, network, nodes, faultTime_ms);
  const clients = startClients(world, nodes, at, addresses, faultTime_ms);
  for (const address of addresses) {
    if (random.integer(3) === 0)
      subscribers.push(startSubscriber(world, address, () => at(ownerOf(address))));
  }
  const requests = (): Client["requests"][number][] => clients.flatMap((client) => client.requests);

  const check = (): void => {
    const found = findViolation(requests(), subscribers, addresses, readStates());
    if (found !== undefined) world.violate(found.invariant, found.detail);
  };
  const missing = (): string[] => {
    const stateOf = readStates();
    const turns = missingTurns(requests(), stateOf);
    return turns.length > 0 ? turns : missingEvents(requests(), subscribers, stateOf);
  };
  async function drain(): Promise<void> {
    const drained = everySo(world, 20, () => {
      return nemesis.over && clients.every(({ done }) => done) && missing().length === 0;
    });
    await world.run(() => nemesis.over, faultTime_ms + 1);
    // What was set while a clock was ahead is due when the clock, set right, has come so far again.
    const ahead_ms = Math.max(0, ...nodes.map(({ clock }) => clock.latest() - clock.now()));
    if ((await world.run(drained, world.time() + drain_ms + ahead_ms)) || world.violation !== undefined)
      return;
    const waiting = requests().filter(({ fate }) => fate === "pending");
    world.violate(
      "everything drains when faults end",
      `open: ${waiting.map(({ program }) => program.id).join(", ")}; missing: ${missing().join(", ")}`,
    );
  }

  /** Nothing happens between the end of the last program that began and the comparison. */
  async function drainAndCheck(): Promise<void> {
    await drain();
    if (world.violation === undefined) check();
  }

  /** What was sent twice, or goes on where it should not, comes to light a while later. */
  async function settle(time_ms: number): Promise<void> {
    const until_ms = world.time() + time_ms;
    await world.run(() => world.time() >= until_ms, until_ms + 1000);
  }

  async function collect(sessionsAreOver: boolean): Promise<void> {
    const residue = (): string[] =>
      nodes.flatMap(({ disk, name }) =>
        runtime.residue(disk.entries(), sessionsAreOver).map((key) => `${name} ${key}`),
      );
    const collected = everySo(world, 50, () => residue().length === 0);
    if ((await world.run(collected, world.time() + drain_ms)) || world.violation !== undefined) return;
    world.violate("what is acknowledged is collected", residue().join(", ").replaceAll("\0", "/"));
  }

  await drainAndCheck();
  await settle(400);
  await drainAndCheck();
  await collect(false);
  // Hours later nobody asks again: sessions and what they kept are over.
  for (const { clock } of nodes) clock.jump(2 * sessionTime_ms);
  await collect(true);
  if (world.violation === undefined) {
    for (const node of nodes) {
      node.crash();
      node.start();
    }
    await settle(200);
    await drainAndCheck();
  }

  const all = requests();
  return {
    seed,
    violation: world.violation,
    profile: [...world.profile],
    faults: world.faults,
    events: world.events,
    operations: {
      turns: runs,
      accepted: all.filter(({ fate }) => fate === "accepted").length,
      refused: all.filter(({ fate }) => fate === "refused").length,
      unknown: all.filter(({ fate }) => fate === "unknown").length,
      events: subscribers.reduce((sum, { events }) => sum + events.length, 0),
    },
    hash: world.trace.hash(),
    lines: world.trace.lines,
  };
}

function startClients(
  world: World,
  nodes: readonly SimulatedNode[],
  at: (node: SimulatedNode) => Running | undefined,
  targets: readonly Address[],
  within_ms: number,
): Client[] {
  const count = 1 + world.random.integer(4);
  return Array.from({ length: count }, (_, index) => {
    const random = world.random.fork(`client ${index}`);
    return startClient({
      world,
      random,
      name: `client${index}`,
      gateway: (attempt) => at(nodes[attempt % nodes.length]!),
      targets,
      programs: 1 + random.integer(5),
      depth: random.integer(4),
      within_ms,
      kind: (["session", "session", "idempotency key", "anonymous"] as const)[random.integer(4)]!,
    });
  });
}

/** The condition, looked at no more often than so: it is asked after every event. */
function everySo(world: World, period_ms: number, condition: () => boolean): () => boolean {
  let next_ms = world.time() + period_ms;
  return () => {
    if (world.time() < next_ms) return false;
    next_ms = world.time() + period_ms;
    return condition();
  };
}
