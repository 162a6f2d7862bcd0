import { NeuroranError } from "../errors.js";
import type { Argument, Attribute, Block, Buffer, Kernel, Operation, Value } from "./operation.js";
import { byteSize, type ElementType, isFloat, sameType, scalar, type Type, typeText } from "./type.js";

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
  /** What may be used in the block, beside what its parents know. */
  readonly known: Set<Value | Buffer>;
  /** A fragment's: it may use any value of the kernel that it goes into. */
  readonly open: boolean;
  readonly parent: Scope | undefined;
}

// Tracing is synchronous and one kernel at a time, so the insertion point is a module variable.
let current: Scope | undefined;
let nextId = 0;

function scope(): Scope {
  if (!current) throw new KernelError("operations are built inside kernel(…) only");
  return current;
}

function makeValue(type: Type, definition?: Operation): Value {
  return definition ? { id: nextId++, type, definition } : { id: nextId++, type };
}

function expectKnown(name: string, used: Value | Buffer): void {
  for (let s: Scope | undefined = scope(); s; s = s.parent) if (s.open || s.known.has(used)) return;
  const what = "position" in used ? `buffer ${used.name}` : `a value of type ${typeText(used.type)}`;
  throw new KernelError(`${name}: ${what} is used outside the block or the kernel that it belongs to`);
}

/**
 * Appends an operation and returns it.
 * @throws KernelError for an operand or a buffer of another kernel, or of a block that has ended.
 */
export function append(
  name: string,
  operands: readonly Value[],
  resultTypes: readonly Type[],
  more: {
    attributes?: Record<string, Attribute>;
    buffer?: Buffer;
    regions?: readonly Block[];
  } = {},
): Operation {
  for (const operand of operands) expectKnown(name, operand);
  if (more.buffer) expectKnown(name, more.buffer);
  const results: Value[] = [];
  const operation: Operation = {
    name,
    operands,
    results,
    attributes: more.attributes ?? {},
    regions: more.regions ?? [],
    ...(more.buffer ? { buffer: more.buffer } : {}),
  };
  const { block, known } = scope();
  for (const type of resultTypes) {
    const value = makeValue(type, operation);
    results.push(value);
    known.add(value);
  }
  block.operations.push(operation);
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
  more: { known?: readonly (Value | Buffer)[]; open?: boolean } = {},
): Block {
  const arguments_ = argumentTypes.map((type) => makeValue(type));
  const block: Block = { arguments: arguments_, operations: [] };
  const saved = current;
  const known = new Set<Value | Buffer>([...arguments_, ...(more.known ?? [])]);
  current = { block, constants: new Map(), known, open: more.open ?? false, parent: saved };
  try {
    const yielded = body(arguments_) ?? [];
    if (terminator) append(terminator, yielded, []);
  } finally {
    current = saved;
  }
  return block;
}

/** One number as a constant holds it. @throws KernelError where the type has no such number. */
function normalNumber(type: Type, value: number | bigint): number | bigint {
  const { element } = type;
  if (isFloat(element)) return Number(value);
  if (typeof value === "number" && !Number.isInteger(value))
    throw new KernelError(`${value} is no ${element}`);
  const limit = 2 ** (element === "i1" ? 1 : byteSize(element) * 8);
  if (value < -limit / 2 || value >= limit) throw new KernelError(`${value} does not fit ${element}`);
  if (element === "i1") return BigInt(value) & 1n;
  if (element === "i64") return BigInt(value);
  return Number(value) + 0;
}

/**
 * A constant; equal ones in reach are one value.
 * @param value one number, for all lanes of a vector, or one number a lane; an integer may be given as signed or as
 * unsigned
 * @throws KernelError for a number that the type does not hold, or a list of another length than the lanes.
 */
