import { NeuroranError } from "../../errors.js";
import type { Region } from "../arena.js";
import type { Configuration } from "../flow-instance.js";
import type { Ports, TensorsOf } from "../port.js";
import type { Tensor } from "../tensor.js";
import type { ThreadIndex } from "./swap.js";

/** A prepared variant whose tensors lie in the memory that both threads see. */
export interface SharedVariant<I extends Ports = Ports, O extends Ports = Ports> {
  readonly key: string;
  /**
   * To be filled before a slot is submitted and left alone until it is done. They stay where they are.
   * @throws NeuroranError VARIANT_RELEASED once another variant took the memory.
   */
  readonly inputs: TensorsOf<I>;
  /**
   * To be read when a slot is done, before the variant's next is submitted. To be looked up for every slot: behind a swap
   * they lie elsewhere. @throws as `inputs`.
   */
  readonly outputs: TensorsOf<O>;
  readonly released: boolean;
}

/** A variant as its executor has it. */
export interface VariantEntry {
  readonly number: number;
  readonly configuration: Configuration;
  readonly variant: SharedVariant;
  readonly region: Region;
  readonly inputs: Record<string, Tensor>;
  /** Outputs as each thread has them. */
  readonly outputs: (Record<string, Tensor> | undefined)[];
  /** Settles when a thread beside the one that served has prepared it, or cannot. */
  beside: Promise<void> | undefined;
  /** Who ran its last slot. */
  runner: ThreadIndex;
  released: boolean;
  lastUse: number;
  pending: number;
  /** Called when the last pending slot is done. */
  whenIdle: (() => void) | undefined;
}

export function createEntry(
  number: number,
  configuration: Configuration,
  region: Region,
  inputs: Record<string, Tensor>,
  lastUse: number,
): VariantEntry {
  const unlessReleased = <T>(what: T): T => {
    if (entry.released) throw releasedError(configuration.key);
    return what;
  };
  const variant: SharedVariant = {
    key: configuration.key,
    get inputs() {
      return unlessReleased(inputs);
    },
    get outputs() {
      return unlessReleased(entry.outputs[entry.runner]!);
    },
    get released() {
      return entry.released;
    },
  };
  const entry: VariantEntry = {
    number,
    configuration,
    variant,
    region,
    inputs,
    outputs: [undefined, undefined],
    beside: undefined,
    runner: 0,
    released: false,
    lastUse,
    pending: 0,
    whenIdle: undefined,
  };
  return entry;
}

export function releasedError(key: string): NeuroranError {
  return new NeuroranError(
    "VARIANT_RELEASED",
    `variant ${key} was given back: prepare its configuration again`,
  );
}
