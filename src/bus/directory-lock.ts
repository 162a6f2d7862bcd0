/**
 * The right of one process to a directory.
 *
 * Invariants:
 * 1. At most one holder among all processes of a network namespace: who holds it listens on the socket of a name that is
 *    made of the directory's device and inode, so that no two paths to it are told apart.
 * 2. The kernel frees the name with the process, however that ends. Nothing in the directory has to be cleaned up.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { NeuroranError } from "../errors.js";

/** Gives the right back. */
export type Release = () => Promise<void>;

/**
 * Takes the right to a directory that exists.
 * @throws NeuroranError STORE_LOCKED, naming the process that has it.
 */
export async function lockDirectory(directory: string): Promise<Release> {
  const { dev, ino } = statSync(directory, { bigint: true });
  const name = `neuroran/store/${dev}/${ino}`;
  // Abstract sockets and pipes are names without files.
  const address = process.platform === "win32" ? `\\\\.\\pipe\\${name.replaceAll("/", "-")}` : `\0${name}`;
  const server = createServer((socket) => socket.destroy());
  const holderFile = join(directory, "holder");
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EADDRINUSE") {
        const what = `${directory} cannot be locked: ${cause.message}; run where sockets are allowed`;
        reject(new NeuroranError("STORE_FAILED", what, { cause }));
        return;
      }
      const what = `process ${holderOf(holderFile)} has ${directory} open; stop it, or name another directory`;
      reject(new NeuroranError("STORE_LOCKED", what, { cause }));
    });
    server.listen(address, resolve);
  });
  server.unref();
  try {
    writeFileSync(holderFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // Only whoever is refused is told less.
  }
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "unknown";
  }
}
