import type { KernelOrigin } from "./origin.js";
import type { ElementType, Type } from "./type.js";

/** A value of the static single assignment form: the result of one operation or an argument of one block. */
export interface Value {
  readonly id: number;
  readonly type: Type;
  /** The operation that defines it; absent for block arguments and kernel arguments. */
  readonly definition?: Operation;
}

/** A kernel argument that is a region of memory: MLIR's `memref<length x element>`. */
export interface Buffer {
  readonly name: string;
  readonly element: ElementType;
  /** Upper bound of the number of elements: the type of the `memref`. */
  readonly length: number;
  /** Position among the kernel's arguments. */
  readonly position: number;
}

export type Attribute = string | number | bigint | readonly (number | bigint)[];

/** One operation; `name` is MLIR's, dialect included (`arith.addi`, `scf.for`). */
export interface Operation {
  readonly name: string;
  readonly operands: readonly Value[];
  readonly results: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The memory that the operation reads or writes. */
  readonly buffer?: Buffer;
  readonly regions: readonly Block[];
}

/** A straight line of operations. A loop's block takes the induction variable and the iteration arguments. */
export interface Block {
  readonly arguments: readonly Value[];
  readonly operations: Operation[];
}

/** A kernel argument: memory, or a scalar. */
export type Argument =
  | { readonly kind: "buffer"; readonly buffer: Buffer }
  | { readonly kind: "scalar"; readonly name: string; readonly value: Value };

/** A kernel that other threads can build. */
export type OriginatedKernel = Kernel & { readonly origin: KernelOrigin };

/** A kernel: one function over buffers and scalars, specialized on everything that its name says. */
export interface Kernel {
  /** Unique for the specialization; letters, digits and underscores: a cache may be keyed by it. */
  readonly name: string;
  readonly arguments: readonly Argument[];
  /** Where other threads find what builds it; absent where they cannot. */
  readonly origin?: KernelOrigin;
  /** Built when first asked for. @throws KernelError for a mistake in the kernel. */
  readonly body: Block;
  readonly result: Value | undefined;
}
