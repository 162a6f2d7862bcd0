import type { Command } from "commander";
import { printJson } from "../format.js";
import { addRegistryOptions, openModels, type RegistryOptions, shortVersion } from "./registry-options.js";

export function addAlias(model: Command): void {
  addRegistryOptions(
    model
      .command("alias")
      .summary("give a version another name")
      .description("Gives a version an alias, such as production, taking it off any other version.")
      .argument("<model>", "name, name@alias or name@version")
      .argument("<alias>", "lower-case letters, digits and single hyphens"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model alias my-demapper@latest production")
    .action(async (reference: string, alias: string, options: RegistryOptions) => {
      const neural = await openModels(options);
      const { manifest, version } = await neural.registry(async (registry) => {
        await registry.alias(reference, alias);
        return registry.get(`${reference.split("@")[0]}@${alias}`);
      });
      const { name } = manifest;
      if (options.json) printJson({ name, alias, version });
      else process.stdout.write(`${name}@${alias} is ${shortVersion(version)}\n`);
    });
}
