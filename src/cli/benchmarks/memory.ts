import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { availableTargets } from "../../compiler/index.js";
import { NeuroranError } from "../../errors.js";
import { createRandom, residentMemory } from "../../system/index.js";
import { postRequest } from "../load/http-connection.js";
import { sweepKeys } from "../load/key-sweep.js";
import { type Measurement, timePercentiles } from "./measure.js";
import { type MeasuredNode, withNode } from "./node-under-measurement.js";

/** Memory of a node's process. */
export interface MemoryMeasurement {
  readonly benchmark: "memory";
  readonly case: string;
  readonly target: string;
  readonly unit: "bytes";
  readonly bytes: number;
}

export interface MemoryOptions {
  /** Keys with state that are not in use. */
  readonly keys: number;
  /** Memory for the state of keys in use, MiB. */
  readonly cache: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

const functions = 200;
const rounds = 3;
const settle_ms = 1000;
const activations = 1000;
const connections = 64;

/**
 * Measures resident memory of a node's process: idle, with libLLVM loaded, for each further function, and with many keys whose
 * state lies in the store; and how much longer a call takes that must fetch a key from there than one that need not.
 */
export async function* benchmarkMemory(
  options: MemoryOptions,
): AsyncGenerator<MemoryMeasurement | Measurement> {
  const { signal } = options;
  const idle = await idleMemory([]);
  yield bytesOf("idle node", idle);
  if (availableTargets().includes("llvm") && !signal.aborted) {
    yield bytesOf(
      "idle node, libLLVM loaded",
      await idleMemory([], new URL("./load-llvm.js", import.meta.url)),
    );
  }
  if (signal.aborted) return;
  const one = await idleMemory([1]);
  const all = await idleMemory([1, functions]);
  yield bytesOf("each further function", (all - one) / functions);
  if (!signal.aborted) yield* measureKeys(options);
}

function bytesOf(name: string, bytes: number): MemoryMeasurement {
  return { benchmark: "memory", case: name, target: "NeuroRAN", unit: "bytes", bytes };
}

/** The least of several starts, as V8 leaves more or less garbage. @param modules of so many functions, each called once. */
async function idleMemory(modules: readonly number[], preload?: URL): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  const options = preload === undefined ? {} : { preload };
  const measured = withNode(
    [],
    async function* (deployed) {
      for (const [index, size] of modules.entries())
        await deployed.deploy(writeModule(deployed.data, index, size));
      let node = deployed;
      for (let round = 0; round < rounds; round++) {
        node = await node.restart();
        for (const [index, size] of modules.entries()) await callEach(node, index, size, round);
        yield await settledMemory(node);
      }
    },
    options,
  );
  for await (const bytes of measured) least = Math.min(least, bytes);
  return least;
}

function writeModule(folder: string, module: number, size: number): string {
  const library = fileURLToPath(new URL("./many.js", import.meta.url));
  const exports = Array.from(
    { length: size },
    (_, index) => `export const small${index} = small(${JSON.stringify(nameOf(module, index))});`,
  );
  const path = join(folder, `many-${module}.mjs`);
  writeFileSync(path, [`import { small } from ${JSON.stringify(library)};`, ...exports, ""].join("\n"));
  return path;
}

function nameOf(module: number, index: number): string {
  return `small-${module}-${index}`;
}

async function callEach(
  { system }: MeasuredNode,
  module: number,
  size: number,
  round: number,
): Promise<void> {
  await sweepKeys({
    address: system,
    count: size,
    connections: 1,
    request: (index) =>
      postRequest(system, `/functions/${nameOf(module, index)}/key/add`, system.headers, { by: 1 }),
    reply: round + 1,
  });
}

async function settledMemory({ system }: MeasuredNode): Promise<number> {
  await sleep(settle_ms);
  const bytes = residentMemory(system.processId);
  if (bytes === undefined) {
    throw new NeuroranError(
      "MEMORY_UNKNOWN",
      "This platform does not tell what memory a process has resident",
    );
  }
  return bytes;
}

async function* measureKeys({
  keys,
  cache,
  seed,
  signal,
}: MemoryOptions): AsyncGenerator<MemoryMeasurement | Measurement> {
  const body = async function* (node: MeasuredNode): AsyncGenerator<MemoryMeasurement | Measurement> {
    const { system } = node;
    const add = (from: number, count: number, reply: number, parallel: number): Promise<Float64Array> =>
      sweepKeys({
        address: system,
        count,
        connections: parallel,
        request: (index) =>
          postRequest(system, `/functions/counter/key-${from + index}/add`, system.headers, { by: 1 }),
        reply,
        signal,
      });
    const half = Math.floor(keys / 2);
    await add(0, half, 1, connections);
    yield bytesOf(`${half} keys, cache ${cache} MiB`, await settledMemory(node));
    await add(half, keys - half, 1, connections);
    yield bytesOf(`${keys} keys, cache ${cache} MiB`, await settledMemory(node));
    // Keys of the first half have been idle for long.
    const from = createRandom(seed).integer(Math.max(1, half - activations));
    const count = Math.min(activations, half);
    yield timesOf("call of an idle key", await add(from, count, 2, 1));
    yield timesOf("call of an active key", await add(from, count, 3, 1));
  };
  yield* withNode(["counters"], body, { words: ["--cache", String(cache)] });
}

function timesOf(name: string, sorted: Float64Array): Measurement {
  return {
    benchmark: "memory",
    case: name,
    target: "NeuroRAN",
    ...timePercentiles({ sorted, mean: Number.NaN }),
    correct: true,
  };
}
