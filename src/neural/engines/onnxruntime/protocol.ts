import type { ErrorDescription } from "../../../errors.js";
import type { ValueType } from "../../graph/graph.js";
import type { NamedTensors } from "../engine.js";

/** What a thread that holds sessions is asked. It does one request after the other, and answers each by its number. */
export type SessionRequest = { readonly number: number; readonly session: number } & (
  | { readonly kind: "open"; readonly bytes: Uint8Array }
  | { readonly kind: "run"; readonly inputs: NamedTensors }
  | { readonly kind: "release" }
);

/** What it answers. */
export type SessionAnswer = { readonly number: number } & (
  | {
      readonly kind: "opened";
      readonly inputs: Readonly<Record<string, ValueType>>;
      readonly outputs: Readonly<Record<string, ValueType>>;
    }
  | { readonly kind: "computed"; readonly outputs: NamedTensors }
  | { readonly kind: "released" }
  | { readonly kind: "failed"; readonly error: ErrorDescription }
);
