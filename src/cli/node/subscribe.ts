import type { Command } from "commander";
import { InputError } from "../../errors.js";
import { createClient } from "../../server/client.js";
import { exitStatus } from "../exit-status.js";
import { printJson } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { numberOption } from "../options.js";
import { addConnectionOptions, type ConnectionOptions, nodeOf } from "./connection.js";

interface SubscribeOptions extends ConnectionOptions {
  readonly flow?: boolean;
  readonly key?: string;
  readonly from?: number;
  readonly limit?: number;
}

/** A node that is restarted is waited for. */
const patience_ms = 30_000;

export function addSubscribe(program: Command): void {
  addConnectionOptions(
    program
      .command("subscribe")
      .summary("print the events of a key as they come")
      .description(
        "Prints the events that a key of a stateful function publishes, each when it is durable, until Ctrl-C; goes on after the node was restarted.",
      )
      .argument("<function>", "name of the function; of the flow with --flow")
      .argument("<key>", "that publishes; the output with --flow")
      .option("--flow", "print the messages of an output of a flow")
      .option("--key <key>", "of an output of a flow, only the messages of this key")
      .option(
        "--from <position>",
        "position of the first event, from 1, of a flow from 0 (what comes from now on)",
        numberOption("--from", { minimum: 0, whole: true }),
      )
      .option(
        "--limit <number>",
        "end after so many events",
        numberOption("--limit", { minimum: 1, whole: true }),
      ),
    "print one JSON object an event",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran subscribe link-quality cell-1 --from 1")
    .action(async (name: string, key: string, options: SubscribeOptions) => {
      if (options.key !== undefined && !options.flow) {
        throw new InputError(
          "--key",
          options.key,
          "the key of a function is the second argument: leave it out",
        );
      }
      const client = createClient({ ...nodeOf(options), patience_ms });
      const interrupt = onInterrupt();
      const from = options.from === undefined ? {} : { from: options.from };
      let count = 0;
      try {
        const given = { ...from, signal: interrupt.signal };
        const chosen = options.key === undefined ? given : { ...given, key: options.key };
        const events = options.flow
          ? client.output(name, key, chosen)
          : client.subscribe({ function: name, key }, given);
        for await (const { position, event } of events) {
          if (options.json) printJson({ position, event });
          else process.stdout.write(`${position}  ${JSON.stringify(event)}\n`);
          if (++count === options.limit) break;
        }
      } finally {
        interrupt.restore();
        client.close();
      }
      if (interrupt.signal.aborted) process.exitCode = exitStatus.interrupted;
    });
}
