import { NeuroranError } from "../errors.js";
import type { Argument, Attribute, Block, Buffer, Kernel, Operation, Value } from "./operation.js";
import { type ElementType, isFloat, sameType, scalar, type Type, typeText } from "./type.js";

/** A mistake in a kernel's text, found while it is built. */
export class KernelError extends NeuroranError {
  constructor(message: string) {
    super("KERNEL_INVALID", message);
  }
}

/** A number stands for a constant of the type that the other operands give it. */
export type Operand = Value | number | bigint;

interface Scope {
  readonly block: Block;
  readonly constants: Map<string, Value>;
  readonly parent?: Scope | undefined;
}

// Tracing is synchronous and one kernel at a time, so the insertion point is a module variable.
let current: Scope | undefined;
let nextId = 0;

function scope(): Scope {
  if (!current) throw new KernelError("operations are built inside kernel(…) only");
  return current;
}

/** Makes a value that an operation or a block defines. */
export function makeValue(type: Type, definition?: Operation): Value {
  return definition ? { id: nextId++, type, definition } : { id: nextId++, type };
}

/** Appends an operation and returns it. */
export function append(
  name: string,
  operands: readonly Value[],
  resultTypes: readonly Type[],
  more: {
    attributes?: Record<string, Attribute>;
    buffer?: Buffer;
    regions?: readonly Block[];
    results?: readonly Value[];
  } = {},
): Operation {
  const results: Value[] = [];
  const operation: Operation = {
    name,
    operands,
    results,
    attributes: more.attributes ?? {},
    regions: more.regions ?? [],
    ...(more.buffer ? { buffer: more.buffer } : {}),
  };
  for (const type of resultTypes) results.push(makeValue(type, operation));
  scope().block.operations.push(operation);
  return operation;
}

/** Appends an operation of one result. */
export function appendOne(
  name: string,
  operands: readonly Value[],
  type: Type,
  more: { attributes?: Record<string, Attribute>; buffer?: Buffer } = {},
): Value {
  return append(name, operands, [type], more).results[0]!;
}

/** Builds a block: `body` gets the arguments and returns what the block yields. */
export function buildBlock(
  argumentTypes: readonly Type[],
  body: (arguments_: Value[]) => readonly Value[] | void,
  terminator: string | undefined,
): Block {
  const arguments_ = argumentTypes.map((type) => makeValue(type));
  const block: Block = { arguments: arguments_, operations: [] };
  const saved = current;
  current = { block, constants: new Map(), parent: saved };
  try {
    const yielded = body(arguments_) ?? [];
    if (terminator) append(terminator, yielded, []);
  } finally {
    current = saved;
  }
  return block;
}

/** A constant; equal ones in reach are one value. `number` for a splat, an array for one number a lane. */
export function constant(type: Type, value: number | bigint | readonly (number | bigint)[]): Value {
  const wide = type.element === "i64" || type.element === "i1";
  let normal: Attribute;
  if (Array.isArray(value)) {
    if (value.length !== type.lanes) {
      throw new KernelError(`${value.length} numbers do not fill ${typeText(type)}`);
    }
    normal = (value as readonly (number | bigint)[]).map((v) => (wide ? BigInt(v) : Number(v)));
  } else {
    normal = wide ? BigInt(value as number) : Number(value);
  }
  if (!isFloat(type.element)) {
    for (const v of Array.isArray(normal) ? normal : [normal]) {
      if (typeof v === "number" && !Number.isInteger(v)) {
        throw new KernelError(`${v} is no ${type.element}`);
      }
    }
  }
  const key = `${typeText(type)}:${Array.isArray(normal) ? normal.map(numberKey).join() : numberKey(normal)}`;
  for (let s: Scope | undefined = scope(); s; s = s.parent) {
    const known = s.constants.get(key);
    if (known) return known;
  }
  const result = appendOne("arith.constant", [], type, { attributes: { value: normal } });
  scope().constants.set(key, result);
  return result;
}

function numberKey(v: Attribute): string {
  return Object.is(v, -0) ? "-0" : String(v);
}

