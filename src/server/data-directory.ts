import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { InputError, NeuroranError } from "../errors.js";
import { createAtomicFile } from "../system/atomic-file.js";
import { makeDirectory } from "../system/make-directory.js";
import { createToken } from "./access-token.js";

/** Where a node keeps what: all of it belongs to one node at a time, as the store's lock has it. */
export interface DataDirectory {
  readonly path: string;
  readonly store: string;
  readonly nodeKey: string;
  readonly modules: string;
  readonly token: string;
  readonly facts: string;
}

/** What a running node says of itself to commands on its machine. */
export interface NodeFacts {
  readonly pid: number;
  readonly url: string;
}

const nodeFacts = z.object({ pid: z.int(), url: z.string() });

/** The parts of a data directory, whether it is there or not. */
export function dataDirectory(path: string): DataDirectory {
  const absolute = resolve(path);
  return {
    path: absolute,
    store: join(absolute, "store"),
    nodeKey: join(absolute, "node-key.json"),
    modules: join(absolute, "modules"),
    token: join(absolute, "token"),
    facts: join(absolute, "node.json"),
  };
}

/** Makes the directory, for its owner only. @throws InputError where it cannot be made, or is a file. */
export function makeDataDirectory(directory: DataDirectory): void {
  try {
    makeDirectory(directory.path, 0o700);
  } catch (cause) {
    const remedy = "give a directory that exists or can be made";
    throw new InputError("--data", directory.path, remedy, { cause });
  }
}

/**
 * The token that requests must bear, made where there is none.
 * @throws NeuroranError TOKEN_INVALID where the file is empty, or others than its owner may read it.
 */
export function openToken({ token }: DataDirectory): string {
  try {
    writeFileSync(token, `${createToken()}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (process.platform !== "win32" && (statSync(token).mode & 0o077) !== 0) {
    throw new NeuroranError("TOKEN_INVALID", `${token} may be read by others; run: chmod 600 ${token}`);
  }
  const text = readFileSync(token, "utf8").trim();
  if (!/^[\w.~+/=-]{16,}$/.test(text)) {
    throw new NeuroranError(
      "TOKEN_INVALID",
      `${token} holds no token; remove it, and the node makes another`,
    );
  }
  return text;
}

/** Tells commands on this machine where the node is; takes back the same. */
export function announceNode({ facts }: DataDirectory, node: NodeFacts): () => void {
  const file = createAtomicFile(facts);
  file.write(Buffer.from(`${JSON.stringify(node)}\n`));
  file.commit();
  return () => rmSync(facts, { force: true });
}

/** What the node that runs over the directory, or ran until it was killed, said of itself; undefined where none did. */
export function readNodeFacts({ facts }: DataDirectory): NodeFacts | undefined {
  try {
    return nodeFacts.parse(JSON.parse(readFileSync(facts, "utf8")));
  } catch {
    return undefined;
  }
}
