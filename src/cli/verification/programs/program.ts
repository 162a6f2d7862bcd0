import type { Address } from "../../../functions/turns/address.js";

/** What a key does when it is told to run a program: one operation after the other. */
export type Program = readonly Operation[];

export type Operation =
  /** Adds to the key's own counter. */
  | { readonly do: "add"; readonly by: number }
  /** Lets another key run a program, or this key, or one that waits for this key, and waits for its reply. */
  | { readonly do: "call"; readonly at: Address; readonly program: Program; readonly caught: boolean }
  /** Lets a key run a program, at once where there is no delay, and waits for nothing. */
  | { readonly do: "send"; readonly at: Address; readonly program: Program; readonly delay_ms?: number }
  /** Lets this key run a program after a delay. The name is of this operation alone, or that of a decoy. */
  | {
      readonly do: "timer";
      readonly name: string;
      readonly delay_ms: number;
      readonly program: Program;
    }
  /** Sets a timer that is due long after the run, which adds to the counter what is noticed, if it ever fires. */
  | { readonly do: "decoy"; readonly name: string }
  /** Sets a timer that is due at once, and cancels it in the same turn. */
  | { readonly do: "cancelled"; readonly name: string }
  /** Cancels a decoy. */
  | { readonly do: "cancel"; readonly name: string }
  /** Throws. What the turn did before is undone, and the program ends; earlier turns of it hold. */
  | { readonly do: "fail" };

export type OperationName = Operation["do"];

/** A program and the key that is told to run it. */
export interface AddressedProgram {
  readonly at: Address;
  readonly program: Program;
}

/** What a program that did not fail replies. */
export interface ProgramReply {
  /** What the program, and those that it called, have added. */
  readonly total: number;
  /** Random, so that a turn that runs twice is told by its reply. */
  readonly receipt: string;
}

/** What a key has counted. */
export interface Count {
  readonly sum: number;
  /** How often it added what: 1 to `greatestAddend`, at index 0 how often 1. */
  readonly times: readonly number[];
}

export const layers = ["layer-one", "layer-two", "layer-three"] as const;

export const greatestAddend = 9;
/** What never should be added. */
export const decoyAddend = 1_000_000;
export const decoyDelay_ms = 24 * 3_600_000;

/** The address of a key by its number: keys are dealt to the layers in turn. */
export function addressOf(index: number): Address {
  return { function: layers[index % layers.length]!, key: `key-${index}` };
}

export function addressText(address: Address): string {
  return `${address.function}/${address.key}`;
}
