import { existsSync } from "node:fs";
import { extname } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../errors.js";
import { printJson } from "../format.js";
import { checkWritable, writeOutput } from "../output-file.js";
import { addRegistryOptions, lookAtModels, type RegistryOptions } from "./registry-options.js";

interface ExportOptions extends RegistryOptions {
  readonly replace?: boolean;
}

export function addExport(model: Command): void {
  addRegistryOptions(
    model
      .command("export")
      .summary("write a model to a directory or an ONNX file")
      .description(
        "Writes a model as a directory of model.onnx and manifest.json, or, to a path that ends with .onnx, its graph alone. It appears complete or not at all.",
      )
      .argument("<model>", "name, name@alias or name@version")
      .argument("<path>", "directory or ONNX file to write")
      .option("--replace", "replace what is there: a model's directory, or the file"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model export llrnet-16qam ./llrnet-16qam")
    .action(async (reference: string, path: string, options: ExportOptions) => {
      const isFile = extname(path) === ".onnx";
      if (isFile) {
        if (existsSync(path) && !options.replace)
          throw new InputError("path", path, "it is there already: name another, or give --replace");
        checkWritable("path", path);
      }
      const found = await (await lookAtModels(options)).open(reference);
      if (isFile) writeOutput(path, found.bytes);
      else {
        const { writeModelDirectory } = await import("../../neural/index.js");
        writeModelDirectory(path, found, options.replace);
      }
      if (options.json) printJson({ model: found.reference, path, bytes: found.bytes.length });
      else process.stdout.write(`${path}: ${found.bytes.length} bytes\n`);
    });
}
