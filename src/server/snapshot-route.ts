import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Store } from "../bus/index.js";
import type { NodeKey } from "../functions/encryption/index.js";
import { exportStore } from "../functions/snapshot/index.js";
import type { Exchange } from "./exchange.js";
import { methodRefused, pathUnknown } from "./http-server.js";

/** What a snapshot is taken of. */
export interface SnapshotSource {
  readonly store: Store;
  readonly nodeKey: NodeKey;
  /** Where it is put together. */
  readonly directory: string;
}

/** `GET /snapshot`: what the node has kept, as of now and sealed as it is, as one signed file. */
export async function serveSnapshot(exchange: Exchange, source: SnapshotSource): Promise<void> {
  const { request, response, path } = exchange;
  if (path.length > 1) throw pathUnknown("there is /snapshot");
  if (request.method !== "GET") throw methodRefused(exchange, "GET");
  const folder = await mkdtemp(join(source.directory, "snapshot-"));
  try {
    const file = join(folder, "whole");
    await exportStore(source.store, source.nodeKey, file);
    const { size } = await stat(file);
    response.writeHead(200, ["content-type", "application/octet-stream", "content-length", String(size)]);
    // Whoever goes before the end has no snapshot; the node is none the worse for it.
    await pipeline(createReadStream(file), response).catch(() => {});
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
