/**
 * How near do the receiver's hottest kernels come to what the processor can do?
 *
 *     npm run build && node dist/bench/ceilings.js [--kernel LDPC] [--seconds 1] [--repetitions 5] [--json]
 *
 * For each kernel of target llvm, called as the receiver calls it for 273 PRBs of 256-QAM: its time, and the fewest
 * cycles in which the processor could execute the same instructions. These are counted exactly, by a copy of the machine
 * code that counts where a basic block begins and at each access to memory. llvm-mca says which ports an instruction can
 * go to; without it that is guessed from the instruction's text, and the report says so. The ceiling is the longest that
 * one of these is busy: a set of ports, the front end (6 instructions a cycle), the divider, or the second-level cache,
 * for lines that the first has no room for. What differs from processor to processor is measured first: the clock, the
 * units for 512 bits of floats, a line's way from and to the second-level cache, each form of division.
 *
 * Times are medians of batches of calls from machine code, the least of the repetitions; the clock is measured beside
 * each. Not measured: the call from JavaScript, memory that other functions displace between calls, and whether fewer
 * instructions would do. For x86-64; ports are those of Intel's Golden Cove (Sapphire and Emerald Rapids).
 */
import { parseArgs } from "node:util";
import { fixed, percentage, table } from "../src/cli/format.js";
import { describeMachine, machineLine } from "../src/cli/machine.js";
import { llvmTarget } from "../src/compiler/index.js";
import { percentile } from "../src/functions/index.js";
import { type KernelCall, kernelCalls, place } from "./kernel-calls.js";
import { callLoop, countInstructions, LINE } from "./machine-code.js";
import { measureClock, measureLimits, work } from "./machine-limits.js";

const { values } = parseArgs({
  options: {
    kernel: { type: "string", default: "" },
    seconds: { type: "string", default: "1" },
    repetitions: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
const seconds = positive("--seconds", values.seconds);
const repetitions = Math.ceil(positive("--repetitions", values.repetitions));

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) fail(`${name} takes a number above 0, not ${text}`);
  return value;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (process.arch !== "x64") fail(`instructions are counted on x86-64, not on ${process.arch}`);
const limits = measureLimits();
const all = kernelCalls(llvmTarget().vectorBytes);
const chosen = all.filter(({ name }) => name.includes(values.kernel));
if (chosen.length === 0) fail(`--kernel: none of ${all.map(({ name }) => name).join("; ")}`);

/** Nanoseconds that a batch of calls lasts at least: much longer than its own call and the clock's. */
const BATCH = 50_000;

function measure(one: KernelCall) {
  const call = place(one);
  const execution = countInstructions(one.kernel, call);
  const loop = callLoop(one.kernel, call);
  let rounds = 1;
  while (loop.run(rounds) * rounds < BATCH) rounds *= 2;
  let [ns, cycles] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const times: number[] = [];
    const end = performance.now() + (1000 * seconds) / repetitions;
    while (times.length < 15 || performance.now() < end) times.push(loop.run(rounds));
    const median = percentile(Float64Array.from(times).sort(), 0.5);
    ns = Math.min(ns, median);
    cycles = Math.min(cycles, median * measureClock());
  }
  loop.release();
  const { bounds, ...taken } = work(execution, limits);
  const [ceiling, next] = bounds as [(typeof bounds)[0], (typeof bounds)[0]];
  const footprint = LINE * (execution.linesRead + execution.linesWritten);
  return { case: one.name, ns, cycles, ceiling, next, share: ceiling.cycles / cycles, footprint, ...taken };
}

const measured = chosen.map(measure);
if (values.json) {
  for (const row of measured)
    console.log(JSON.stringify({ benchmark: "ceilings", target: "llvm", ...limits, ...row }));
} else {
  const modelled = measured.every((row) => row.modelled);
  const machine = [
    `${fixed(limits.clock, 2)} GHz`,
    `${limits.floatUnits} units of 512-bit floats`,
    `cycles a line of L2: ${fixed(limits.lineRead, 1)} read, ${fixed(limits.lineWritten, 1)} written`,
    `ports ${modelled ? "by llvm-mca" : "guessed, since no llvm-mca is installed that knows this processor"}`,
  ];
  console.log(`${machineLine(describeMachine())}\n${machine.join("; ")}\n`);
  const titles =
    "ns,cycles,at least,share,bound by,next,share,instructions,a cycle,loaded,stored,touched,spilled,crossing";
  const rows = measured.map((row) => [
    row.case,
    fixed(row.ns, 0),
    fixed(row.cycles, 0),
    fixed(row.ceiling.cycles, 0),
    percentage(row.share),
    row.ceiling.resource,
    row.next.resource,
    percentage(row.next.cycles / row.cycles),
    String(row.instructions),
    fixed(row.instructions / row.cycles, 2),
    `${fixed(row.loadedBytes / row.cycles, 0)} B`,
    `${fixed(row.storedBytes / row.cycles, 0)} B`,
    `${fixed(row.footprint / 1024, 0)} KiB`,
    percentage(row.stackBytes / (row.loadedBytes + row.storedBytes)),
    percentage(row.crossings),
  ]);
  const columns = titles.split(",").map((title) => ({ title, align: "right" as const }));
  console.log(table([{ title: "Kernel", align: "left" }, ...columns], rows));
  console.log(
    "Loaded and stored: a cycle, of 128 and 64 B that the first-level cache gives and takes. Spilled: bytes of them moved to and from the stack. Crossing: accesses to two lines.",
  );
}
