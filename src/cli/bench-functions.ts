import type { Command } from "commander";
import { NeuroranError } from "../errors.js";
import { benchmarkColdStart } from "./benchmarks/cold-start.js";
import { benchmarkHop } from "./benchmarks/hop.js";
import { benchmarkInvoke, type InvokeMeasurement } from "./benchmarks/invoke.js";
import type { Measurement } from "./benchmarks/measure.js";
import { benchmarkMemory, type MemoryMeasurement } from "./benchmarks/memory.js";
import { exitStatus } from "./exit-status.js";
import { fixed, printJson, table } from "./format.js";
import { onInterrupt } from "./interrupt.js";
import { describeMachine, machineLine } from "./machine.js";
import { numberOption } from "./options.js";

interface Output {
  readonly json?: boolean;
}

interface InvokeCommand extends Output {
  readonly seconds: number;
  readonly peer?: string;
}

interface HopCommand extends Output {
  readonly seconds: number;
}

interface ColdStartCommand extends Output {
  readonly rounds: number;
}

interface MemoryCommand extends Output {
  readonly keys: number;
  readonly cache: number;
  readonly seed: number;
}

/** The benchmarks of stateful functions, each over a node in a process of its own. */
export function addFunctionBenchmarks(bench: Command): void {
  const add = (name: string, description: string, example: string): Command =>
    bench
      .command(name)
      .description(description)
      .option("--json", "print one JSON object a line")
      .addHelpText("after", `\nExample:\n  $ neuroran bench ${name} ${example}`);

  add("invoke", "durable calls of stateful functions over HTTP, beside a peer if you like", "--peer restate")
    .option(
      "--seconds <number>",
      "time for each case and system",
      numberOption("--seconds", { minimum: 0.1, maximum: 600, unit: "s" }),
      5,
    )
    .option("--peer <name>", "measure another system in the same run: restate, installed for it by npm")
    .action(runInvoke);
  add("hop", "messages from one operator of a flow to the next, on one thread and on two", "--seconds 2")
    .option(
      "--seconds <number>",
      "about the time for each case",
      numberOption("--seconds", { minimum: 0.1, maximum: 600, unit: "s" }),
      2,
    )
    .action(runHop);
  add("cold-start", "the first reply of a function that was not loaded", "--rounds 20")
    .option(
      "--rounds <number>",
      "starts of the node, each with one first reply",
      numberOption("--rounds", { minimum: 1, maximum: 1000, whole: true }),
      9,
    )
    .action(runColdStart);
  add("memory", "resident memory of a node, of functions and of idle keys", "--keys 100000")
    .option(
      "--keys <number>",
      "keys with state",
      numberOption("--keys", { minimum: 2000, maximum: 10_000_000, whole: true }),
      100_000,
    )
    .option(
      "--cache <MiB>",
      "memory for the state of keys in use",
      numberOption("--cache", { minimum: 1, maximum: 100_000, unit: "MiB" }),
      4,
    )
    .option("--seed <number>", "chooses the keys to be called", numberOption("--seed", { whole: true }), 1)
    .action(runMemory);
}

async function runInvoke({ seconds, peer, json }: InvokeCommand): Promise<void> {
  const words = `invoke --seconds ${seconds}${peer === undefined ? "" : ` --peer ${peer}`}`;
  const rows = await collect(words, json, (signal) => benchmarkInvoke({ seconds, peer, signal }));
  if (json || rows.length === 0) return;
  const columns = [
    { title: "Case", align: "left" as const },
    { title: "system", align: "left" as const },
    ...["ms p50", "p90", "p99", "max", "calls/s", "floor ms", "LMDB ms"].map(right),
  ];
  const cells = (one: InvokeMeasurement): string[] => [
    one.case,
    one.target,
    ...times(one),
    fixed(one.callsPerSecond, 0),
    fixed(one.floor_ms, 3),
    fixed(one.lmdbFloor_ms, 3),
  ];
  process.stdout.write(table(columns, rows.map(cells)));
  process.stdout.write(
    "\nA call lasts from the request's handing over to the whole reply, over a connection that is kept alive; every reply is checked.\n" +
      "Floor: the median of one small write flushed to the same disk, right before. A reply is durable when it comes.\n" +
      "Not measured: networks, and requests within sessions.\n",
  );
}

