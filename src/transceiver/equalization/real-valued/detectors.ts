import { invertSymmetric } from "./inverse.js";
import { createDraw, type Draw, type RealValuedModel } from "./real-valued-model.js";

/** Decides the symbols of a draw, ±1 each, into `decided`. */
export type Detector = (draw: Draw, decided: Float64Array) => void;

/** Zero forcing: the sign of (H'H)⁻¹H'y. */
export function zeroForcing(model: RealValuedModel): Detector {
  return linear(model, () => 0);
}

/** Linear minimum mean squared error: the sign of (H'H + σ²I)⁻¹H'y. */
export function mmse(model: RealValuedModel): Detector {
  return linear(model, (noise) => noise);
}

function linear({ streams }: RealValuedModel, loading: (noise: number) => number): Detector {
  const inverse = new Float64Array(streams * streams);
  return ({ gram, matchedFilter, noise }, decided) => {
    inverse.set(gram);
    for (let k = 0; k < streams; k++) inverse[k * streams + k]! += loading(noise);
    invertSymmetric(inverse, streams);
    for (let i = 0; i < streams; i++) {
      let sum = 0;
      for (let j = 0; j < streams; j++) sum += inverse[i * streams + j]! * matchedFilter[j]!;
      decided[i] = sum < 0 ? -1 : 1;
    }
  };
}

/**
 * MMSE with successive interference cancellation: the stream of the highest SINR among those left is decided from the
 * MMSE estimate, taken out, and the others are estimated again.
 */
export function mmseSic(model: RealValuedModel): Detector {
  const { streams } = model;
  const inverse = new Float64Array(streams * streams);
  const left = new Int32Array(streams);
  const { matchedFilter: remaining } = createDraw(model);
  return ({ gram, matchedFilter, noise }, decided) => {
    remaining.set(matchedFilter);
    for (let k = 0; k < streams; k++) left[k] = k;
    for (let count = streams; count > 0; count--) {
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < count; j++) inverse[i * count + j] = gram[left[i]! * streams + left[j]!]!;
        inverse[i * count + i]! += noise;
      }
      invertSymmetric(inverse, count);
      // The SINR of an MMSE estimate rises as its error variance, the diagonal, falls.
      let best = 0;
      for (let i = 1; i < count; i++) if (inverse[i * count + i]! < inverse[best * count + best]!) best = i;
      let estimate = 0;
      for (let j = 0; j < count; j++) estimate += inverse[best * count + j]! * remaining[left[j]!]!;
      const stream = left[best]!;
      const symbol = estimate < 0 ? -1 : 1;
      decided[stream] = symbol;
      for (let i = 0; i < streams; i++) remaining[i]! -= gram[i * streams + stream]! * symbol;
      left[best] = left[count - 1]!;
    }
  };
}
