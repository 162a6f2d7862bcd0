import type { ValueType } from "../graph/graph.js";

/** An input or output of a model as its manifest declares it. */
export interface ModelPort {
  readonly name: string;
  readonly type: ValueType;
  /** What the numbers are, in the standard's words: "equalized symbol, real and imaginary part", "noise variance". */
  readonly meaning: string;
  /** Of soft bits: which bit a positive number stands for, and by what it exceeds the natural logarithm's ratio. */
  readonly llr?: { readonly positiveBit: 0 | 1; readonly scale: number };
  /** Of symbols: by what they exceed symbols of mean power 1; √10/2 where neighbouring points of 16QAM are 1 apart. */
  readonly symbol?: { readonly scale: number };
}

/** The ports of a model. */
export interface ModelPorts {
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
}
