import {
  argument,
  arith,
  type Buffer,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  math,
  memref,
  type Operand,
  scf,
  type Type,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { add, type Complex, multiply } from "../complex-lanes.js";
import { HALF_DISTANCE, type SquareOrder } from "../mapping/axis-llr.js";
import { LLR_SCALE } from "../mapping/llr-scale.js";
import {
  bestLayer,
  chooseComplex,
  type LinearEstimate,
  packRemainder,
  unpackRemainder,
  wholeRemainder,
  withoutLayer,
} from "./cancellation-kernel.js";
import { factorize, type Hermitian, inverseOf } from "./hermitian-kernel.js";
import { MOST_NUMBERS, normalEquations, type SystemShape } from "./normal-equations.js";
import { smallerHalf, sortAscending } from "./sorting-network.js";

/** Neighbouring points of an axis that a survivor is extended by at most. */
const MOST_CHILDREN = 4;

/** Metric of what is no candidate: above all metrics of candidates, with room below infinity. */
const WORST = 1e30;

/** Log-likelihood ratio, at most, of a bit that all candidates have the same value of. */
export const LARGEST_RATIO = 8;

/** What a tree search kernel is specialized on. */
export interface TreeSearchShape extends SystemShape {
  readonly modulationOrder: SquareOrder;
  /** K, a power of two of at least 4. */
  readonly survivors: number;
  readonly lanes: number;
}

/** Where things stand in the workspace, in rows of as many numbers as there are lanes. */
function workspaceRows({ layers, survivors }: TreeSearchShape) {
  let next = 0;
  const take = (rows: number) => {
    next += rows;
    return next - rows;
  };
  return {
    // By step of detection: which layer, the metric's weight, the layer's mean, its columns of leakage and, from these,
    // what the errors of the steps before are multiplied by in its mean.
    layer: take(layers),
    weight: take(layers),
    mean: take(2 * layers),
    leakage: take(2 * layers * layers),
    influence: take(2 * layers * layers),
    // By survivor.
    metric: take(survivors),
    centre: take(2 * survivors),
    offset: take(2 * survivors),
    chosen: take(survivors),
    parent: take(survivors),
    parentCentre: take(survivors),
    // Errors chosen so far, by step and survivor, twice: each step writes those of its survivors to the other half.
    errors: take(2 * 2 * layers * survivors),
    symbols: take(2 * layers * survivors),
    total: next,
  };
}

/** f32 numbers of the workspace. */
export function treeSearchWorkspace(shape: TreeSearchShape): number {
  return workspaceRows(shape).total * shape.lanes;
}

/**
 * K-best tree search over resource elements in a row, with soft bits from the list of survivors. Arguments: grid and
 * channel from the first element on, weights (one over each antenna's noise variance), workspace, soft bits from the first
 * element's on (f32, `[re][layer][bit]`, times LLR_SCALE), count, stride (resource elements from one antenna's grid to the
 * next, and from one (layer, antenna) pair's channel to the next). It may write the soft bits of up to `lanes` - 1 further
 * elements.
 *
 * Lanes are resource elements. With A = HᴴH + I the metric of symbols x is `(x - x̂)ᴴ·A·(x - x̂)`, x̂ the MMSE estimate;
 * detected in the order of post-equalization SINR it is a sum over the steps, a triangular decomposition of the channel
 * extended by the noise. In each step each of the K survivors is extended on the real axis by the nearest points to where
 * the layer's mean lies given the survivor's symbols, the K best are kept, and the same on the imaginary axis. To sort, a
 * candidate's number stands in the lowest bits of its metric: the networks then need no more than minima and maxima. At
 * the end |x|² is taken off, which leaves the likelihood's own metric, and a soft bit is the difference of the best of both
 * values. Where all of the list have the same value, and beyond, the ratio stops at {@link LARGEST_RATIO}. Where anything
 * is not finite, soft bits are 0.
 */
export const treeSearchKernel = kernelBuilder(
  import.meta.url,
  "treeSearchKernel",
  (shape: TreeSearchShape): Kernel => {
    const { layers, antennas, modulationOrder, survivors, lanes } = shape;
    return kernel(
      `tree_search_${survivors}_qm${modulationOrder}_${layers}x${antennas}_v${lanes}`,
      {
        grid: buffer("f32", MOST_NUMBERS),
        channel: buffer("f32", MOST_NUMBERS),
        weights: buffer("f32", antennas),
        workspace: buffer("f32", treeSearchWorkspace(shape)),
        llrs: buffer("f32", MOST_NUMBERS),
        count: argument("index"),
        stride: argument("index"),
      },
      ({ grid, channel, weights, workspace, llrs, count, stride }) => {
        const equations = normalEquations(shape, lanes, { grid, channel, weights, stride });
        const search = treeSearch(shape, workspace);
        scf.for(0, count, lanes, (at) => {
          const { gram, matched } = equations(at);
          const usable = search.prepare(gram, matched);
          search.root();
          scf.for(1, layers, 1, search.extend);
          search.collect();
          search.softBits(usable, llrs, arith.muli(at, layers * modulationOrder));
        });
      },
    );
  },
);

function treeSearch(shape: TreeSearchShape, workspace: Buffer) {
  const { layers, modulationOrder, survivors, lanes } = shape;
  const rows = workspaceRows(shape);
  const type = vectorOf("f32", lanes);
  const number = (value: number) => arith.constant(type, value);
  const distance = HALF_DISTANCE[modulationOrder];
  const axisPoints = 2 ** (modulationOrder / 2);
  const children = Math.min(axisPoints, MOST_CHILDREN);
  // A row's index is a number where it is known, else a value.
  const rowAt = (row: Operand): Operand => (typeof row === "number" ? row * lanes : arith.muli(row, lanes));
  const load = (row: Operand): Value => vector.load(workspace, rowAt(row), lanes);
  const store = (value: Value, row: Operand): void => vector.store(value, workspace, rowAt(row));
  const loadComplex = (row: Operand): Complex => ({ re: load(row), im: load(indexSum(row, 1)) });
  const storeComplex = ({ re, im }: Complex, row: Operand): void => {
    store(re, row);
    store(im, indexSum(row, 1));
  };
  const pairRow = (first: number, index: Operand): Value =>
    indexSum(arith.muli(indexSum(index, 0), 2), first);
  const lane = arith.constant(
    vectorOf("i32", lanes),
    Array.from({ length: lanes }, (_, k) => k),
  );
  /** Of each lane the row that its number says, counted from `first`. */
  const gather = (first: Operand, row: Value): Value =>
    vector.gather(workspace, rowAt(first), arith.addi(arith.muli(row, lanes), lane));

  /** Errors of step `step`'s survivors, in the half that holds those of `after` steps. */
  const errorRow = (after: Operand, step: Operand, survivor: Operand): Value => {
    const half = arith.muli(arith.andi(indexSum(after, 0), 1), layers);
    const index = arith.addi(
      arith.muli(arith.addi(half, indexSum(step, 0)), survivors),
      indexSum(survivor, 0),
    );
    return pairRow(rows.errors, index);
  };

  /** Orders the layers; writes each step's layer, weight, mean and influences. Returns where all is finite. */
  const prepare = (gram: Hermitian, matched: readonly Complex[]): Value => {
    const regular = { diagonal: gram.diagonal.map((p) => arith.addf(p, number(1))), lower: gram.lower };
    const factorization = factorize(regular, matched, number(1));
    const start: LinearEstimate = { mean: factorization.solution, covariance: inverseOf(factorization) };
    const whole = wholeRemainder(type, start);
    scf.for(0, layers, 1, packRemainder(whole), (step, carried) => {
      const left = unpackRemainder(layers, carried);
      const { isLayer, mean, variance, leakage } = bestLayer(type, left);
      const index = isLayer.reduce((sum, is, k) => arith.select(is, number(k), sum), number(0));
      store(index, indexSum(step, rows.layer));
      store(arith.divf(number(distance * distance), variance), indexSum(step, rows.weight));
      const scaledMean = {
        re: arith.mulf(mean.re, number(1 / distance)),
        im: arith.mulf(mean.im, number(1 / distance)),
      };
      storeComplex(scaledMean, pairRow(rows.mean, step));
      const own = arith.muli(step, layers);
      leakage.forEach((leak, k) => {
        storeComplex(leak, pairRow(rows.leakage, indexSum(own, k)));
      });
      scf.for(0, step, 1, (before) => {
        const column = arith.muli(before, layers);
        const leaks = leakage.map((_, k) => loadComplex(pairRow(rows.leakage, indexSum(column, k))));
        storeComplex(chooseComplex(isLayer, leaks), pairRow(rows.influence, arith.addi(own, before)));
      });
      return packRemainder(withoutLayer(type, left, { isLayer, mean, variance, leakage }));
    });
    const sum = [...factorization.solution.flatMap(({ re, im }) => [re, im]), ...factorization.pivots]
      .map((value) => math.absf(value))
      .reduce((a, b) => arith.addf(a, b));
    const positive = factorization.pivots
      .map((pivot) => arith.cmpf("ogt", pivot, number(0)))
      .reduce((a, b) => arith.andi(a, b));
    return arith.andi(positive, arith.cmpf("olt", sum, number(WORST)));
  };

  /** Where a step's layer lies given a survivor's symbols, in half distances of points; `after` steps are done. */
  const centreOf = (step: Value, after: Operand, survivor: Value): Complex => {
    const { re, im } = loadComplex(pairRow(rows.mean, step));
    const [sumRe, sumIm] = scf.for(0, step, 1, [re, im], (before, carried) => {
      const influence = loadComplex(pairRow(rows.influence, arith.addi(arith.muli(step, layers), before)));
      const moved = multiply(influence, loadComplex(errorRow(after, before, survivor)));
      const sum = add({ re: carried[0]!, im: carried[1]! }, moved);
      return [sum.re, sum.im];
    });
    return { re: sumRe!, im: sumIm! };
  };

  /** From a centre to the first of the nearest points. */
  const toFirstPoint = (centre: Value): Value => {
    const last = axisPoints - 1;
    const below = arith.mulf(arith.subf(centre, number(children - 1)), number(0.5));
    const odd = arith.addf(arith.mulf(math.floor(below), number(2)), number(1));
    return arith.subf(clamp(odd, -last, last - 2 * (children - 1)), centre);
  };

  /** Sums of metrics stay numbers, and below what is no candidate. */
  const limited = (metric: Value): Value => {
    const worst = number(WORST);
    return arith.select(arith.cmpf("olt", metric, worst), metric, worst);
  };

  /** The first step: the points nearest to the mean on both axes. */
  const root = (): void => {
    const weight = load(rows.weight);
    const mean = loadComplex(rows.mean);
    const nearest = [mean.re, mean.im].map((centre) => byDistance(centre, axisPoints));
    nearestPairs(axisPoints, survivors).forEach((pair, survivor) => {
      if (!pair) {
        store(number(WORST), rows.metric + survivor);
        storeComplex({ re: number(0), im: number(0) }, errorRow(1, 0, survivor));
        return;
      }
      const re = arith.subf(nearest[0]![pair[0]]!, mean.re);
      const im = arith.subf(nearest[1]![pair[1]]!, mean.im);
      const square = arith.addf(arith.mulf(re, re), arith.mulf(im, im));
      store(limited(arith.mulf(weight, square)), rows.metric + survivor);
      storeComplex({ re, im }, errorRow(1, 0, survivor));
    });
  };

  /** Extends survivors along one axis, from `offset` to the first point each, and writes the numbers of the best. */
  const select = (weight: Value, axis: 0 | 1): void => {
    const indexBits = Math.log2(survivors * children);
    const nothing = Array.from({ length: survivors }, () => number(WORST));
    const best = scf.for(0, children, 1, nothing, (child, kept) => {
      const ahead = vector.broadcast(
        arith.sitofp(arith.muli(arith.indexCast(child, "i32"), 2), "f32"),
        lanes,
      );
      const own = vector.broadcast(arith.indexCast(child, "i32"), lanes);
      const candidates = nothing.map((_, survivor) => {
        const error = arith.addf(load(rows.offset + axis * survivors + survivor), ahead);
        const metric = arith.addf(load(rows.metric + survivor), arith.mulf(weight, arith.mulf(error, error)));
        const bits = arith.andi(arith.bitcast(limited(metric), "i32"), -(2 ** indexBits));
        return arith.bitcast(arith.ori(bits, arith.addi(own, survivor * children)), "f32");
      });
      return smallerHalf(kept, sortAscending(candidates));
    });
    best.forEach((value, survivor) => {
      const bits = arith.bitcast(value, "i32");
      store(arith.bitcast(arith.andi(bits, -(2 ** indexBits)), "f32"), rows.metric + survivor);
      store(arith.bitcast(arith.andi(bits, 2 ** indexBits - 1), "f32"), rows.chosen + survivor);
    });
  };

  /** Of a survivor that was chosen: the one that it extends, and its error along the axis. */
  const chosenOf = (survivor: Value, axis: 0 | 1): { parent: Value; error: Value } => {
    const chosen = arith.bitcast(load(indexSum(survivor, rows.chosen)), "i32");
    const parent = arith.shrui(chosen, Math.log2(children));
    const child = arith.sitofp(arith.muli(arith.andi(chosen, children - 1), 2), "f32");
    return { parent, error: arith.addf(gather(rows.offset + axis * survivors, parent), child) };
  };

  /** A further step. */
  const extend = (step: Value): void => {
    const weight = load(indexSum(step, rows.weight));
    scf.for(0, survivors, 1, (survivor) => {
      const { re, im } = centreOf(step, step, survivor);
      store(toFirstPoint(re), indexSum(survivor, rows.offset));
      store(im, indexSum(survivor, rows.centre));
    });
    select(weight, 0);
    scf.for(0, survivors, 1, (survivor) => {
      const { parent, error } = chosenOf(survivor, 0);
      store(toFirstPoint(gather(rows.centre, parent)), indexSum(survivor, rows.offset + survivors));
      store(error, indexSum(survivor, rows.parentCentre));
      store(arith.bitcast(parent, "f32"), indexSum(survivor, rows.parent));
    });
    select(weight, 1);
    const after = indexSum(step, 1);
    scf.for(0, survivors, 1, (survivor) => {
      const { parent: middle, error: im } = chosenOf(survivor, 1);
      storeComplex({ re: gather(rows.parentCentre, middle), im }, errorRow(after, step, survivor));
      const parent = arith.muli(arith.bitcast(gather(rows.parent, middle), "i32"), 2);
      scf.for(0, step, 1, (before) => {
        const from = errorRow(step, before, 0);
        const error = { re: gather(from, parent), im: gather(indexSum(from, 1), parent) };
        storeComplex(error, errorRow(after, before, survivor));
      });
    });
  };

  /** Writes the survivors' symbols, in half distances, and takes |x|² off their metrics. */
  const collect = (): void => {
    scf.for(0, survivors, 1, (survivor) => {
      const [power] = scf.for(0, layers, 1, [number(0)], (step, [sum]) => {
        const error = loadComplex(errorRow(layers, step, survivor));
        const symbol = add(centreOf(step, layers, survivor), error);
        storeComplex(symbol, symbolRow(step, survivor));
        const square = arith.addf(arith.mulf(symbol.re, symbol.re), arith.mulf(symbol.im, symbol.im));
        return [arith.addf(sum!, square)];
      });
      const metric = load(indexSum(survivor, rows.metric));
      const own = arith.subf(metric, arith.mulf(power!, number(distance * distance)));
      const candidate = arith.cmpf("olt", metric, number(WORST / 2));
      store(arith.select(candidate, own, number(WORST)), indexSum(survivor, rows.metric));
    });
  };

  const symbolRow = (step: Value, survivor: Value): Value =>
    pairRow(rows.symbols, arith.addi(arith.muli(step, survivors), survivor));

  /** Writes the soft bits of all lanes. */
  const softBits = (usable: Value, llrs: Buffer, first: Value): void => {
    const worst = number(WORST);
    const [best] = scf.for(0, survivors, 1, [worst], (survivor, [least]) => [
      lesser(load(indexSum(survivor, rows.metric)), least!),
    ]);
    const ceiling = arith.addf(best!, number(LARGEST_RATIO));
    scf.for(0, layers, 1, (step) => {
      const start = Array.from({ length: 2 * modulationOrder }, () => ceiling);
      const least = scf.for(0, survivors, 1, start, (survivor, carried) => {
        const metric = load(indexSum(survivor, rows.metric));
        const { re, im } = loadComplex(symbolRow(step, survivor));
        return signs(re, im, modulationOrder).flatMap((positive, bit) => [
          lesser(arith.select(positive, metric, worst), carried[2 * bit]!),
          lesser(arith.select(positive, worst, metric), carried[2 * bit + 1]!),
        ]);
      });
      const layer = arith.fptosi(load(indexSum(step, rows.layer)), "i32");
      const ratios = Array.from({ length: modulationOrder }, (_, bit) => {
        const ratio = arith.mulf(arith.subf(least[2 * bit + 1]!, least[2 * bit]!), number(LLR_SCALE));
        return arith.select(usable, ratio, number(0));
      });
      for (let k = 0; k < lanes; k++) {
        const own = arith.muli(arith.indexCast(vector.extract(layer, k), "index"), modulationOrder);
        const at = arith.addi(first, indexSum(own, k * layers * modulationOrder));
        ratios.forEach((ratio, bit) => {
          memref.store(vector.extract(ratio, k), llrs, indexSum(at, bit));
        });
      }
    });
  };

  return { prepare, root, extend, collect, softBits };
}

/** Where each bit of a point (in half distances) is 0: real and imaginary axis in turn, folded as TS 38.211 5.1.3 to 5.1.6 do. */
function signs(re: Value, im: Value, order: SquareOrder): Value[] {
  let axes = [re, im];
  const bits: Value[] = [];
  for (let points = 2 ** (order / 2 - 1); points >= 1; points /= 2) {
    bits.push(...axes.map((t) => arith.cmpf("ogt", t, splat(t.type, 0))));
    axes = axes.map((t) => arith.subf(splat(t.type, points), math.absf(t)));
  }
  return bits;
}

/** The points of an axis, the nearest to `centre` first, then on both sides in turn until one side ends. */
function byDistance(centre: Value, points: number): Value[] {
  const last = points - 1;
  const { type } = centre;
  const odd = arith.addf(
    arith.mulf(math.floor(arith.mulf(centre, splat(type, 0.5))), splat(type, 2)),
    splat(type, 1),
  );
  const nearest = clamp(odd, -last, last);
  const upwards = arith.cmpf("oge", centre, nearest);
  const side = arith.select(upwards, splat(type, 2), splat(type, -2));
  // Distances from the nearest point to the last one on its side of the centre, and to that on the other side.
  const room = arith.mulf(arith.subf(splat(type, last), arith.mulf(nearest, half(side))), splat(type, 0.5));
  const otherRoom = arith.subf(splat(type, last), room);
  return Array.from({ length: points }, (_, rank) => {
    const away = Math.ceil(rank / 2);
    const alternating = rank % 2 === 1 ? away : -away;
    // Past the end of one side, all further ones are on the other.
    const steps = arith.select(
      arith.cmpf("ogt", splat(type, away), room),
      arith.subf(room, splat(type, rank)),
      arith.select(
        arith.cmpf("ogt", splat(type, rank % 2 === 1 ? away - 1 : away), otherRoom),
        arith.subf(splat(type, rank), otherRoom),
        splat(type, alternating),
      ),
    );
    return arith.addf(nearest, arith.mulf(steps, side));
  });
}

/** ±1 of ±2. */
function half(side: Value): Value {
  return arith.mulf(side, splat(side.type, 0.5));
}

/** Pairs of ranks on the two axes, those of least distance first; fewer than `count` where there are no more. */
function nearestPairs(points: number, count: number): (readonly [number, number] | undefined)[] {
  const size = ([a, b]: readonly [number, number]) => a * a + b * b;
  const all = Array.from(
    { length: points * points },
    (_, k) => [Math.floor(k / points), k % points] as const,
  );
  all.sort((a, b) => size(a) - size(b));
  return Array.from({ length: count }, (_, k) => all[k]);
}

function splat(type: Type, value: number): Value {
  return arith.constant(type, value);
}

function lesser(a: Value, b: Value): Value {
  return arith.select(arith.cmpf("olt", a, b), a, b);
}

function clamp(value: Value, least: number, most: number): Value {
  const [low, high] = [splat(value.type, least), splat(value.type, most)];
  const above = arith.select(arith.cmpf("ogt", value, low), value, low);
  return lesser(above, high);
}
