import type { BaseGraph } from "./base-graphs.js";
import { shift } from "./base-graphs.js";

/** How check nodes are computed. */
export type CheckRule =
  /** Normalized min-sum: the smallest other magnitude times `factor`. */
  { readonly name: "min-sum"; readonly factor: number } | { readonly name: "sum-product" };

export interface DecoderOptions {
  readonly rule: CheckRule;
  readonly iterations: number;
  /** Stop after an iteration whose decisions fulfil every check that is used; default true. */
  readonly earlyStop?: boolean;
  /** Use only the first rows of the base graph; default all. */
  readonly rows?: number;
}

export interface DecoderResult {
  /** A-posteriori LLRs of all columns·Z bits, the 2·Z punctured ones first. */
  readonly posterior: number[];
  /** Decisions: 1 where the LLR is negative. */
  readonly bits: number[];
  readonly iterations: number;
  /** True when all used checks hold. */
  readonly satisfied: boolean;
}

/** Messages of a check node to its bits from theirs: for each the combination of all others. */
export function checkNode(incoming: readonly number[], rule: CheckRule): number[] {
  return incoming.map((_, target) => {
    const others = incoming.filter((_, index) => index !== target);
    const sign = others.reduce((product, value) => (value < 0 ? -product : product), 1);
    const magnitudes = others.map(Math.abs);
    if (rule.name === "min-sum") {
      return sign * rule.factor * Math.min(...magnitudes);
    }
    // tanh(c/2) = Π tanh(x/2), in pairs and in a form that keeps large values.
    return (
      sign *
      magnitudes.reduce(
        (a, b) => Math.min(a, b) + Math.log1p(Math.exp(-(a + b))) - Math.log1p(Math.exp(-Math.abs(a - b))),
      )
    );
  });
}

/**
 * Row-layered belief propagation on a lifted base graph in double precision, row after row, Z checks at a time.
 *
 * @param llrs LLRs (positive is 0) of all columns·Z code bits; punctured bits 0, filler bits a large value
 */
export function decode(
  graph: BaseGraph,
  liftingSize: number,
  llrs: readonly number[],
  options: DecoderOptions,
): DecoderResult {
  const posterior = [...llrs];
  const rows = Array.from({ length: options.rows ?? graph.rows }, (_, row) =>
    graph.entries
      .filter((entry) => entry.row === row)
      .map((entry) => ({ column: entry.column, shift: shift(entry, liftingSize) })),
  );
  const checks = rows.flatMap((entries) =>
    Array.from({ length: liftingSize }, (_, r) =>
      entries.map((entry) => entry.column * liftingSize + ((r + entry.shift) % liftingSize)),
    ),
  );
  const messages = checks.map((check) => check.map(() => 0));
  const holds = () => checks.every((check) => check.filter((bit) => posterior[bit]! < 0).length % 2 === 0);

  let iteration = 0;
  let satisfied = false;
  while (iteration < options.iterations && !(satisfied && (options.earlyStop ?? true))) {
    checks.forEach((check, number) => {
      const old = messages[number]!;
      const incoming = check.map((bit, index) => posterior[bit]! - old[index]!);
      const outgoing = checkNode(incoming, options.rule);
      check.forEach((bit, index) => {
        posterior[bit] = incoming[index]! + outgoing[index]!;
      });
      messages[number] = outgoing;
    });
    iteration++;
    satisfied = holds();
  }
  return { posterior, bits: posterior.map((llr) => (llr < 0 ? 1 : 0)), iterations: iteration, satisfied };
}
