/**
 * Layer mapping of one codeword (TS 38.211 6.3.1.3): symbol `layers·i + l` goes to layer `l`. Allocates nothing.
 * @param symbols `layers * perLayer` complex numbers, interleaved.
 * @param layered receives `[layer][i]`.
 */
export function layerMap(
  symbols: Float32Array,
  layers: number,
  perLayer: number,
  layered: Float32Array,
): void {
  for (let layer = 0; layer < layers; layer++)
    for (let index = 0; index < perLayer; index++) {
      const from = 2 * (index * layers + layer);
      const to = 2 * (layer * perLayer + index);
      layered[to] = symbols[from]!;
      layered[to + 1] = symbols[from + 1]!;
    }
}
