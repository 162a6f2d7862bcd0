import type { Command } from "commander";
import { printJson } from "../format.js";
import { addRegistryOptions, openModels, type RegistryOptions, shortVersion } from "./registry-options.js";

export function addRm(model: Command): void {
  addRegistryOptions(
    model
      .command("rm")
      .summary("remove a model, a version or an alias")
      .description(
        "Removes all versions of a name, one version, or an alias alone. A version that an alias names stays until the alias is moved or removed; what comes with the package stays.",
      )
      .argument("<model>", "name, name@version or name@alias"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model rm my-demapper@staging")
    .action(async (reference: string, options: RegistryOptions) => {
      const neural = await openModels(options);
      const removed = await neural.registry((registry) => registry.remove(reference));
      if (options.json) printJson({ model: reference, removed });
      else if (removed.length === 0) process.stdout.write(`alias ${reference} is removed\n`);
      else process.stdout.write(`${reference}: removed ${removed.map(shortVersion).join(", ")}\n`);
    });
}
