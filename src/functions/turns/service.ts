import type { Store, Write } from "../../bus/index.js";
import { InputError } from "../../errors.js";
import { admitSchema } from "../schema/index.js";
import type { StatefulFunctionData } from "./declaration.js";
import type { Ledger } from "./ledger.js";
import { sessionFunction } from "./sessions.js";
import type { KeyStates } from "./turn.js";

/** A function in service. */
export interface Deployed extends KeyStates {
  /** What must be in the store before its first state. */
  readonly writes: readonly Write[];
  readonly data: StatefulFunctionData;
  turns: number;
  failedTurns: number;
}

/** The functions of a domain that are in service, by name. */
export interface Service {
  readonly functions: ReadonlyMap<string, Deployed>;
  /**
   * Puts all of them into service, or none.
   * @throws InputError for a state that they cannot read, or that has changed without a new version.
   */
  add(functions: readonly StatefulFunctionData[]): void;
  remove(name: string): void;
  /** Writes again what a commit that failed has lost of it. */
  restore(): void;
}

/** What is in service over `store`; how the states of each version are laid out goes to `ledger`. */
export function createService(store: Store, ledger: Ledger): Service {
  const functions = new Map<string, Deployed>();

  const prepare = (data: StatefulFunctionData) => {
    if (data.name === sessionFunction) {
      throw new InputError("function.name", data.name, "clients' sessions go by this name: choose another");
    }
    return { data, ...admitSchema(store, data.name, data.state) };
  };

  return {
    functions,
    add(added) {
      for (const { data, codec, writes } of added.map(prepare)) {
        const { turns = 0, failedTurns = 0 } = functions.get(data.name) ?? {};
        const initialBytes = codec.encode(codec.initial());
        functions.set(data.name, { data, codec, writes, initialBytes, turns, failedTurns });
        for (const { key, value } of writes) ledger.put(key, value);
      }
    },
    remove: (name) => void functions.delete(name),
    restore() {
      for (const { writes } of functions.values()) {
        for (const { key, value } of writes) if (!ledger.has(key)) ledger.put(key, value);
      }
    },
  };
}
