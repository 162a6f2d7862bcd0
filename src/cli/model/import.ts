import type { Command } from "commander";
import { reportModel } from "./create.js";
import { addRegistryOptions, openModels, type RegistryOptions } from "./registry-options.js";

interface ImportOptions extends RegistryOptions {
  readonly name?: string;
}

export function addImport(model: Command): void {
  addRegistryOptions(
    model
      .command("import")
      .summary("register a model from a directory or an ONNX file")
      .description(
        "Registers what neuroran model export wrote, or an ONNX file of others, as the latest version of its name. A file's external data are taken in; a damaged or hostile one is refused with what is wrong.",
      )
      .argument("<path>", "directory of model.onnx and manifest.json, or an ONNX file")
      .option("--name <name>", "in the registry (the manifest's or the file's)"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model import ./llrnet-16qam")
    .action(async (path: string, { name, ...options }: ImportOptions) => {
      const neural = await openModels(options);
      reportModel(await neural.create(path, name === undefined ? {} : { name }), options, "registered");
    });
}