async function runHop({ seconds, json }: HopCommand): Promise<void> {
  const rows = await collect(`hop --seconds ${seconds}`, json, (signal) => benchmarkHop(seconds, signal));
  if (json || rows.length === 0) return;
  const micros = (one: Measurement): string[] =>
    [one.p50, one.p90, one.p99, one.max].map((duration) => fixed(1000 * duration, 2));
  process.stdout.write(
    table(
      [{ title: "Case", align: "left" }, ...["µs p50", "p90", "p99", "max", "messages"].map(right)],
      rows.map((one) => [one.case, ...micros(one), String(one.n)]),
    ),
  );
  process.stdout.write(
    "\nFrom the call that emits a message of 4 kB to the call of the keyed operator that takes it.\n" +
      "Awake: messages come before the thread has waited for 50 µs; asleep: it must be woken by the system.\n" +
      "Not measured: messages that wait in a full ring, and epochs.\n",
  );
}

async function runColdStart({ rounds, json }: ColdStartCommand): Promise<void> {
  const words = `cold-start --rounds ${rounds}`;
  const rows = await collect(words, json, (signal) => benchmarkColdStart(rounds, signal));
  if (json || rows.length === 0) return;
  process.stdout.write(
    table(
      [{ title: "Case", align: "left" }, ...["ms p50", "p90", "p99", "max", "calls"].map(right)],
      rows.map((one) => [one.case, ...times(one), String(one.n)]),
    ),
  );
  process.stdout.write(
    "\nBoth with one durable commit, over HTTP, on a node that serves another function already.\n",
  );
}

async function runMemory({ keys, cache, seed, json }: MemoryCommand): Promise<void> {
  const words = `memory --keys ${keys} --cache ${cache} --seed ${seed}`;
  const rows = await collect(words, json, (signal) => benchmarkMemory({ keys, cache, seed, signal }));
  if (json || rows.length === 0) return;
  const memory = rows.filter((one): one is MemoryMeasurement => one.unit === "bytes");
  const timed = rows.filter((one): one is Measurement => one.unit !== "bytes");
  process.stdout.write(
    table(
      [{ title: "Case", align: "left" }, right("KiB resident"), right("of no file")],
      memory.map((one) => [one.case, fixed(one.bytes / 1024, 0), fixed(one.anonymous_bytes / 1024, 0)]),
    ),
  );
  const head = [
    { title: "Case", align: "left" as const },
    ...["ms p50", "p90", "p99", "max", "calls"].map(right),
  ];
  const body = timed.map((one) => [one.case, ...times(one), String(one.n)]);
  if (timed.length > 0) process.stdout.write(`\n${table(head, body)}`);
  process.stdout.write(
    "\nAn idle key's state lies in the store only; both calls make one durable commit, over HTTP. Memory that is backed by files\n" +
      "is the programs and the pages of the store that were read or written last: the system takes it where it is needed.\n",
  );
}

function right(title: string) {
  return { title, align: "right" as const };
}

function times({ p50, p90, p99, max }: Measurement): string[] {
  return [p50, p90, p99, max].map((value) => fixed(value, 3));
}

/** All rows; with `json` each is printed as soon as it is there. Ctrl-C ends the benchmark in order. */
async function collect<T extends object>(
  words: string,
  json: boolean | undefined,
  run: (signal: AbortSignal) => AsyncGenerator<T>,
): Promise<T[]> {
  const interrupt = onInterrupt();
  const rows: T[] = [];
  if (!json) {
    process.stdout.write(`${machineLine(describeMachine())}\nneuroran bench ${words}\n\n`);
  }
  try {
    for await (const row of run(interrupt.signal)) {
      rows.push(row);
      if (json) printJson(row);
    }
  } catch (error) {
    if (!(interrupt.signal.aborted && error instanceof NeuroranError)) throw error;
  } finally {
    interrupt.restore();
  }
  if (interrupt.signal.aborted) process.exitCode = exitStatus.interrupted;
  return rows;
}
