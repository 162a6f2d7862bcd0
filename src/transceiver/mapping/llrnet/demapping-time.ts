import type { Target } from "../../../compiler/index.js";
import { createArena, prepareFunction } from "../../../functions/index.js";
import type { Random } from "../../../system/index.js";
import { GRANT_FIELDS, grantFieldIndex } from "../../pusch/grant-message.js";
import type { SquareOrder } from "../axis-llr.js";
import type { TriedDemapper } from "./coded-link.js";

/** Resource elements of a slot: 273 resource blocks of 12 symbols with data. */
export const TIMED_ELEMENTS = 273 * 12 * 12;

const WARM_UPS = 20;

/** Microseconds that demapping a slot takes in the calling thread: the median of `runs`. */
export function demappingTime(
  { definition, implementation }: TriedDemapper,
  order: SquareOrder,
  runs: number,
  random: Random,
  target: Target,
): number {
  const { inputs, process, release } = prepareFunction(definition, implementation, {
    target,
    arena: createArena({ bytes: 32 * 2 ** 20 }),
    dimensions: {
      layer: 1,
      re: TIMED_ELEMENTS,
      codewordBit: TIMED_ELEMENTS * order,
      grantField: GRANT_FIELDS,
    },
  });
  for (let at = 0; at < inputs.symbols.view.length; at++)
    inputs.symbols.view[at] = Math.SQRT1_2 * random.gaussian();
  inputs.noise.view.fill(10 ** (-order / 5));
  const grant = inputs.grant.view;
  grant[grantFieldIndex.valid] = 1;
  grant[grantFieldIndex.modulationOrder] = order;
  grant[grantFieldIndex.tpmi] = -1;
  for (let run = 0; run < WARM_UPS; run++) process();
  const times = Float64Array.from({ length: runs }, () => {
    const start = performance.now();
    process();
    return 1000 * (performance.now() - start);
  }).sort();
  release();
  return times[runs >> 1]!;
}
