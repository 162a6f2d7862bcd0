import type { Attempt } from "../../functions/index.js";
import type { SlotNetwork } from "../../neural/slot/index.js";
import { LLR_SCALE } from "../mapping/llr-scale.js";
import { keepModulationScheme, modulationSchemeIndex } from "../mapping/modulation-scheme.js";
import { prepareSoftBits } from "../mapping/soft-bits.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import type { PuschConfiguration } from "../pusch/index.js";
import type { DetectionContext } from "./function.js";
import { prepareOffsetsAndQuality } from "./offsets-and-quality.js";
import { prepareReferences } from "./references.js";

/** Where a network meets the ports of detection. */
export interface NetworkEdge {
  /**
   * Fills the network's inputs. Allocates nothing.
   * @param received complex64 `[antenna][symbol][subcarrier]`
   * @param references complex64 `[DM-RS symbol][pilot]` as sent
   * @returns false where there is nothing that could be received, or a number is not finite
   */
  fill(received: Float32Array, references: Float32Array): boolean;
  /** The network's soft bits, positive for 0. */
  readonly soft: Float32Array;
  /** Of each bit of the codeword, its place among them. */
  readonly places: Int32Array;
  /** By which they become log-likelihood ratios. */
  readonly factor: number;
}

/** Detection by a network: its edge filled, run, its soft bits put in order, scaled and descrambled. */
export function attemptNetwork(
  context: DetectionContext,
  configuration: PuschConfiguration,
  network: SlotNetwork,
  { fill, soft, places, factor }: NetworkEdge,
): Attempt {
  const { inputs, outputs, state } = context;
  const references = prepareReferences(configuration);
  const softBits = prepareSoftBits(context, outputs.llrs, places.length);
  const ordered = softBits.soft.view;
  const track = prepareOffsetsAndQuality(context, configuration);
  const [grant, llrs, scheme] = [inputs.grant.view, outputs.llrs.view, state.modulationScheme.view];
  const received = inputs.grid.view;
  const scale = LLR_SCALE * factor;
  return (answerBy) => {
    keepModulationScheme(grant, scheme);
    track();
    const isExpected = scheme[modulationSchemeIndex.modulationOrder] === configuration.modulationOrder;
    const isGranted = isExpected && grant[grantFieldIndex.valid] === 1;
    if (!isGranted || !fill(received, references(grant))) {
      llrs.fill(0);
      return "done";
    }
    const outcome = network.run(answerBy);
    if (outcome !== "done") return outcome;
    for (let bit = 0; bit < places.length; bit++) ordered[bit] = scale * soft[places[bit]!]!;
    softBits.write(scheme[modulationSchemeIndex.scramblingInit]!);
    return "done";
  };
}
