import type { Address } from "../turns/address.js";
import type { CommitDomain, LoggedEvent } from "../turns/commit-domain.js";
import type { ProgramEvent } from "./interpreter.js";
import type { Machine } from "./node.js";
import type { World } from "./world.js";

/** Follows the events of one key from the first, across crashes of the key's node; it leaves and comes back at times. */
export interface Subscriber {
  readonly address: Address;
  readonly events: readonly ProgramEvent[];
  /** Told that the key publishes: at times it comes back just then, when nothing of it is durable. */
  published(): void;
}

/** @param owner the domain that owns the key while its node is up. */
export function startSubscriber(
  world: World,
  address: Address,
  owner: () => { readonly machine: Machine; readonly domain: CommitDomain } | undefined,
): Subscriber {
  const events: ProgramEvent[] = [];
  let subscribed: Machine | undefined;
  let end = (): void => {};
  const random = world.random.fork(`subscriber of ${address.function} ${address.key}`);
  const name = `${address.function} ${address.key}`;

  function take({ position, event }: LoggedEvent): void {
    if (position !== events.length + 1) {
      world.violate(
        "a key's events come in order, without gap or repetition",
        `${name}: position ${position} after ${events.length}`,
      );
    }
    events.push(event as ProgramEvent);
  }

  function subscribe(anew: boolean): void {
    const found = owner();
    if (found !== undefined && (found.machine !== subscribed || anew)) {
      const { machine, domain } = found;
      if (machine === subscribed) end();
      subscribed = machine;
      end = domain.subscribe(address, events.length + 1, (event) => {
        if (machine.isUp()) take(event);
      });
    }
  }

  function look(): void {
    subscribe(random.integer(4) === 0);
    world.schedule(40 * random.next(), look);
  }

  look();
  return {
    address,
    events,
    published() {
      if (random.integer(3) === 0) world.schedule(random.next(), () => subscribe(true));
    },
  };
}
