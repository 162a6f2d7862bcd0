import type { Command } from "commander";
import { addConventionOptions, type ConventionOptions, conventionsOf } from "./conventions.js";
import { reportModel } from "./create.js";
import { addRegistryOptions, openModels, type RegistryOptions } from "./registry-options.js";

interface ImportOptions extends RegistryOptions, ConventionOptions {
  readonly name?: string;
}

export function addImport(model: Command): void {
  addRegistryOptions(
    addConventionOptions(
      model
        .command("import")
        .summary("register a model from a directory or an ONNX file")
        .description(
          "Registers what neuroran model export wrote, or an ONNX file of others, as the latest version of its name. A file's external data are taken in; a damaged or hostile one is refused with what is wrong.",
        )
        .argument("<path>", "directory of model.onnx and manifest.json, or an ONNX file")
        .option("--name <name>", "in the registry (the manifest's or the file's)"),
    ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran model import ./llrnet-16qam\n  $ neuroran model import demapper.onnx --positive-bit 1 --symbol-scale 1.5811",
    )
    .action(async (path: string, { name, ...options }: ImportOptions) => {
      const neural = await openModels(options);
      const given = { ...(name !== undefined && { name }), ...conventionsOf(options) };
      reportModel(await neural.create(path, given), options, "registered");
    });
}
