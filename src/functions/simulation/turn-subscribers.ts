import type { Address } from "../turns/address.js";
import type { CommitDomain, LoggedEvent } from "../turns/commit-domain.js";
import type { ProgramEvent } from "./interpreter.js";
import type { Machine } from "./node.js";
import type { World } from "./world.js";

/** Follows the events of one key from the first, across crashes of the key's node. */
export interface Subscriber {
  readonly address: Address;
  readonly events: readonly ProgramEvent[];
}

/** @param owner the domain that owns the key while its node is up. */
export function startSubscriber(
  world: World,
  address: Address,
  owner: () => { readonly machine: Machine; readonly domain: CommitDomain } | undefined,
): Subscriber {
  const events: ProgramEvent[] = [];
  let subscribed: Machine | undefined;
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

  function look(): void {
    const found = owner();
    if (found !== undefined && found.machine !== subscribed) {
      const { machine, domain } = found;
      subscribed = machine;
      domain.subscribe(address, events.length + 1, (event) => {
        if (machine.isUp()) take(event);
      });
    }
    world.schedule(20, look);
  }

  look();
  return { address, events };
}
