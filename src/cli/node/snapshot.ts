import type { Command } from "commander";
import { InputError } from "../../errors.js";
import { dataDirectory } from "../../server/data-directory.js";
import { createAtomicFile } from "../../system/atomic-file.js";
import { printJson } from "../format.js";
import { checkWritable } from "../output-file.js";
import { addConnectionOptions, type ConnectionOptions, defaultData } from "./connection.js";
import { withNode } from "./state.js";

interface RestoreOptions {
  readonly data: string;
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** The commands `snapshot` and `restore`. */
export function addSnapshot(program: Command): void {
  addConnectionOptions(
    program
      .command("snapshot")
      .summary("write all that a node has kept to a file")
      .description(
        "Writes all that a running node has kept, as of now, to one file: sealed as it is, and signed. Modules are not in it, nor is the node's key (node-key.json), without which nothing in it can be read.",
      )
      .argument("<file>", "to write"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran snapshot monday.snapshot")
    .action(async (path: string, options: ConnectionOptions) => {
      checkWritable("file", path);
      const file = createAtomicFile(path);
      let bytes = 0;
      try {
        await withNode(options, async (node) => {
          for await (const part of await node.snapshot()) {
            file.write(part);
            bytes += part.length;
          }
        });
        file.commit();
      } finally {
        file.abandon();
      }
      if (options.json) printJson({ file: path, bytes });
      else process.stdout.write(`${path}: ${bytes} bytes\n`);
    });
  program
    .command("restore")
    .summary("put what a snapshot holds into a data directory")
    .description(
      "Puts what a snapshot holds into the data directory of a node that is not up. The directory needs the key (node-key.json) of the node that wrote it. A snapshot that was changed or cut off restores nothing.",
    )
    .argument("<file>", "that neuroran snapshot wrote")
    .option("--data <directory>", "of the node", defaultData)
    .option("--replace", "drop what the directory holds")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ neuroran restore monday.snapshot --replace")
    .action(restore);
}

async function restore(path: string, { data, replace = false, json }: RestoreOptions): Promise<void> {
  const [{ openLmdbStore }, { openNodeKey }, { importStore }, { makeDataDirectory }] = await Promise.all([
    import("../../bus/index.js"),
    import("../../functions/encryption/index.js"),
    import("../../functions/snapshot/index.js"),
    import("../../server/data-directory.js"),
  ]);
  const directory = dataDirectory(data);
  makeDataDirectory(directory);
  const store = await openLmdbStore(directory.store);
  try {
    const { identity } = openNodeKey(directory.nodeKey);
    const summary = await importStore(store, path, [identity], replace).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      throw new InputError("file", path, "give a file that neuroran snapshot wrote", { cause });
    });
    if (json) printJson({ file: path, data: directory.path, ...summary });
    else
      process.stdout.write(
        `${summary.entries} entries of ${new Date(summary.created_ms).toISOString()} are in ${directory.path}\n`,
      );
  } finally {
    await store.close();
  }
}
