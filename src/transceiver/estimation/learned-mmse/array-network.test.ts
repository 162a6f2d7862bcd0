import { describe, expect, it } from "vitest";
import { float32Tensor } from "../../../neural/graph/tensor.js";
import { interpret } from "../../../neural/interpreter/interpret.js";
import { createRandom } from "../../../system/index.js";
import { arrayChannel } from "./array-channel.js";
import { fastMmse, fastPrototype } from "./array-estimators.js";
import { arrayNetwork, arrayWeights, initialArrayWeights } from "./array-network.js";
import { resizedWeights } from "./hierarchy.js";
import { spatialTransform } from "./spatial-transform.js";

const antennas = 16;
const seed = 3;

function observations(count: number) {
  const random = createRandom(seed);
  const channel = arrayChannel(antennas, 3);
  return Array.from({ length: count }, () => {
    const { re, im } = channel.draw(random);
    const noisy = (values: Float64Array) => values.map((value) => Math.fround(value + random.gaussian()));
    return { re: noisy(re), im: noisy(im) };
  });
}

const stacked = (vectors: readonly { re: Float64Array; im: Float64Array }[]) =>
  vectors.flatMap(({ re, im }) => [...re, ...im]);

describe(`networks of learned MMSE estimation, seed ${seed}`, () => {
  it("are the fast MMSE estimator with its weights, softmax between", () => {
    const snr = 2;
    const prototype = fastPrototype(antennas, snr);
    const zero = new Float64Array(antennas);
    const network = arrayNetwork({ transform: "circulant", activation: "softmax" }, antennas, [
      prototype.map((value) => snr * value),
      zero,
      prototype,
      zero,
    ]);
    const given = observations(5);
    const { channels } = interpret(network, {
      observations: float32Tensor(stacked(given), [5, 1, 2 * antennas]),
    });
    const estimate = { re: new Float64Array(antennas), im: new Float64Array(antennas) };
    const estimator = fastMmse(antennas, snr);
    given.forEach((one, index) => {
      estimator(one, undefined as never, estimate);
      stacked([estimate]).forEach((value, k) => {
        expect(Math.abs(channels!.data[2 * antennas * index + k]! - value)).toBeLessThan(1e-5);
      });
    });
  });

  it.each(["circulant", "toeplitz"] as const)(
    "filter the bins of the %s transform by what rectifiers say",
    (transform) => {
      const variant = { transform, activation: "relu" } as const;
      const weights = initialArrayWeights(variant, antennas, createRandom(seed)).map((values) =>
        values.map(Math.fround),
      ) as unknown as ReturnType<typeof initialArrayWeights>;
      // Two snapshots of one covariance: one filter for both.
      const given = observations(2);
      const { channels } = interpret(arrayNetwork(variant, antennas, weights), {
        observations: float32Tensor(stacked(given), [1, 2, 2 * antennas]),
      });
      const { bins, forward, inverse } = spatialTransform(transform, antennas);
      const vector = () => ({ re: new Float64Array(bins), im: new Float64Array(bins) });
      const transformed = given.map(({ re, im }) => {
        const z = vector();
        forward(re, im, z.re, z.im);
        return z;
      });
      const layer = (values: number[], kernel: Float64Array, bias: Float64Array) =>
        values.map(
          (_, i) => bias[i]! + values.reduce((sum, value, j) => sum + value * kernel[(i + j) % bins]!, 0),
        );
      const powers = Array.from(
        { length: bins },
        (_, k) => transformed.reduce((sum, { re, im }) => sum + re[k]! ** 2 + im[k]! ** 2, 0) / 2,
      );
      const hidden = layer(powers, weights[0], weights[1]).map((value) => Math.max(0, value));
      const filter = layer(hidden, weights[2], weights[3]);
      transformed.forEach(({ re, im }, snapshot) => {
        const estimate = { re: new Float64Array(antennas), im: new Float64Array(antennas) };
        inverse(
          re.map((value, k) => value * filter[k]!),
          im.map((value, k) => value * filter[k]!),
          estimate.re,
          estimate.im,
        );
        stacked([estimate]).forEach((value, k) => {
          expect(Math.abs(channels!.data[2 * antennas * snapshot + k]! - value)).toBeLessThan(1e-4);
        });
      });
    },
  );

  it("grow: the places of a kernel that both sizes share keep their values, scaled", () => {
    const variant = { transform: "toeplitz", activation: "relu" } as const;
    const small = initialArrayWeights(variant, 8, createRandom(seed));
    const large = resizedWeights(variant, small, 16);
    large.forEach((values, index) => {
      expect(values).toHaveLength(32);
      const scale = index % 2 === 0 ? 1 / 2 : 1;
      small[index]!.forEach((value, k) => {
        expect(values[2 * k]).toBeCloseTo(scale * value, 12);
      });
    });
  });

  it("give their weights back", () => {
    const variant = { transform: "circulant", activation: "relu" } as const;
    const weights = initialArrayWeights(variant, 8, createRandom(seed));
    arrayWeights(arrayNetwork(variant, 8, weights)).forEach((values, index) => {
      expect([...values]).toEqual([...weights[index]!].map(Math.fround));
    });
  });
});
