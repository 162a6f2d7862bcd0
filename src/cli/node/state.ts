import type { Command } from "commander";
import { createNodeClient } from "../../server/node-client.js";
import { printJson } from "../format.js";
import { numberOption } from "../options.js";
import { jsonArgument } from "./call.js";
import { addConnectionOptions, type ConnectionOptions, nodeOf } from "./connection.js";

interface ListOptions extends ConnectionOptions {
  readonly after?: string;
  readonly limit: number;
}

/** The command `state` with `get`, `set` and `list`. */
export function addState(program: Command): void {
  const state = program
    .command("state")
    .summary("look at the state of stateful functions, or change it")
    .description(
      "Shows and replaces the state of single keys, as JSON by the schema of the function: integers of 64 bits are texts, tensors are flat lists, maps are objects.",
    );
  const ofKey = (name: string): Command =>
    state.command(name).argument("<function>", "name of the function").argument("<key>", "whose state");
  addConnectionOptions(ofKey("get").description("Prints the state of a key as of its last turn."))
    .addHelpText("after", "\nExample:\n  $ neuroran state get counter alice")
    .action(async (name: string, key: string, options: ConnectionOptions) => {
      const found = await withNode(options, (node) => node.state({ function: name, key }));
      process.stdout.write(`${JSON.stringify(found, null, options.json ? 0 : 2)}\n`);
    });
  addConnectionOptions(
    ofKey("set")
      .argument("<json>", "the whole state", jsonArgument)
      .description(
        "Replaces the state of a key, in a turn of its own; refuses what does not fit the schema.",
      ),
  )
    .addHelpText("after", `\nExample:\n  $ neuroran state set counter alice '{"count": 7}'`)
    .action(async (name: string, key: string, json: unknown, options: ConnectionOptions) => {
      await withNode(options, (node) => node.setState({ function: name, key }, json));
      if (options.json) printJson({ function: name, key, set: true });
    });
  addConnectionOptions(
    state
      .command("list")
      .argument("<function>", "name of the function")
      .description("Prints the keys of a function that have state, one a line.")
      .option("--after <key>", "print those behind this key, in the order of the store")
      .option(
        "--limit <number>",
        "print at most so many",
        numberOption("--limit", { minimum: 1, maximum: 99_999, whole: true }),
        1000,
      ),
    "print one JSON object a key",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran state list counter --limit 20")
    .action(async (name: string, { after, limit, ...options }: ListOptions) => {
      const keys = await withNode(options, (node) => node.keys(name, after, limit));
      for (const key of keys) {
        if (options.json) printJson({ function: name, key });
        else process.stdout.write(`${key}\n`);
      }
      if (keys.length === limit && !options.json) {
        process.stderr.write(`There may be more: add --after ${JSON.stringify(keys.at(-1))}\n`);
      }
    });
}

/** Asks the node, and lets go of the connection. */
export async function withNode<T>(
  options: ConnectionOptions,
  ask: (node: ReturnType<typeof createNodeClient>) => Promise<T>,
): Promise<T> {
  const node = createNodeClient(nodeOf(options));
  try {
    return await ask(node);
  } finally {
    node.close();
  }
}
