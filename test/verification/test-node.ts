/**
 * A node of a domain and as little else as possible, for tests of the verification itself: a process of its own, which can be
 * killed and started again on the same file. `node test-node.js <port> <file> <fault>`, where the fault is one of `faults`.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { embeddedBus, type Store, systemClock, type Write } from "../../src/bus/index.js";
import { memoryStore } from "../../src/bus/memory-store.js";
import { layerOne, layerThree, layerTwo } from "../../src/cli/verification/programs/interpreter.js";
import { NeuroranError } from "../../src/errors.js";
import type { Identification } from "../../src/functions/turns/index.js";
import { createCommitDomain } from "../../src/functions/turns/index.js";

const [port, file, fault] = process.argv.slice(2) as [string, string, string];
const unsealed = { seal: (plain: Uint8Array) => plain, open: (sealed: Uint8Array) => sealed };
const domain = createCommitDomain({
  store: await fileStore(),
  bus: embeddedBus("test"),
  clock: systemClock,
  uniqueId: randomUUID,
  cipherOf: () => unsealed,
  functions: [layerOne!, layerTwo!, layerThree!],
});

/** A memory store whose batches are written to a file as well, by one write each; not flushed, as only processes are killed. */
async function fileStore(): Promise<Store> {
  const memory = memoryStore();
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  // The last line may be part of a batch: what follows the last line end was not written whole.
  for (const line of lines.slice(0, -1)) {
    if (line === "") continue;
    const batch = (JSON.parse(line) as [string, string | null][]).map(([key, value]) => ({
      key,
      value: value === null ? undefined : new Uint8Array(Buffer.from(value, "base64")),
    }));
    await memory.commit(batch);
  }
  if (lines.length > 0) appendFileSync(file, "\n");
  let batches = 0;
  return {
    ...memory,
    commit(batch) {
      if (!(fault === "loses commits" && ++batches % 5 === 0)) appendFileSync(file, lineOf(batch));
      return memory.commit(batch);
    },
  };
}

function lineOf(batch: readonly Write[]): string {
  const kept = fault === "forgets timers" ? batch.filter(({ key }) => key.split("\0")[1] !== "timer") : batch;
  const entries = kept.map(({ key, value }) => [
    key,
    value === undefined ? null : Buffer.from(value).toString("base64"),
  ]);
  return `${JSON.stringify(entries)}\n`;
}

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const text = Buffer.concat(chunks).toString();
    serve(request.url!, request.headers, text === "" ? undefined : JSON.parse(text)).then(
      ({ status, value }) => response.writeHead(status).end(JSON.stringify(value)),
      (error: unknown) => {
        const retried = error instanceof NeuroranError && error.code === "COMMIT_FAILED";
        response.writeHead(retried ? 503 : 400).end(JSON.stringify({ message: String(error) }));
      },
    );
  });
}).listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));

async function serve(
  url: string,
  headers: NodeJS.Dict<string | string[]>,
  body: unknown,
): Promise<{ status: number; value: unknown }> {
  if (url === "/sessions") return { status: 201, value: { session: await domain.openSession(600_000) } };
  if (url === "/metrics") return { status: 200, value: domain.statistics() };
  const [, , name, key, handler] = url.split("/") as [string, string, string, string, string];
  const invocation = { target: { function: name, key }, handler, body };
  const outcome = await domain.invoke(invocation, identificationOf(headers));
  return outcome.ok ? { status: 200, value: outcome.value } : { status: 422, value: outcome.error };
}

function identificationOf(headers: NodeJS.Dict<string | string[]>): Identification | undefined {
  const session = headers["neuroran-session"];
  if (typeof session !== "string" || fault === "ignores sessions") return undefined;
  const sequence = Number(headers["neuroran-sequence"]);
  return { session: { session, sequence, acknowledged: Number(headers["neuroran-acknowledged"]) } };
}
