import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { describeError, type ErrorDescription } from "../errors.js";
import { type Applied, corruptData, openDataFile, storeError } from "./data-file.js";
import { logPaths } from "./log.js";
import { decodeRecord } from "./log-record.js";

/*
 * Applies files of the log to the data file, on a thread of its own: LMDB writes every page that a key lies on and waits for
 * the disk several times, which nobody who commits should have to wait for.
 */

/** A file of the log, from its beginning to `end`, that ends with the record `applied.sequence`. */
export interface DrainRequest {
  readonly file: 0 | 1;
  readonly end: number;
  readonly applied: Applied;
}

/** Undefined when it is done. */
export type DrainReply = ErrorDescription | undefined;

if (parentPort !== null) {
  const port = parentPort;
  const directory = workerData as string;
  const data = await openDataFile(directory);
  port.on("message", async (request: DrainRequest | "close") => {
    if (request === "close") {
      await data.close();
      port.close();
      return;
    }
    let reply: DrainReply;
    try {
      const path = logPaths(directory)[request.file];
      const buffer = readFileSync(path).subarray(0, request.end);
      // Of several writes of one key the last counts, so that a key that changes all the time costs one.
      const writes = new Map<string, Uint8Array | undefined>();
      let at = 0;
      while (at < request.end) {
        const record = decodeRecord(buffer, at, request.applied.salt);
        if (record === undefined) throw corruptData(path, `is damaged at byte ${at}`);
        for (const { key, value } of record.writes) writes.set(key, value);
        at = record.end;
      }
      data.apply(writes, request.applied);
    } catch (error) {
      reply = describeError(storeError(directory, error));
    }
    port.postMessage(reply);
  });
}
