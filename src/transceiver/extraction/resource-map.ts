/**
 * Puts `[port][i]` into the grid `[port][symbol][subcarrier]` (TS 38.211 6.3.1.6, 6.3.1.7). Allocates nothing.
 * @param indices grid index of element `i` of a port, as `dataResourceIndices` gives.
 * @param gridElements resource elements of a port's grid.
 */
export function mapResources(
  symbols: Float32Array,
  indices: Uint32Array,
  ports: number,
  gridElements: number,
  grid: Float32Array,
): void {
  for (let port = 0; port < ports; port++)
    for (let index = 0; index < indices.length; index++) {
      const from = 2 * (port * indices.length + index);
      const to = 2 * (port * gridElements + indices[index]!);
      grid[to] = symbols[from]!;
      grid[to + 1] = symbols[from + 1]!;
    }
}

/** Takes `[port][i]` out of the grid `[port][symbol][subcarrier]`: the inverse of `mapResources`. Allocates nothing. */
export function takeResources(
  grid: Float32Array,
  indices: Uint32Array,
  ports: number,
  gridElements: number,
  symbols: Float32Array,
): void {
  for (let port = 0; port < ports; port++)
    for (let index = 0; index < indices.length; index++) {
      const from = 2 * (port * gridElements + indices[index]!);
      const to = 2 * (port * indices.length + index);
      symbols[to] = grid[from]!;
      symbols[to + 1] = grid[from + 1]!;
    }
}
