/** One number of each sample, by the order in which a plan's steps make them. */
export type Cell = number;

/** Functions of one number. */
export type UnaryFunction =
  | "abs"
  | "exp"
  | "log"
  | "neg"
  | "reciprocal"
  | "relu"
  | "sigmoid"
  | "softplus"
  | "sqrt"
  | "tanh";

/** Functions of two numbers. */
export type BinaryFunction = "add" | "sub" | "mul" | "div" | "min" | "max" | "leakyRelu";

/** What makes cells from earlier ones; as many as `count` of an input or a table, `outputs` or operands of the others. */
export type Step =
  /** The numbers of a sample, in the order of the network's inputs. */
  | { readonly kind: "input"; readonly count: number }
  /** Numbers of the table: the same for every sample. */
  | { readonly kind: "table"; readonly first: number; readonly count: number }
  /**
   * Weighted sums: output o is `bias[o] + Σ weights[i·outputs + o]·inputs[i]`, then `activation` of it. Weights and bias
   * stand in the table from these numbers on.
   */
  | {
      readonly kind: "dense";
      readonly inputs: readonly Cell[];
      readonly outputs: number;
      readonly weights: number;
      readonly bias: number | undefined;
      readonly activation: UnaryFunction | undefined;
    }
  /**
   * The same at many places: sums of `taps` of the inputs for each of the rows, which the bits of numbers in the table from `places`
   * on choose, `[row][tap]`; one past the last input is 0, the margin of a picture. Makes cells `[row][output]`.
   */
  | {
      readonly kind: "repeated";
      readonly inputs: readonly Cell[];
      readonly rows: number;
      readonly taps: number;
      readonly places: number;
      readonly outputs: number;
      readonly weights: number;
      readonly bias: number | undefined;
      readonly activation: UnaryFunction | undefined;
    }
  | { readonly kind: "unary"; readonly function: UnaryFunction; readonly operands: readonly Cell[] }
  | {
      readonly kind: "binary";
      readonly function: BinaryFunction;
      readonly left: readonly Cell[];
      readonly right: readonly Cell[];
    };

/** A step that adds up weighted numbers. */
export type Layer = Extract<Step, { kind: "dense" | "repeated" }>;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The number of a table whose bits are a place: what is read as an integer needs no conversion. */
export function numberOfPlace(place: number): number {
  word[0] = place;
  return float[0]!;
}

/** The place that a number of a table stands for. */
export function placeOfNumber(number: number): number {
  float[0] = number;
  return word[0]!;
}

/** Numbers that a layer adds up. */
export function tapsOf(layer: Layer): number {
  return layer.kind === "dense" ? layer.inputs.length : layer.taps;
}

/** Multiplications of a step by weights. */
export function productsOf(step: Step): number {
  return step.kind === "dense" || step.kind === "repeated" ? tapsOf(step) * cellCount(step) : 0;
}

/** An input or output of a network as each sample has it. */
export interface SamplePort {
  readonly name: string;
  /** Numbers of a sample. */
  readonly features: number;
  /** Of a sample: without the batch. */
  readonly shape: readonly number[];
}

/**
 * What a network computes for each sample, without its weights: networks of one structure have the same. Plain data, so
 * that it can be handed to the compiler's thread.
 */
export interface NetworkPlan {
  readonly inputs: readonly SamplePort[];
  readonly outputs: readonly SamplePort[];
  readonly steps: readonly Step[];
  /** The cells of all outputs, one output after the other. */
  readonly results: readonly Cell[];
  /** Numbers of the table that holds the weights. */
  readonly tableLength: number;
}

/** Cells that a step makes. */
export function cellCount(step: Step): number {
  switch (step.kind) {
    case "input":
    case "table":
      return step.count;
    case "dense":
      return step.outputs;
    case "repeated":
      return step.rows * step.outputs;
    case "unary":
      return step.operands.length;
    case "binary":
      return step.left.length;
  }
}

/** Cells that a step takes. */
export function operandsOf(step: Step): readonly Cell[] {
  switch (step.kind) {
    case "input":
    case "table":
      return [];
    case "dense":
    case "repeated":
      return step.inputs;
    case "unary":
      return step.operands;
    case "binary":
      return [...step.left, ...step.right];
  }
}

/** How often each cell is taken, by steps and as a result. */
export function usesOf({ steps, results }: Pick<NetworkPlan, "steps" | "results">): Uint32Array {
  const uses = new Uint32Array(steps.reduce((sum, step) => sum + cellCount(step), 0));
  for (const step of steps) for (const cell of operandsOf(step)) uses[cell]!++;
  for (const cell of results) uses[cell]!++;
  return uses;
}

/** Multiplications of a sample by weights. */
export function multiplications({ steps }: NetworkPlan): number {
  return steps.reduce((sum, step) => sum + productsOf(step), 0);
}
