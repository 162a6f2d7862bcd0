import type { numpy } from "@jax-js/jax";
import type { Tensor } from "../../neural/graph/tensor.js";
import { processorTime } from "../../neural/training/throughput.js";

type Arrays = numpy.Array[];

/**
 * Milliseconds of processor time of a step of Adam by jax-js, compiled by its `jit` for WebAssembly, for layers of these
 * widths with tanh between them and the mean squared error; undefined where jax-js is not installed.
 * @param drawn makes random numbers of a shape
 */
export async function jaxStep(
  widths: readonly number[],
  batch: number,
  seconds: number,
  drawn: (shape: readonly number[]) => Tensor<"float32">,
): Promise<number | undefined> {
  let jax: typeof import("@jax-js/jax");
  try {
    jax = await import("@jax-js/jax");
  } catch {
    return undefined;
  }
  const { defaultDevice, init, jit, numpy: np, valueAndGrad } = jax;
  await init("wasm");
  defaultDevice("wasm");
  const layers = widths.length - 1;
  const numbers = widths.slice(1).flatMap((units, index) => [drawn([widths[index]!, units]), drawn([units])]);
  const array = ({ data, shape }: Tensor<"float32">): numpy.Array => np.array(data).reshape([...shape]);
  const loss = (parameters: Arrays, x: numpy.Array, target: numpy.Array): numpy.Array => {
    let value = x;
    for (let layer = 0; layer < layers; layer++) {
      value = np.dot(value, parameters[2 * layer]!).add(parameters[2 * layer + 1]!);
      if (layer < layers - 1) value = np.tanh(value);
    }
    const difference = value.sub(target);
    return np.mean(difference.ref.mul(difference));
  };
  const step = jit(
    (parameters: Arrays, means: Arrays, variances: Arrays, x: numpy.Array, target: numpy.Array) => {
      const [value, gradients] = valueAndGrad(loss)(
        parameters.map((one) => one.ref),
        x,
        target,
      ) as [numpy.Array, Arrays];
      const newMeans = means.map((mean, at) => mean.mul(0.9).add(gradients[at]!.ref.mul(0.1)));
      const newVariances = variances.map((variance, at) =>
        variance.mul(0.999).add(gradients[at]!.ref.mul(gradients[at]!).mul(0.001)),
      );
      const updated = parameters.map((parameter, at) =>
        parameter.sub(newMeans[at]!.ref.mul(1e-12).div(np.sqrt(newVariances[at]!.ref).add(1e-8))),
      );
      return [value, updated, newMeans, newVariances] as [numpy.Array, Arrays, Arrays, Arrays];
    },
  );
  const zeros = (): Arrays => numbers.map(({ shape }) => np.zeros([...shape]));
  let [parameters, means, variances] = [numbers.map(array), zeros(), zeros()];
  const x = array(drawn([batch, widths[0]!]));
  const target = array(drawn([batch, widths.at(-1)!]));
  const { mean_ms } = await processorTime(async () => {
    const [value, ...next] = step(parameters, means, variances, x.ref, target.ref);
    [parameters, means, variances] = next as [Arrays, Arrays, Arrays];
    // Reading waits for the work.
    await value.data();
    await parameters[0]!.ref.data();
  }, seconds);
  return mean_ms;
}
