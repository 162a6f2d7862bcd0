#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { exitStatus } from "./exit-status.js";
import { reportFailure } from "./failure.js";
import { addNode } from "./node/index.js";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// Whoever reads our output may have seen enough, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitStatus.success : exitStatus.failed);
});

const program = new Command("neuroran")
  .description(
    "Receive, simulate and measure 5G NR uplink with functions compiled on demand; run stateful functions that survive.",
  )
  .version(version)
  .exitOverride()
  .configureOutput({ outputError: () => {} })
  .addHelpText(
    "after",
    "\nExamples:\n  $ neuroran simulate\n  $ neuroran receive capture.sigmf-meta --grant grant.json --carrier-prbs 51 --scs 30 --start 11052",
  );

const words = process.argv.slice(2);
addNode(program);
try {
  // Whoever talks to a node does not wait for neural networks and the receive chain to be loaded.
  if (!program.commands.some((command) => command.name() === words[0])) {
    if (words[0] !== "model") {
      const { addRadio } = await import("./radio.js");
      addRadio(program);
    }
    const { addModel } = await import("./model/index.js");
    addModel(program);
  }
  await program.parseAsync(words, { from: "user" });
} catch (error) {
  process.exitCode = reportFailure(error, words.includes("--json"));
}
