import type { Random } from "../../system/index.js";
import type { FaultKind } from "./faults.js";
import type { SimulatedNode } from "./node.js";
import type { SimulatedNetwork } from "./simulated-network.js";
import type { World } from "./world.js";

/** The faults that befall nodes at random times, and their end. */
export interface Nemesis {
  /** All faults are over: what was down is up, the network is whole, disks and clocks are right. */
  readonly over: boolean;
}

/**
 * Lets faults of the world's profile befall the nodes until `until_ms`, and heals everything then.
 *
 * @param until_ms the true time at which faults end
 */
export function unleash(
  world: World,
  network: SimulatedNetwork,
  nodes: readonly SimulatedNode[],
  until_ms: number,
): Nemesis {
  const random = world.random.fork("nemesis");
  const kinds = (Object.keys(blows) as FaultKind[]).filter((kind) => world.profile.has(kind));
  // Crashes meet what the other kinds leave behind.
  kinds.push(...kinds.filter((kind) => kind.startsWith("crash")));
  const count = kinds.length === 0 ? 0 : 1 + random.integer(16);
  for (let index = 0; index < count; index++) {
    const kind = kinds[random.integer(kinds.length)]!;
    world.schedule(until_ms * random.next(), () => {
      blows[kind]!({ world, network, random, nodes, until_ms });
    });
  }
  const nemesis = { over: false };
  world.schedule(until_ms, () => {
    nemesis.over = true;
    network.heal();
    for (const node of nodes) {
      node.disk.heal();
      node.clock.heal();
      node.crashAtEffect(Number.POSITIVE_INFINITY, undefined);
      node.start();
    }
    world.trace.note(world.time(), "world", "is healed");
  });
  return nemesis;
}

interface Blow {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly random: Random;
  readonly nodes: readonly SimulatedNode[];
  readonly until_ms: number;
}

const blows: Partial<Record<FaultKind, (blow: Blow) => void>> = {
  crash(blow) {
    const node = victim(blow);
    if (node.machine === undefined) return;
    blow.world.fault("crash", node.name);
    node.crash();
    restart(blow, node);
  },
  "crash within an event"(blow) {
    const node = victim(blow);
    const { random } = blow;
    node.crashAtEffect(
      1 + random.integer(12),
      random.integer(3) === 0 ? undefined : 1.5 * random.next() ** 2,
    );
    restart(blow, node);
  },
  pause(blow) {
    victim(blow).pause(until(blow, 100));
  },
  partition(blow) {
    cut(blow, true);
  },
  "one-way partition"(blow) {
    cut(blow, false);
  },
  "full disk"(blow) {
    victim(blow).disk.fill(until(blow, 50));
  },
  "failed write"(blow) {
    victim(blow).disk.fail(until(blow, 10));
  },
  "slow disk"(blow) {
    victim(blow).disk.slow(5 + 50 * blow.random.next(), until(blow, 100));
  },
  "clock jump"(blow) {
    const sign = blow.random.integer(2) === 0 ? -1 : 1;
    const by_ms = sign * 10 ** (1 + 3.5 * blow.random.next());
    const { clock, name } = victim(blow);
    clock.jump(by_ms);
    blow.world.fault("clock jump", name, () => `${by_ms.toFixed(0)} ms`);
  },
};

function victim({ nodes, random }: Blow): SimulatedNode {
  return nodes[random.integer(nodes.length)]!;
}

function until({ world, random, until_ms }: Blow, longest_ms: number): number {
  return Math.min(until_ms, world.time() + longest_ms * random.next());
}

/** Up again after a while, which may be at once; tried more than once, as the crash may be still to come. */
function restart({ world, random }: Blow, node: SimulatedNode): void {
  const delay_ms = 1 + 80 * random.next() ** 2;
  world.schedule(delay_ms, node.start);
  world.schedule(3 * delay_ms, node.start);
}

/** Parts two nodes for a while, in one direction or both. */
function cut(blow: Blow, both: boolean): void {
  const { nodes, random, network, world } = blow;
  if (nodes.length < 2) return;
  const from = random.integer(nodes.length);
  const one = nodes[from]!.name;
  const other = nodes[(from + 1 + random.integer(nodes.length - 1)) % nodes.length]!.name;
  network.cut(one, other);
  if (both) network.cut(other, one);
  world.schedule(until(blow, 150) - world.time(), () => {
    network.mend(one, other);
    if (both) network.mend(other, one);
  });
}
