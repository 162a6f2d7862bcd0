import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../errors.js";
import type { DeployedModule } from "../../server/deployment-routes.js";
import { printJson } from "../format.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection.js";
import { withNode } from "./state.js";

interface DeployOptions extends ConnectionOptions {
  readonly name?: string;
  readonly sign?: string;
}

/** The commands `deploy` and `undeploy`. */
export function addDeploy(program: Command): void {
  addConnectionOptions(
    program
      .command("deploy")
      .summary("put a module of functions and flows into service")
      .description(
        "Bundles a module of stateful functions and flows and puts it into service, in place of what has its name; state is kept. The exit status is 2 where the module is refused, and what served before serves on.",
      )
      .argument("<module>", "TypeScript or JavaScript file that exports functions and flows")
      .option("--name <name>", "under which it is deployed (the file's, without its ending)")
      .option("--sign <file>", "sign it with this Ed25519 private key (PEM)"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran deploy examples/session-counter.ts")
    .action(async (path: string, options: DeployOptions) => {
      const key = options.sign === undefined ? undefined : signingKey(options.sign);
      const name = options.name ?? basename(path, extname(path));
      const { bundleModule, hashOfModule, signModule } = await import("../../functions/deployment/index.js");
      const text = await bundleModule(path);
      const signature = key && signModule(hashOfModule(text), key);
      const deployed = await withNode(options, (node) => node.deploy(name, text, signature));
      if (options.json) printJson(deployed);
      else process.stdout.write(`${describe(deployed)} in service\n`);
    });
  addConnectionOptions(
    program
      .command("undeploy")
      .summary("take a module out of service")
      .description("Takes the functions and flows of a module out of service. Their state stays."),
  )
    .argument("<module>", "name under which it was deployed")
    .addHelpText("after", "\nExample:\n  $ neuroran undeploy session-counter")
    .action(async (name: string, options: ConnectionOptions) => {
      const gone = await withNode(options, (node) => node.undeploy(name));
      if (options.json) printJson(gone);
      else process.stdout.write(`${describe(gone)} out of service\n`);
    });
}

function describe({ name, hash, functions, flows }: DeployedModule): string {
  return `${name} ${hash.slice(0, 12)} (${[...functions, ...flows].join(", ")}) is`;
}

/** @throws InputError where the file holds no private key. */
function signingKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path));
  } catch (cause) {
    throw new InputError("--sign", path, "give a PEM file of an Ed25519 private key", { cause });
  }
}
