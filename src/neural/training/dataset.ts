import type { Random } from "../../system/index.js";
import type { NamedTensors } from "../engines/engine.js";

/** Where samples come from: generated as they are needed, from a seed. */
export interface Dataset {
  /**
   * The network's inputs and the loss's targets of `samples` samples, by name; the leading dimension of each is
   * `samples`. It depends on `random` only, so that a batch can be made again. The tensors may be overwritten at the next call.
   */
  batch(random: Random, samples: number): NamedTensors;
}

/** A dataset as worker threads can make it: a module that exports a function of JSON-like parameters. */
export interface DatasetReference {
  readonly module: URL;
  /** Name of an export of the module: `(parameters) => Dataset`, or a promise of it. */
  readonly factory: string;
  readonly parameters: unknown;
}
