import type { Command } from "commander";
import { printJson, table } from "../format.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection.js";
import { withNode } from "./state.js";

/** The command `keys` with `list` and `rotate`. */
export function addKeys(program: Command): void {
  const keys = program
    .command("keys")
    .summary("list the keys that state is sealed under, or add new ones")
    .description(
      "State is sealed under a data key a function, which is wrapped for the nodes that may open it. Keys never leave the node.",
    );
  addConnectionOptions(
    keys.command("list").description("Lists the versions of every function's data key; the last one seals."),
    "print one JSON object a function",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran keys list")
    .action(async (options: ConnectionOptions) => {
      const found = await withNode(options, (node) => node.dataKeys());
      if (options.json) {
        for (const one of found) printJson(one);
        return;
      }
      process.stdout.write(
        table(
          [
            { title: "Function", align: "left" },
            { title: "version", align: "right" },
            { title: "created", align: "left" },
            { title: "nodes", align: "left" },
          ],
          found.flatMap((one) =>
            one.versions.map(({ version, created_ms, nodes }) => [
              one.function,
              String(version),
              new Date(created_ms).toISOString(),
              nodes.join(", "),
            ]),
          ),
        ),
      );
    });
  addConnectionOptions(
    keys
      .command("rotate")
      .argument("<function>", "whose key")
      .description(
        "Adds a version to a function's data key: what is written from now on is sealed under it. What was written before is opened as before.",
      ),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran keys rotate counter")
    .action(async (name: string, options: ConnectionOptions) => {
      const { versions } = await withNode(options, (node) => node.rotateKey(name));
      const { version } = versions.at(-1)!;
      if (options.json) printJson({ function: name, version });
      else process.stdout.write(`${name} is sealed under version ${version} of its key\n`);
    });
}
