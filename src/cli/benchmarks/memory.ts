import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { availableTargets } from "../../compiler/index.js";
import { NeuroranError } from "../../errors.js";
import { createRandom, type ResidentMemory, residentMemory } from "../../system/index.js";
import { createHttpCaller, postRequest } from "../load/http-connection.js";
import { sweepKeys, timeCall } from "../load/key-sweep.js";
import { type Measurement, timePercentiles } from "./measure.js";
import { type MeasuredNode, withNode } from "./node-under-measurement.js";

/** Memory of a node's process. */
export interface MemoryMeasurement {
  readonly benchmark: "memory";
  readonly case: string;
  readonly target: string;
  readonly unit: "bytes";
  /** Resident, and of that backed by no file: pages of the store's file are resident, too, as long as nobody needs the memory. */
  readonly bytes: number;
  readonly anonymous_bytes: number;
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
  yield bytesOf("each further function", {
    bytes: (all.bytes - one.bytes) / functions,
    anonymous_bytes: (all.anonymous_bytes - one.anonymous_bytes) / functions,
  });
  if (!signal.aborted) yield* measureKeys(options);
}

function bytesOf(name: string, memory: ResidentMemory): MemoryMeasurement {
  return { benchmark: "memory", case: name, target: "NeuroRAN", unit: "bytes", ...memory };
}

/** The least of several starts, as V8 leaves more or less garbage. @param modules of so many functions, each called once. */
async function idleMemory(modules: readonly number[], preload?: URL): Promise<ResidentMemory> {
  let least = { bytes: Number.POSITIVE_INFINITY, anonymous_bytes: Number.POSITIVE_INFINITY };
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
  for await (const memory of measured) {
    least = {
      bytes: Math.min(least.bytes, memory.bytes),
      anonymous_bytes: Math.min(least.anonymous_bytes, memory.anonymous_bytes),
    };
  }
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

async function settledMemory({ system }: MeasuredNode): Promise<ResidentMemory> {
  await sleep(settle_ms);
  const memory = residentMemory(system.processId);
  if (memory === undefined) {
    throw new NeuroranError(
      "MEMORY_UNKNOWN",
      "This platform does not tell what memory a process has resident",
    );
  }
  return memory;
}

async function* measureKeys({
  keys,
  cache,
  seed,
  signal,
}: MemoryOptions): AsyncGenerator<MemoryMeasurement | Measurement> {
  const body = async function* (node: MeasuredNode): AsyncGenerator<MemoryMeasurement | Measurement> {
    const { system } = node;
    const request = (index: number): Buffer =>
      postRequest(system, `/functions/counter/key-${index}/add`, system.headers, { by: 1 });
    const fill = (from: number, count: number): Promise<unknown> =>
      sweepKeys({
        address: system,
        count,
        connections,
        request: (index) => request(from + index),
        reply: 1,
        signal,
      });
    const half = Math.floor(keys / 2);
    await fill(0, half);
    yield bytesOf(`${half} keys, cache ${cache} MiB`, await settledMemory(node));
    await fill(half, keys - half);
    yield bytesOf(`${keys} keys, cache ${cache} MiB`, await settledMemory(node));
    // Keys of the first half have been idle for long. In turn, so that both kinds of call meet the same machine.
    const random = createRandom(seed);
    const chosen = new Set<number>();
    while (chosen.size < Math.min(activations, half)) chosen.add(random.integer(half));
    const caller = createHttpCaller(system);
    const [idle, active]: [number[], number[]] = [[], []];
    for (const index of chosen) {
      if (signal.aborted) return;
      idle.push(await timeCall(caller, request(index), 2));
      active.push(await timeCall(caller, request(index), 3));
    }
    caller.close();
    yield timesOf("call of an idle key", Float64Array.from(idle).sort());
    yield timesOf("call of an active key", Float64Array.from(active).sort());
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