export function constant(type: Type, value: number | bigint | readonly (number | bigint)[]): Value {
  let normal: Attribute;
  if (typeof value === "object") {
    if (value.length !== type.lanes) {
      throw new KernelError(`${value.length} numbers do not fill ${typeText(type)}`);
    }
    normal = value.map((v) => normalNumber(type, v));
  } else {
    normal = normalNumber(type, value);
  }
  const key = `${typeText(type)}:${typeof normal === "object" ? normal.map(numberKey).join() : numberKey(normal)}`;
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

/** The number that a value is, if it is a constant of one number (a splat counts). */
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

/**
 * Declares memory of at most `length` elements; a length that is no whole number is rounded up, one below 1 is 1.
 * @throws KernelError for i1 and index, which memory does not hold, and for a length that is no finite number.
 */
export function buffer(
  element: ElementType,
  length: number,
): { kind: "buffer"; element: ElementType; length: number } {
  if (element === "i1" || element === "index") throw new KernelError(`memory holds no ${element}`);
  if (!Number.isFinite(length)) throw new KernelError(`memory of ${length} elements`);
  return { kind: "buffer", element, length: Math.max(1, Math.ceil(length)) };
}

/** Declares a scalar argument. i64 would be a BigInt at the call, i1 a boolean: they are not offered. */
export function argument(element: Exclude<ElementType, "i64" | "i1">): {
  kind: "scalar";
  element: ElementType;
} {
  return { kind: "scalar", element };
}

type Arguments<A extends Record<string, ArgumentDeclaration>> = {
  [K in keyof A]: A[K] extends { kind: "buffer" } ? Buffer : Value;
};

const identifier = /^[A-Za-z_]\w*$/;

function checkIdentifier(text: string): void {
  if (!identifier.test(text)) throw new KernelError(`"${text}" is no identifier`);
}

/**
 * Declares a kernel. `body` runs once, when the kernel's operations are first asked for: a kernel whose code is known by
 * its name is never built. It appends operations by calling the dialects' functions; it may return a scalar, which the
 * compiled kernel returns (an i8 or i16 with its sign, an i1 as 0 or 1).
 * @param name unique for the specialization: letters, digits, underscores
 * @param declarations the arguments by name, in the order of the compiled kernel's parameters
 * @throws KernelError for a name that is no identifier; on building, for a mistake in the kernel: operands of different
 * types, a value used outside its block, a result that is a vector or i64.
 */
export function kernel<A extends Record<string, ArgumentDeclaration>>(
  name: string,
  declarations: A,
  body: (arguments_: Arguments<A>) => Value | void,
): Kernel {
  checkIdentifier(name);
  for (const own in declarations) checkIdentifier(own);
  return new DeclaredKernel(name, declarations, body as (given: NamedArguments) => Value | void);
}

type NamedArguments = Record<string, Buffer | Value>;

/**
 * A kernel that is built on demand. A class and no literal with getters: each of those is of a shape of its own, which the
 * engine keeps, and all that it refers to, long after the kernel.
 */
class DeclaredKernel implements Kernel {
  readonly name: string;
  readonly #declarations: Readonly<Record<string, ArgumentDeclaration>>;
  readonly #body: (given: NamedArguments) => Value | void;
  #arguments: readonly Argument[] | undefined;
  #built: { readonly block: Block; readonly result: Value | undefined } | undefined;

  constructor(
    name: string,
    declarations: Readonly<Record<string, ArgumentDeclaration>>,
    body: (given: NamedArguments) => Value | void,
  ) {
    this.name = name;
    this.#declarations = declarations;
    this.#body = body;
  }

  get arguments(): readonly Argument[] {
    this.#arguments ??= listArguments(this.#declarations);
    return this.#arguments;
  }

  get body(): Block {
    this.#built ??= buildKernel(this.name, this.arguments, this.#body);
    return this.#built.block;
  }

  get result(): Value | undefined {
    this.#built ??= buildKernel(this.name, this.arguments, this.#body);
    return this.#built.result;
  }
}

function listArguments(declarations: Readonly<Record<string, ArgumentDeclaration>>): Argument[] {
  return Object.entries(declarations).map(([name, declaration], position) =>
    declaration.kind === "buffer"
      ? {
          kind: "buffer",
          buffer: { name, element: declaration.element, length: declaration.length, position },
        }
      : { kind: "scalar", name, value: makeValue(scalar(declaration.element)) },
  );
}

function buildKernel(
  name: string,
  list: readonly Argument[],
  body: (given: NamedArguments) => Value | void,
): { readonly block: Block; readonly result: Value | undefined } {
  if (current) throw new KernelError(`${name}: a kernel is not built inside another`);
  const known = list.map((a) => (a.kind === "buffer" ? a.buffer : a.value));
  const names = list.map((a) => (a.kind === "buffer" ? a.buffer.name : a.name));
  const named = Object.fromEntries(names.map((own, index) => [own, known[index]!]));
  let result: Value | undefined;
  const block = buildBlock(
    [],
    () => {
      result = body(named) ?? undefined;
      if (!result) return;
      expectKnown(name, result);
      if (result.type.lanes > 0 || result.type.element === "i64") {
        throw new KernelError(`${name} returns ${typeText(result.type)}: store it in a buffer`);
      }
    },
    undefined,
    { known },
  );
  return { block, result };
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
      { open: true },
    );
    return { block, result: result! };
  } finally {
    current = saved;
  }
}
