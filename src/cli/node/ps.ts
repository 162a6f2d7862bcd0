import type { Command } from "commander";
import { printJson, table } from "../format.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection.js";
import { withNode } from "./state.js";

export function addPs(program: Command): void {
  addConnectionOptions(
    program
      .command("ps")
      .summary("list the functions that are deployed")
      .description(
        "Lists the deployed functions: module, version of their state, keys in memory, turns since the node started, handlers.",
      ),
    "print one JSON object a function",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran ps --json")
    .action(async (options: ConnectionOptions) => {
      const functions = await withNode(options, (node) => node.functions());
      if (options.json) {
        for (const one of functions) printJson(one);
        return;
      }
      if (functions.length === 0) {
        process.stdout.write("No function is deployed: deploy a module with neuroran deploy.\n");
        return;
      }
      process.stdout.write(
        table(
          [
            { title: "Function", align: "left" },
            { title: "module", align: "left" },
            { title: "version", align: "right" },
            { title: "active keys", align: "right" },
            { title: "turns", align: "right" },
            { title: "failed", align: "right" },
            { title: "waiting", align: "right" },
            { title: "handlers", align: "left" },
          ],
          functions.map((one) => [
            one.name,
            one.module,
            String(one.version),
            String(one.activeKeys),
            String(one.turns),
            String(one.failedTurns),
            String(one.waiting),
            one.requests.join(", "),
          ]),
        ),
      );
    });
}
