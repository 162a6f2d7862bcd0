import { type Cell, cellCount, type NetworkPlan, operandsOf, type Step, usesOf } from "./plan.js";

type Steps = Pick<NetworkPlan, "steps" | "results">;

/**
 * The same with the functions that are applied to all outputs of a layer, and to nothing else, made part of it, and without
 * what nobody takes.
 */
export function fuse(given: Steps): Steps {
  const uses = usesOf(given);
  const firsts: Cell[] = [];
  const owners: number[] = [];
  given.steps.forEach((step, index) => {
    firsts.push(owners.length);
    for (let k = 0; k < cellCount(step); k++) owners.push(index);
  });
  const steps: (Step | undefined)[] = [...given.steps];
  given.steps.forEach((step, index) => {
    if (step.kind !== "unary") return;
    const before = owners[step.operands[0]!]!;
    const layer = steps[before];
    const takesAll =
      layer?.kind === "dense" &&
      layer.activation === undefined &&
      layer.outputs === step.operands.length &&
      step.operands.every((cell, k) => cell === firsts[before]! + k && uses[cell] === 1);
    if (!takesAll) return;
    steps[index] = { ...layer, activation: step.function };
    steps[before] = undefined;
  });
  return compacted(steps, firsts, given.results);
}

/** Only the steps that results depend on, their cells counted anew. */
function compacted(
  steps: readonly (Step | undefined)[],
  firsts: readonly Cell[],
  results: readonly Cell[],
): Steps {
  const wanted = new Set<Cell>(results);
  const kept: { readonly step: Step; readonly first: Cell }[] = [];
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index];
    if (step === undefined) continue;
    const first = firsts[index]!;
    const isTaken = Array.from({ length: cellCount(step) }, (_, k) => first + k).some((cell) =>
      wanted.has(cell),
    );
    // The inputs are given in any case.
    if (!isTaken && step.kind !== "input") continue;
    for (const cell of operandsOf(step)) wanted.add(cell);
    kept.unshift({ step, first });
  }
  const renamed = new Map<Cell, Cell>();
  const name = (cell: Cell): Cell => renamed.get(cell)!;
  for (const { step, first } of kept)
    for (let k = 0; k < cellCount(step); k++) renamed.set(first + k, renamed.size);
  return { steps: kept.map(({ step }) => withOperands(step, name)), results: results.map(name) };
}

function withOperands(step: Step, name: (cell: Cell) => Cell): Step {
  switch (step.kind) {
    case "input":
    case "table":
      return step;
    case "dense":
      return { ...step, inputs: step.inputs.map(name) };
    case "unary":
      return { ...step, operands: step.operands.map(name) };
    case "binary":
      return { ...step, left: step.left.map(name), right: step.right.map(name) };
  }
}
