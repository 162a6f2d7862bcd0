import type { Command } from "commander";
import type { DeployedFunction } from "../../server/deployment-routes.js";
import type { FlowInService } from "../../server/flow-routes.js";
import { percentage, printJson, table } from "../format.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection.js";
import { withNode } from "./state.js";

export function addPs(program: Command): void {
  addConnectionOptions(
    program
      .command("ps")
      .summary("list the functions and flows that are deployed")
      .description(
        "Lists the deployed functions (module, version of their state, keys in memory, turns since the node started, handlers) and the flows that run (epochs, messages; or slots, those lost or late, and implementations).",
      ),
    "print one JSON object a function or flow",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran ps --json")
    .action(async (options: ConnectionOptions) => {
      const { functions, flows } = await withNode(options, async (node) => ({
        functions: await node.functions(),
        flows: await node.flows(),
      }));
      if (options.json) {
        for (const one of functions) printJson({ kind: "function", ...one });
        for (const one of flows) printJson({ kind: "flow", ...one });
        return;
      }
      const tables = [
        ...(functions.length > 0 ? [functionTable(functions)] : []),
        ...(flows.some(({ slots }) => slots === null) ? [flowTable(flows)] : []),
        ...(flows.some(({ slots }) => slots !== null) ? [slotTable(flows), choiceTable(flows)] : []),
      ];
      process.stdout.write(
        tables.length === 0
          ? "Nothing is deployed: deploy a module with neuroran deploy.\n"
          : tables.join("\n"),
      );
    });
}

function functionTable(functions: readonly DeployedFunction[]): string {
  return table(
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
  );
}

/** One line a source or operator of each flow. */
function flowTable(flows: readonly FlowInService[]): string {
  return table(
    [
      { title: "Flow", align: "left" },
      { title: "epoch", align: "right" },
      { title: "given up", align: "right" },
      { title: "task", align: "left" },
      { title: "received", align: "right" },
      { title: "sent", align: "right" },
      { title: "dropped", align: "right" },
    ],
    flows.flatMap(({ name, epoch, aborted, tasks }) =>
      tasks.map((task) => [
        name,
        String(epoch),
        String(aborted),
        task.name,
        String(task.received),
        String(task.sent),
        String(task.dropped),
      ]),
    ),
  );
}

/** One line a flow of slots. */
function slotTable(flows: readonly FlowInService[]): string {
  return table(
    [
      { title: "Flow of slots", align: "left" },
      { title: "epoch", align: "right" },
      { title: "given up", align: "right" },
      { title: "durable to slot", align: "right" },
      { title: "done", align: "right" },
      { title: "failed", align: "right" },
      { title: "dropped", align: "right" },
      { title: "late", align: "right" },
    ],
    flows.flatMap(({ name, epoch, aborted, slots }) =>
      slots === null
        ? []
        : [
            [
              name,
              ...[epoch, aborted, slots.position, slots.done, slots.failed, slots.dropped, slots.late].map(
                String,
              ),
            ],
          ],
    ),
  );
}

/** One line a function of each flow of slots. */
function choiceTable(flows: readonly FlowInService[]): string {
  return table(
    [
      { title: "Flow of slots", align: "left" },
      { title: "function", align: "left" },
      { title: "implementation", align: "left" },
    ],
    flows.flatMap(({ name, slots }) =>
      (slots?.implementations ?? []).map(({ path, implementation, canary }) => [
        name,
        path,
        canary === undefined
          ? implementation
          : `${implementation}; in ${percentage(canary.share)} of the slots ${canary.canary}`,
      ]),
    ),
  );
}
