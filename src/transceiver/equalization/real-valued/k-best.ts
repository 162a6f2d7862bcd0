import type { Detector } from "./detectors.js";
import type { RealValuedModel } from "./real-valued-model.js";

/**
 * K-best tree search: breadth first over the streams, of which those with the strongest channels are decided first;
 * `survivors` of the best paths are kept at each level. With 2^streams of them it is maximum likelihood.
 */
export function kBest({ streams }: RealValuedModel, survivors: number): Detector {
  const order = new Int32Array(streams);
  const factor = new Float64Array(streams * streams);
  const target = new Float64Array(streams);
  const paths = [new Int8Array(survivors * streams), new Int8Array(survivors * streams)] as const;
  const metrics = new Float64Array(survivors);
  const candidates = new Float64Array(2 * survivors);
  const ranking = Array.from({ length: 2 * survivors }, (_, index) => index);
  return ({ gram, matchedFilter }, decided) => {
    sortedFactor(gram, streams, order, factor);
    // R'z = H'y: the search minimizes ‖z - Rx‖².
    for (let i = 0; i < streams; i++) {
      let sum = matchedFilter[order[i]!]!;
      for (let j = 0; j < i; j++) sum -= factor[j * streams + i]! * target[j]!;
      target[i] = sum / factor[i * streams + i]!;
    }
    let [from, to] = paths;
    let kept = 1;
    metrics[0] = 0;
    for (let level = streams - 1; level >= 0; level--) {
      const row = level * streams;
      for (let path = 0; path < kept; path++) {
        let rest = target[level]!;
        for (let j = level + 1; j < streams; j++) rest -= factor[row + j]! * from[path * streams + j]!;
        candidates[2 * path] = metrics[path]! + (rest + factor[row + level]!) ** 2;
        candidates[2 * path + 1] = metrics[path]! + (rest - factor[row + level]!) ** 2;
      }
      const count = 2 * kept;
      for (let index = 0; index < 2 * survivors; index++) ranking[index] = index;
      for (let index = count; index < 2 * survivors; index++) candidates[index] = Number.POSITIVE_INFINITY;
      ranking.sort((a, b) => candidates[a]! - candidates[b]!);
      kept = Math.min(count, survivors);
      for (let path = 0; path < kept; path++) {
        const parent = ranking[path]! >> 1;
        for (let j = level + 1; j < streams; j++) to[path * streams + j] = from[parent * streams + j]!;
        to[path * streams + level] = ranking[path]! % 2 === 0 ? -1 : 1;
        metrics[path] = candidates[ranking[path]!]!;
      }
      [from, to] = [to, from];
    }
    for (let i = 0; i < streams; i++) decided[order[i]!] = from[i]!;
  };
}

/**
 * The upper triangular factor R of H'H = R'R with its columns in `order`: each time the stream that has least left
 * comes first, so that the strongest stand at the end, where the search begins (sorted QR decomposition).
 */
function sortedFactor(gram: Float64Array, streams: number, order: Int32Array, factor: Float64Array): void {
  for (let i = 0; i < streams; i++) order[i] = i;
  factor.fill(0);
  const rest = (column: number, rows: number): number => {
    let power = gram[order[column]! * streams + order[column]!]!;
    for (let j = 0; j < rows; j++) power -= factor[j * streams + column]! ** 2;
    return power;
  };
  for (let i = 0; i < streams; i++) {
    let [least, power] = [i, rest(i, i)];
    for (let column = i + 1; column < streams; column++) {
      const left = rest(column, i);
      if (left < power) [least, power] = [column, left];
    }
    if (least !== i) {
      [order[i], order[least]] = [order[least]!, order[i]!];
      for (let j = 0; j < i; j++) {
        const at = j * streams;
        [factor[at + i], factor[at + least]] = [factor[at + least]!, factor[at + i]!];
      }
    }
    const diagonal = Math.sqrt(Math.max(power, 1e-12 * gram[order[i]! * streams + order[i]!]!));
    factor[i * streams + i] = diagonal;
    for (let column = i + 1; column < streams; column++) {
      let sum = gram[order[i]! * streams + order[column]!]!;
      for (let j = 0; j < i; j++) sum -= factor[j * streams + i]! * factor[j * streams + column]!;
      factor[i * streams + column] = sum / diagonal;
    }
  }
}
