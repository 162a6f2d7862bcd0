import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { InputError, NeuroranError } from "../../errors.js";
import { dataDirectory, readNodeFacts } from "../../server/data-directory.js";

/** Where the node that a command talks to is. */
export interface ConnectionOptions {
  readonly data: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Commands do not wait for a node that is not up. */
export const patience_ms = 0;

export const defaultData = ".neuroran";

/** Adds the options that {@link ConnectionOptions} holds. */
export function addConnectionOptions(command: Command, jsonMeans = "print one JSON object"): Command {
  return command
    .option("--data <directory>", "of the node, where its address and token stand", defaultData)
    .option("--url <url>", "of the node (NEURORAN_URL, or what stands in the data directory)")
    .option("--token <token>", "of the node (NEURORAN_TOKEN, or what stands in the data directory)")
    .option("--json", jsonMeans);
}

/**
 * The node's address and token: of the options, the environment or the data directory, in this order.
 * @throws InputError where one is nowhere; NeuroranError NODE_UNREACHABLE where no node has been up over the directory.
 */
export function nodeOf({ data, url, token }: ConnectionOptions): { url: string; token: string } {
  const directory = dataDirectory(data);
  const { NEURORAN_URL, NEURORAN_TOKEN } = process.env;
  const foundUrl = url ?? (NEURORAN_URL || undefined) ?? readNodeFacts(directory)?.url;
  if (foundUrl === undefined) {
    const message = `no node is up over ${directory.path}: start one with neuroran up, or give --data or --url`;
    throw new NeuroranError("NODE_UNREACHABLE", message);
  }
  const foundToken = token ?? (NEURORAN_TOKEN || undefined) ?? readToken(directory.token);
  if (foundToken === undefined) {
    throw new InputError("--token", undefined, `${directory.token} cannot be read: give --token or --data`);
  }
  return { url: foundUrl, token: foundToken };
}

function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
