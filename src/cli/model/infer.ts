import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "../../errors.js";
import type { NamedTensors, NeuralModel, NeuralTarget } from "../../neural/index.js";
import { duration, printJson } from "../format.js";
import { choiceOption } from "../options.js";
import { addRegistryOptions, lookAtModels, type RegistryOptions } from "./registry-options.js";

interface InferOptions extends RegistryOptions {
  readonly target: NeuralTarget;
}

const targets = ["onnxruntime", "llvm", "wasm"] as const satisfies readonly NeuralTarget[];

export function addInfer(model: Command): void {
  addRegistryOptions(
    model
      .command("infer")
      .summary("compute a model's outputs for inputs in a file")
      .description(
        'Computes the outputs of a model and prints them as JSON. The inputs stand in a JSON file as numbers in lists of lists by the name of their port: {"symbols": [[0.7, -0.7]]}. Their sizes are those of the lists.',
      )
      .argument("<model>", "name, name@alias or name@version")
      .argument("<inputs>", "JSON file; - for standard input")
      .option(
        "--target <name>",
        `what computes: ${targets.join(", ")}`,
        choiceOption("--target", targets),
        targets[0],
      ),
    "print one JSON object on one line",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model infer llrnet-qpsk inputs.json --target wasm")
    .action(async (reference: string, path: string, options: InferOptions) => {
      const inputs = readInputs(path);
      const found = await (await lookAtModels(options)).open(reference);
      const [{ sizesOf }, { asLists }] = await Promise.all([
        import("../../neural/graph/dimensions.js"),
        import("./tensor-json.js"),
      ]);
      const tensors = await tensorsOf(found, inputs);
      const dimensions = sizesOf(found.onnx.graph, tensors);
      const instance = await found.instantiate({ target: options.target, dimensions });
      try {
        const outputs = asLists(await instance.infer(tensors));
        if (options.json) printJson({ model: found.reference, target: options.target, outputs });
        else {
          process.stdout.write(`${JSON.stringify(outputs, null, 2)}\n`);
          const { p50_s, p99_s } = instance.cost;
          process.stderr.write(
            `${options.target}: ${duration(1000 * p50_s)} a call (p99 ${duration(1000 * p99_s)})\n`,
          );
        }
      } finally {
        await instance.release();
      }
    });
}

function readInputs(path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path === "-" ? 0 : path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("inputs", path, `give a JSON file: ${reason}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InputError("inputs", path, 'give an object of inputs by name: {"symbols": [[0.7, -0.7]]}');
  return value as Readonly<Record<string, unknown>>;
}

async function tensorsOf(
  { onnx }: NeuralModel,
  inputs: Readonly<Record<string, unknown>>,
): Promise<NamedTensors> {
  const { flattened, tensorOf } = await import("./tensor-json.js");
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const port = onnx.graph.inputs.find((one) => one.name === name);
      const { shape, numbers } = flattened(name, value);
      return [name, tensorOf(port?.type.elementType ?? "float32", shape, numbers)];
    }),
  );
}
