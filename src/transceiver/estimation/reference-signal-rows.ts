import { NeuroranError } from "../../errors.js";
import type { Context, Process } from "../../functions/index.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import type { referenceSignals } from "./function.js";
import { prepareReferenceSignals } from "./reference-signals.js";

/**
 * Prepares the rows of DM-RS symbols: the same insertion as into a carrier's grid, into one that is made of the
 * allocation's subcarriers and DM-RS symbols alone.
 * @throws NeuroranError DIMENSION_MISMATCH where the rows are not those of the configuration.
 */
export function prepareReferenceSignalRows(
  context: Context<
    typeof referenceSignals.inputs,
    typeof referenceSignals.outputs,
    typeof referenceSignals.parameters
  >,
): Process {
  const { configuration } = context.parameters;
  const { allocation, dmrs } = configuration;
  const { port, dmrsSymbol, subcarrier } = context.dimensions;
  const wanted = [configuration.antennaPorts, dmrs.symbols.length, allocation.subcarriers];
  if ([port, dmrsSymbol, subcarrier].some((size, index) => size !== wanted[index]))
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `referenceSignals: [port, dmrsSymbol, subcarrier] is [${port}, ${dmrsSymbol}, ${subcarrier}] and must be [${wanted.join(", ")}]`,
    );
  const dmrsInits = new Array<number>(dmrs.symbols.length).fill(0);
  const own = {
    ...configuration,
    dmrsInits,
    dmrs: { ...dmrs, symbols: dmrs.symbols.map((_, ordinal) => ordinal) },
    allocation: {
      ...allocation,
      gridSubcarriers: allocation.subcarriers,
      slotSymbols: dmrs.symbols.length,
      firstSubcarrier: 0,
    },
  };
  const insert = prepareReferenceSignals(own);
  const grant = context.inputs.grant.view;
  const pilots = context.outputs.pilots.view;
  return () => {
    pilots.fill(0);
    if (grant[grantFieldIndex.valid] !== 1) return;
    for (let ordinal = 0; ordinal < dmrsInits.length; ordinal++)
      dmrsInits[ordinal] = grant[grantFieldIndex.dmrsInits + ordinal]!;
    insert(own, pilots);
  };
}
