/**
 * The state tensors of one slot function as bytes that hold on every target and under every implementation. They say
 * themselves what they are: the version, data type and shape of each tensor, then the elements as encoding.ts writes them.
 */
import { InputError, NeuroranError } from "../../errors.js";
import type { States } from "../declaration.js";
import type { Tensor } from "../tensor.js";
import { codecOf } from "./codec.js";
import { field, stateSchema } from "./field.js";
import type { Fields } from "./schema.js";

/** State tensors by name, as they stand in an arena. */
export type StateTensors = Readonly<Record<string, Pick<Tensor, "dtype" | "shape" | "view">>>;

const header = codecOf(stateSchema({ tensors: field.text() }));

/** The canonical bytes of a function's state. */
export function encodeTensorState(states: States, tensors: StateTensors): Uint8Array {
  const description = header.encode({ tensors: JSON.stringify(describe(states, tensors)) });
  const elements = elementsCodec(states, tensors).encode(
    Object.fromEntries(Object.keys(states).map((name) => [name, tensors[name].view])),
  );
  const bytes = new Uint8Array(4 + description.length + elements.length);
  new DataView(bytes.buffer).setUint32(0, description.length, true);
  bytes.set(description, 4);
  bytes.set(elements, 4 + description.length);
  return bytes;
}

/**
 * Puts what was encoded into the tensors, all or none.
 * @throws NeuroranError STATE_MISMATCH where a tensor's version, data type or shape is another, or one is missing;
 * STATE_CORRUPT where the bytes are damaged.
 */
export function decodeTensorState(states: States, tensors: StateTensors, bytes: Uint8Array): void {
  const length = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const found = parseDescription(header.decode(bytes.subarray(4, 4 + length)).tensors);
  const expected = describe(states, tensors);
  for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const [wanted, given] = [expected[name], found[name]].map(
      (tensor) => JSON.stringify(tensor) ?? "no such tensor",
    );
    if (wanted === given) continue;
    const message = `state ${name}: the function has ${wanted} and the snapshot ${given}; restore it under the version that took it`;
    throw new NeuroranError("STATE_MISMATCH", message);
  }
  const values = elementsCodec(states, tensors).decode(bytes.subarray(4 + length)) as Readonly<
    Record<string, ArrayLike<number>>
  >;
  for (const name of Object.keys(states)) tensors[name].view.set(values[name]);
}

type Description = Readonly<Record<string, unknown>>;

function describe(states: States, tensors: StateTensors): Description {
  const entries = Object.entries(states).map(([name, { version }]) => {
    if (tensors[name] === undefined) {
      throw new InputError(`tensor of state ${name}`, undefined, "give one for each state");
    }
    const { dtype, shape } = tensors[name];
    return [name, { version, dtype, shape }] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parseDescription(text: string): Description {
  try {
    return Object(JSON.parse(text));
  } catch (cause) {
    throw new NeuroranError("STATE_CORRUPT", "the description of a snapshot's tensors cannot be read", {
      cause,
    });
  }
}

function elementsCodec(states: States, tensors: StateTensors) {
  const fields: Fields = Object.fromEntries(
    Object.keys(states).map((name) => [name, field.tensor(tensors[name].dtype, tensors[name].shape)]),
  );
  return codecOf(stateSchema(fields));
}
