import { type CompiledKernel, floatLanes } from "../../compiler/index.js";
import { InputError } from "../../errors.js";
import type { Process } from "../../functions/index.js";
import type { ModulationOrder } from "../pusch/mcs.js";
import { type DemappingMethod, demappingKernel, ROUND, workspaceLength } from "./demapping-kernel.js";
import type { DemappingContext } from "./function.js";
import { keepModulationScheme, modulationSchemeIndex } from "./modulation-scheme.js";
import { prepareScramblingSequence } from "./scrambling-sequence.js";

export type { DemappingContext } from "./function.js";

/** Prepares demapping by a method. The sizes determine the modulation order. */
export function prepareDemapping(method: DemappingMethod, context: DemappingContext): Process {
  return demappingProcess(context, (modulationOrder, layers) =>
    context.compile(demappingKernel({ method, lanes: floatLanes(context.target), modulationOrder, layers })),
  );
}

/**
 * The process of demapping by a kernel of the arguments of {@link demappingKernel}.
 * @param prepareKernel compiles it for the modulation order and the layers
 * @throws InputError where the sizes belong to no modulation order.
 */
export function demappingProcess(
  context: DemappingContext,
  prepareKernel: (modulationOrder: ModulationOrder, layers: number) => CompiledKernel,
): Process {
  const { dimensions, inputs, outputs, state } = context;
  const { layer: layers, re } = dimensions;
  const order = modulationOrderOf(dimensions);
  const rounds = Math.floor(re / ROUND);
  const rest = re % ROUND;
  const bitsPerRound = ROUND * layers * order;
  const sequence = prepareScramblingSequence(context, (rounds + 1) * bitsPerRound);
  const run = prepareKernel(order, layers);
  const workspace = context.scratch("workspace", "float32", workspaceLength(order, layers)).offset;
  // The last, incomplete round goes here, since a kernel must not write past the codeword.
  const last = context.scratch("lastRound", "int8", bitsPerRound);
  const [grant, llrs, scheme] = [inputs.grant.view, outputs.llrs.view, state.modulationScheme.view];
  const [symbols, noise, soft] = [inputs.symbols.offset, inputs.noise.offset, outputs.llrs.offset];
  const written = rounds * bitsPerRound;
  const remaining = rest * layers * order;
  return () => {
    keepModulationScheme(grant, scheme);
    if (scheme[modulationSchemeIndex.modulationOrder] !== order) {
      llrs.fill(0);
      return;
    }
    sequence.generate(scheme[modulationSchemeIndex.scramblingInit]!);
    run(symbols, noise, sequence.offset, soft, workspace, rounds, re);
    if (rest === 0) return;
    const done = rounds * ROUND;
    run(symbols + 8 * done, noise + 4 * done, sequence.offset + written / 8, last.offset, workspace, 1, re);
    for (let bit = 0; bit < remaining; bit++) llrs[written + bit] = last.view[bit]!;
  };
}

/** @throws InputError where the sizes belong to no modulation order. */
function modulationOrderOf(dimensions: DemappingContext["dimensions"]): ModulationOrder {
  const { layer, re, codewordBit } = dimensions;
  if (layer < 1 || layer > 4) throw new InputError("dimensions.layer", layer, "give 1 to 4");
  const order = codewordBit / (layer * re);
  if (![1, 2, 4, 6, 8].includes(order))
    throw new InputError(
      "dimensions.codewordBit",
      codewordBit,
      `give 1, 2, 4, 6 or 8 times the ${layer * re} resource elements of all layers`,
    );
  return order as ModulationOrder;
}
