import { existsSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "../../errors.js";
import type { CreateOptions, ModelSource, NeuralModel } from "../../neural/index.js";
import { printJson } from "../format.js";
import { numberOption } from "../options.js";
import { addConventionOptions, type ConventionOptions, conventionsOf } from "./conventions.js";
import { addRegistryOptions, openModels, type RegistryOptions, shortVersion } from "./registry-options.js";

interface CreateModelOptions extends RegistryOptions, ConventionOptions {
  readonly name?: string;
  readonly summary?: string;
  readonly implements?: string;
  readonly seed: number;
}

export function addCreate(model: Command): void {
  addRegistryOptions(
    addConventionOptions(
      model
        .command("create")
        .summary("make a model and register it")
        .description(
          "Makes an untrained network of a specification (a JSON file) or of a learned system, or takes an ONNX file, and registers it as the latest version of its name.",
        )
        .argument("<source>", "JSON specification, ONNX file, or name of a learned system")
        .option("--name <name>", "in the registry (the network's, the file's or the system's)")
        .option("--summary <text>", "what it is, in a sentence")
        .option("--implements <function>", "function of the transceiver that it can stand for")
        .option("--seed <number>", "of the initial parameters", numberOption("--seed", { whole: true }), 0),
    ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran model create network.json --name my-demapper\n  $ neuroran model create receiver.onnx\n  $ neuroran model create llrnet-16qam --seed 7",
    )
    .action(async (source: string, options: CreateModelOptions) => {
      const { name, summary, implements: implemented, seed } = options;
      const texts = {
        ...(name !== undefined && { name }),
        ...(summary !== undefined && { summary }),
        ...(implemented !== undefined && { implements: implemented }),
      };
      const made = existsSync(source) ? { source, options: {} } : await fromSystem(source, seed);
      const neural = await openModels(options);
      reportModel(
        await neural.create(made.source, { ...made.options, ...texts, ...conventionsOf(options), seed }),
        options,
        "registered",
      );
    });
}

async function fromSystem(
  name: string,
  seed: number,
): Promise<{ source: ModelSource; options: CreateOptions }> {
  const [{ createRandom }, { learnedSystems }] = await Promise.all([
    import("../../system/index.js"),
    import("../../transceiver/learned-systems.js"),
  ]);
  const system = learnedSystems.find((one) => one.name === name);
  if (system === undefined) {
    const known = learnedSystems.map((one) => one.name).join(", ");
    throw new InputError("source", name, `it is no file: give one, or one of the learned systems ${known}`);
  }
  const { summary, ports, implements: implemented } = system;
  const options = { name, summary, implements: implemented, ports };
  return { source: system.create(createRandom(seed).fork("parameters")), options };
}

/** Says what became of a model. */
export function reportModel(
  { manifest, version, bytes }: NeuralModel,
  { json }: Pick<RegistryOptions, "json">,
  done: string,
): void {
  const { name } = manifest;
  if (json) printJson({ name, version, reference: `${name}@${version}`, bytes: bytes.length });
  else process.stdout.write(`${name}@${shortVersion(version)} ${done}\n`);
}
