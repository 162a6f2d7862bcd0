import type { Command } from "commander";
import { printJson, table } from "../format.js";
import { addRegistryOptions, lookAtModels, type RegistryOptions, shortVersion } from "./registry-options.js";

export function addList(model: Command): void {
  addRegistryOptions(
    model
      .command("list")
      .alias("ls")
      .summary("list the models and their versions")
      .description(
        "Lists the models of the registry and those that come with the package, oldest version first: the last one is what a name alone means.",
      ),
    "print one JSON object a version",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model list")
    .action(async (options: RegistryOptions) => {
      const neural = await lookAtModels(options);
      const models = await neural.registry((registry) => registry.list());
      if (options.json) {
        for (const { name, versions } of models)
          versions.forEach(({ version, isBuiltIn, created_ms, aliases }, index) => {
            const isLatest = index === versions.length - 1;
            printJson({ name, version, isLatest, isBuiltIn, created_ms: created_ms ?? null, aliases });
          });
        return;
      }
      if (models.length === 0) {
        process.stdout.write("There are no models: make one with neuroran model create.\n");
        return;
      }
      process.stdout.write(
        table(
          [
            { title: "Model", align: "left" },
            { title: "version", align: "left" },
            { title: "aliases", align: "left" },
            { title: "created", align: "left" },
          ],
          models.flatMap(({ name, versions }) =>
            versions.map(({ version, aliases, created_ms }, index) => [
              index === 0 ? name : "",
              shortVersion(version),
              [...(index === versions.length - 1 ? ["latest"] : []), ...aliases].join(", "),
              created_ms === undefined ? "with the package" : new Date(created_ms).toISOString(),
            ]),
          ),
        ),
      );
    });
}
