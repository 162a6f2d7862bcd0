import type { Entry } from "../../bus/index.js";
import type { Address } from "../turns/address.js";
import type { CommitDomain } from "../turns/commit-domain.js";
import type { StatefulFunctionData } from "../turns/declaration.js";
import type { InterpreterState } from "./interpreter.js";
import type { Machine } from "./node.js";
import type { SimulatedDisk } from "./simulated-disk.js";

/** Which node owns a key group of a function. */
export type Placement = (functionName: string, group: number) => string;

/** The code under test of the turn scenario: commit domains, one a node. */
export interface TurnRuntime {
  /** Called at each start of a node; the functions are deployed. */
  start(machine: Machine, placement: Placement, functions: readonly StatefulFunctionData[]): CommitDomain;
  /** The state of a key as a store has it: read from outside, it is what is durable. */
  stateOf(disk: SimulatedDisk, address: Address): InterpreterState | undefined;
  /** What of a store's entries should have been collected when all that was asked is done and acknowledged. */
  residue(entries: readonly Entry[], sessionsAreOver: boolean): string[];
}
