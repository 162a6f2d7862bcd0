import { resolve } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../errors.js";
import { isModelPath } from "../../functions/choice.js";
import type { FlowInService, SwapReport } from "../../server/flow-routes.js";
import { exitStatus } from "../exit-status.js";
import { fixed, printJson } from "../format.js";
import { numberOption } from "../options.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection.js";
import { withNode } from "./state.js";

interface SwapOptions extends ConnectionOptions {
  readonly to: string;
  readonly flow?: string;
  readonly deadline?: number;
  readonly misses?: number;
  readonly slots?: number;
}

export function addSwap(program: Command): void {
  addConnectionOptions(
    program
      .command("swap")
      .summary("exchange an implementation under the slots of a flow")
      .description(
        "Exchanges the implementation of a function between two slots, its state kept and no slot lost: the new one is prepared beforehand, beside the slots. The flow returns to the former one by itself where the new one throws, or is late too often; then the exit status is 1.",
      )
      .argument("<function>", "name of the function")
      .requiredOption(
        "--to <implementation>",
        "that runs it from then on; or a model: a name of the node's registry, or the path of a directory",
      )
      .option("--flow <name>", "of the flow of slots (the only one that has the function)")
      .option(
        "--deadline <ms>",
        "a slot that takes longer is late (none is)",
        numberOption("--deadline", { minimum: 0.001, unit: "ms" }),
      )
      .option(
        "--misses <number>",
        "late slots that are too many (3)",
        numberOption("--misses", { minimum: 1, whole: true }),
      )
      .option(
        "--slots <number>",
        "after which it stays (1000)",
        numberOption("--slots", { minimum: 0, whole: true }),
      ),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran swap demapping --to log-map --deadline 0.5")
    .action(async (name: string, { to, flow, deadline, misses, slots, ...options }: SwapOptions) => {
      const fallback = {
        ...(deadline === undefined ? {} : { deadline_ms: deadline }),
        ...(misses === undefined ? {} : { misses }),
        ...(slots === undefined ? {} : { slots }),
      };
      const report = await withNode(options, async (node) => {
        const chosen = flow ?? flowOf(name, await node.flows());
        return await node.swap(chosen, { [name]: modelReference(to) }, fallback);
      });
      if (options.json) printJson(report);
      else process.stdout.write(swapText(name, to, report));
      if (report.outcome?.kept === false) process.exitCode = exitStatus.failed;
    });
}

/** What names a model to a node on this machine: its own working directory is another. */
export function modelReference(named: string): string {
  return isModelPath(named) ? resolve(named) : named;
}

/** The only flow of slots that has a function. */
export function flowOf(name: string, flows: readonly FlowInService[]): string {
  const having = flows.filter(({ slots }) =>
    slots?.implementations.some((one) => one.function === name || one.path === name),
  );
  if (having.length === 1) return having[0]!.name;
  const names = having.map((one) => one.name).join(", ");
  throw having.length === 0
    ? new InputError("function", name, "name one that a flow of slots has: see neuroran ps")
    : new InputError("--flow", undefined, `name one of ${names}`);
}

export function swapText(
  name: string,
  to: string,
  { flow, slot, prepare_ms, lost, outcome }: SwapReport,
): string {
  const lines = [
    `${flow}: ${to} took over ${name} with slot ${slot}, prepared beside the slots in ${fixed(prepare_ms, 0)} ms`,
    lost === 0 ? "no slot was lost" : `${lost} slots were lost from the request on`,
  ];
  if (outcome === null) lines.push("whether it stays is not known yet: see neuroran ps");
  else if (outcome.kept) lines.push("it stays");
  else {
    const why = outcome.problem === null ? outcome.reason : `${outcome.reason}: ${outcome.problem}`;
    lines.push(`the flow returned to the former implementation by itself at slot ${outcome.slot} (${why})`);
  }
  return `${lines.join("\n")}\n`;
}
