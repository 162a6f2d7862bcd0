import type { Command } from "commander";
import { createNodeClient } from "../../server/node-client.js";
import type { LogLine } from "../../server/node-log.js";
import { exitStatus } from "../exit-status.js";
import { bad, printJson } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { addConnectionOptions, type ConnectionOptions, nodeOf } from "./connection.js";

interface LogsOptions extends ConnectionOptions {
  readonly follow?: boolean;
}

export function addLogs(program: Command): void {
  addConnectionOptions(
    program
      .command("logs")
      .summary("print what the node and its modules say")
      .description(
        "Prints the last lines of the node's log, which also has what modules write to the console.",
      )
      .option("-f, --follow", "go on with what comes, until Ctrl-C"),
    "print one JSON object a line",
  )
    .addHelpText("after", "\nExample:\n  $ neuroran logs --follow")
    .action(async (options: LogsOptions) => {
      const node = createNodeClient(nodeOf(options));
      const interrupt = onInterrupt();
      try {
        const lines = options.follow ? node.followLogs(interrupt.signal) : await node.logs();
        for await (const line of lines) {
          if (options.json) printJson(line);
          else process.stdout.write(logText(line));
        }
      } finally {
        interrupt.restore();
        node.close();
      }
      if (interrupt.signal.aborted) process.exitCode = exitStatus.interrupted;
    });
}

/** One line of a log for people. */
export function logText({ time, level, source, message }: LogLine): string {
  const shown = level === "error" ? bad(level) : level;
  return `${new Date(time).toISOString()} ${shown} ${source}: ${message}\n`;
}
