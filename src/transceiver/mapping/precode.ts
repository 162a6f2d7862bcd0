import type { PuschConfiguration } from "../pusch/configuration.js";
import { precodingMatrix } from "../pusch/precoding.js";

/**
 * W of a configuration (TS 38.211 6.3.1.5), `[port][layer]` interleaved: the codebook's, or the identity for
 * non-codebook transmission.
 */
export function precoder(configuration: PuschConfiguration): Float64Array {
  const { layers, antennaPorts, grant } = configuration;
  if (grant.tpmi !== undefined)
    return precodingMatrix(layers, antennaPorts, grant.tpmi, grant.transformPrecoding);
  const identity = new Float64Array(2 * antennaPorts * layers);
  for (let layer = 0; layer < layers; layer++) identity[2 * (layer * layers + layer)] = 1;
  return identity;
}

/**
 * Precoding `[layer][i]` to `[port][i]`. Allocates nothing.
 * @param weights `[port][layer]` interleaved, as `precoder` gives.
 * @param count complex numbers of a layer.
 */
export function precode(
  weights: Float64Array,
  layered: Float32Array,
  layers: number,
  ports: number,
  count: number,
  precoded: Float32Array,
): void {
  for (let port = 0; port < ports; port++)
    for (let index = 0; index < count; index++) {
      let re = 0;
      let im = 0;
      for (let layer = 0; layer < layers; layer++) {
        const weightRe = weights[2 * (port * layers + layer)]!;
        const weightIm = weights[2 * (port * layers + layer) + 1]!;
        const symbolRe = layered[2 * (layer * count + index)]!;
        const symbolIm = layered[2 * (layer * count + index) + 1]!;
        re += weightRe * symbolRe - weightIm * symbolIm;
        im += weightRe * symbolIm + weightIm * symbolRe;
      }
      precoded[2 * (port * count + index)] = re;
      precoded[2 * (port * count + index) + 1] = im;
    }
}
