import { describe, expect, it } from "vitest";
import { checkOperator, evaluateGraph } from "../../../test/neural/operator-check.js";
import { createRandom } from "../../system/index.js";
import { numeric } from "../operators/numeric.js";
import type { NumericTensor } from "../operators/operator.js";
import { networkBuilder } from "./builder.js";
import {
  type ComplexValue,
  complexDifference,
  complexMatrixProduct,
  complexProduct,
  complexSum,
  conjugateTransposed,
  squaredMagnitude,
} from "./complex.js";

const [ROWS, INNER, COLUMNS] = [3, 4, 2];
const inputs = {
  ar: { shape: [2, ROWS, INNER] },
  ai: { shape: [2, ROWS, INNER] },
  br: { shape: [INNER, COLUMNS] },
  bi: { shape: [INNER, COLUMNS] },
};

/** Draws a and b, and returns them with what `build` makes of them. */
function evaluate(
  build: (builder: ReturnType<typeof networkBuilder>, a: ComplexValue, b: ComplexValue) => ComplexValue,
) {
  const random = createRandom(2);
  const builder = networkBuilder("complex");
  const given: Record<string, NumericTensor> = {};
  for (const [name, { shape }] of Object.entries(inputs)) {
    builder.input(name, "float32", shape);
    given[name] = numeric("float32", shape);
    given[name].data.forEach((_, at, data) => {
      data[at] = random.gaussian();
    });
  }
  const { re, im } = build(builder, { re: "ar", im: "ai" }, { re: "br", im: "bi" });
  builder.output("re", re);
  builder.output("im", im);
  const result = evaluateGraph(builder.graph(), given) as { re: NumericTensor; im: NumericTensor };
  return { given, ...result };
}

describe("complex numbers as pairs", () => {
  it("have the product of matrices that its definition gives", () => {
    const { given, re, im } = evaluate(complexMatrixProduct);
    const { ar, ai, br, bi } = given as Record<keyof typeof inputs, NumericTensor>;
    expect(re.shape).toEqual([2, ROWS, COLUMNS]);
    for (let row = 0; row < 2 * ROWS; row++)
      for (let column = 0; column < COLUMNS; column++) {
        let [real, imaginary] = [0, 0];
        for (let k = 0; k < INNER; k++) {
          const [left, right] = [row * INNER + k, k * COLUMNS + column];
          // The exponential form shares nothing with the one of the code.
          const size =
            Math.hypot(ar.data[left]!, ai.data[left]!) * Math.hypot(br.data[right]!, bi.data[right]!);
          const angle =
            Math.atan2(ai.data[left]!, ar.data[left]!) + Math.atan2(bi.data[right]!, br.data[right]!);
          real += size * Math.cos(angle);
          imaginary += size * Math.sin(angle);
        }
        expect(re.data[row * COLUMNS + column]).toBeCloseTo(real, 12);
        expect(im.data[row * COLUMNS + column]).toBeCloseTo(imaginary, 12);
      }
  });

  it("turn a product around when it is conjugated and transposed", () => {
    const one = evaluate((builder, a, b) =>
      conjugateTransposed(builder, complexMatrixProduct(builder, a, b)),
    );
    const other = evaluate((builder, a, b) =>
      complexMatrixProduct(builder, conjugateTransposed(builder, b), conjugateTransposed(builder, a)),
    );
    expect(one.re.shape).toEqual([2, COLUMNS, ROWS]);
    one.re.data.forEach((value, at) => {
      expect(other.re.data[at]).toBeCloseTo(value, 12);
    });
    one.im.data.forEach((value, at) => {
      expect(other.im.data[at]).toBeCloseTo(value, 12);
    });
  });

  it("have the gradients of all their operations", () =>
    checkOperator({
      inputs: { ar: { shape: [3, 2] }, ai: { shape: [3, 2] }, br: { shape: [2] }, bi: { shape: [2] } },
      build: (builder, { ar, ai, br, bi }) => {
        const [a, b] = [
          { re: ar!, im: ai! },
          { re: br!, im: bi! },
        ];
        const product = complexProduct(builder, complexSum(builder, a, b), complexDifference(builder, a, b));
        const gram = complexMatrixProduct(builder, conjugateTransposed(builder, product), a);
        return [gram.re, gram.im, squaredMagnitude(builder, product)];
      },
    }));

  it("satisfy (a + b)(a − b) = a² − b²", () => {
    const square = (builder: ReturnType<typeof networkBuilder>, a: ComplexValue) =>
      complexProduct(builder, a, a);
    const row = (builder: ReturnType<typeof networkBuilder>, b: ComplexValue) =>
      conjugateTransposed(builder, b);
    const result = evaluate((builder, a, b) => {
      const other = complexMatrixProduct(builder, b, row(builder, b));
      const left = complexMatrixProduct(builder, a, other);
      const product = complexProduct(
        builder,
        complexSum(builder, a, left),
        complexDifference(builder, a, left),
      );
      return complexDifference(
        builder,
        product,
        complexDifference(builder, square(builder, a), square(builder, left)),
      );
    });
    for (const value of [...result.re.data, ...result.im.data]) expect(value).toBeCloseTo(0, 9);
  });
});