/** The constant that a value is, if it is one (a splat counts). */
export function constantOf(value: Value): number | bigint | undefined {
  if (value.definition?.name !== "arith.constant") return undefined;
  const v = value.definition.attributes.value;
  return typeof v === "number" || typeof v === "bigint" ? v : undefined;
}

/** Turns operands into values of one type: at least one of them, or `hint`, must carry it. */
export function unify(name: string, operands: readonly Operand[], hint?: Type): Value[] {
  const typed = operands.find((o): o is Value => typeof o === "object");
  const type = typed?.type ?? hint;
  if (!type)
    throw new KernelError(`${name}: at least one operand must be a value, the others may be numbers`);
  return operands.map((operand) => {
    if (typeof operand !== "object") return constant(type, operand);
    if (!sameType(operand.type, type)) {
      throw new KernelError(`${name}: operands are ${typeText(type)} and ${typeText(operand.type)}`);
    }
    return operand;
  });
}

/** An index operand: a number is a constant of type `index`. */
export function asIndex(operand: Operand): Value {
  if (typeof operand !== "object") return constant(scalar("index"), operand);
  if (operand.type.element !== "index") {
    throw new KernelError(`an index is of type index, not ${typeText(operand.type)}: use arith.indexCast`);
  }
  return operand;
}

/** What a kernel takes: memory or a scalar. */
export type ArgumentDeclaration =
  | { readonly kind: "buffer"; readonly element: ElementType; readonly length: number }
  | { readonly kind: "scalar"; readonly element: ElementType };

/** Declares memory of at most `length` elements. */
export function buffer(
  element: ElementType,
  length: number,
): { kind: "buffer"; element: ElementType; length: number } {
  if (element === "i1" || element === "index") throw new KernelError(`memory holds no ${element}`);
  return { kind: "buffer", element, length: Math.max(1, Math.ceil(length)) };
}

/** Declares a scalar argument. i64 arguments are BigInts at the call and not offered. */
export function argument(element: Exclude<ElementType, "i64" | "i1">): {
  kind: "scalar";
  element: ElementType;
} {
  return { kind: "scalar", element };
}

type Arguments<A extends Record<string, ArgumentDeclaration>> = {
  [K in keyof A]: A[K] extends { kind: "buffer" } ? Buffer : Value;
};

/**
 * Builds a kernel. `body` runs once, with the arguments in declared order, and appends operations by calling the
 * dialects' functions; it may return a scalar.
 * @param name unique for the specialization: letters, digits, underscores.
 * @throws KernelError for a mistake in the kernel.
 */
export function kernel<A extends Record<string, ArgumentDeclaration>>(
  name: string,
  declarations: A,
  body: (arguments_: Arguments<A>) => Value | void,
): Kernel {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new KernelError(`${name}: a kernel's name is an identifier`);
  if (current) throw new KernelError(`${name}: a kernel is not built inside another`);
  const list: Argument[] = Object.entries(declarations).map(([argumentName, declaration], position) =>
    declaration.kind === "buffer"
      ? {
          kind: "buffer",
          buffer: { name: argumentName, element: declaration.element, length: declaration.length, position },
        }
      : { kind: "scalar", name: argumentName, value: makeValue(scalar(declaration.element)) },
  );
  const named = Object.fromEntries(
    list.map((a) => (a.kind === "buffer" ? [a.buffer.name, a.buffer] : [a.name, a.value])),
  ) as Arguments<A>;
  let result: Value | undefined;
  const block = buildBlock(
    [],
    () => {
      result = body(named) ?? undefined;
    },
    undefined,
  );
  return { name, arguments: list, body: block, ...(result ? { result } : {}) };
}

/** Builds operations outside any kernel, for a pass that replaces one operation by several. */
export function buildFragment(body: () => Value): { block: Block; result: Value } {
  let result: Value | undefined;
  const saved = current;
  current = undefined;
  try {
    const block = buildBlock(
      [],
      () => {
        result = body();
      },
      undefined,
    );
    return { block, result: result! };
  } finally {
    current = saved;
  }
}
