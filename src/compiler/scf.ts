import { append, asIndex, buildBlock, constantOf, KernelError, type Operand } from "./builder.js";
import type { Value } from "./operation.js";
import { sameType, scalar, typeText } from "./type.js";

function checkYield(name: string, expected: readonly Value[], yielded: readonly Value[]): void {
  if (expected.length !== yielded.length) {
    throw new KernelError(
      `${name}: ${yielded.length} values come out of the body, ${expected.length} are expected`,
    );
  }
  expected.forEach((e, k) => {
    if (!sameType(e.type, yielded[k]!.type)) {
      throw new KernelError(
        `${name}: value ${k} is ${typeText(yielded[k]!.type)}, expected ${typeText(e.type)}`,
      );
    }
  });
}

/**
 * Counts from `lower` in steps of `step` (above 0; a constant below 1 is a KernelError) while below `upper`, signed; not
 * at all where `lower` is not below `upper`.
 */
function forLoop(lower: Operand, upper: Operand, step: Operand, body: (index: Value) => void): void;
/** The same, carrying values from one iteration to the next; returns what the last one gave, or `initial`. */
function forLoop(
  lower: Operand,
  upper: Operand,
  step: Operand,
  initial: readonly Value[],
  body: (index: Value, carried: Value[]) => readonly Value[],
): Value[];
function forLoop(
  lower: Operand,
  upper: Operand,
  step: Operand,
  third: readonly Value[] | ((index: Value) => void),
  fourth?: (index: Value, carried: Value[]) => readonly Value[],
): Value[] {
  const initial = typeof third === "function" ? [] : third;
  const bounds = [asIndex(lower), asIndex(upper), asIndex(step)];
  const stride = constantOf(bounds[2]!);
  if (stride !== undefined && stride < 1) throw new KernelError(`scf.for: a step of ${stride}`);
  const block = buildBlock(
    [scalar("index"), ...initial.map((v) => v.type)],
    ([index, ...carried]) => {
      if (typeof third === "function") {
        third(index!);
        return [];
      }
      const next = fourth!(index!, carried);
      checkYield("scf.for", initial, next);
      return next;
    },
    "scf.yield",
  );
  const operation = append(
    "scf.for",
    [...bounds, ...initial],
    initial.map((v) => v.type),
    { regions: [block] },
  );
  return [...operation.results];
}

/**
 * Runs one of two bodies; both give values of the same types, or none.
 * @throws KernelError unless the condition is a scalar i1 and the bodies agree.
 */
function ifElse(
  condition: Value,
  then: () => readonly Value[] | void,
  otherwise?: () => readonly Value[] | void,
): Value[] {
  if (!sameType(condition.type, scalar("i1"))) {
    throw new KernelError(`scf.if takes i1, not ${typeText(condition.type)}`);
  }
  let thenValues: readonly Value[] = [];
  const thenBlock = buildBlock(
    [],
    () => {
      thenValues = then() ?? [];
      return thenValues;
    },
    "scf.yield",
  );
  const elseBlock = buildBlock(
    [],
    () => {
      const values = otherwise?.() ?? [];
      checkYield("scf.if", thenValues, values);
      return values;
    },
    "scf.yield",
  );
  const operation = append(
    "scf.if",
    [condition],
    thenValues.map((v) => v.type),
    { regions: [thenBlock, elseBlock] },
  );
  return [...operation.results];
}

/** Operations of MLIR's `scf` dialect. An unrolled loop is a loop of TypeScript. */
export const scf = { for: forLoop, if: ifElse };
