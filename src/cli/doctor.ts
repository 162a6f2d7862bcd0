import type { Command } from "commander";
import {
  arith,
  buffer,
  kernel,
  openCodeCache,
  openTarget,
  type TargetName,
  targetNames,
  targetProblem,
  vector,
} from "../compiler/index.js";
import { arenaMemory } from "../functions/index.js";
import { leaseProcessor } from "../system/index.js";
import { exitStatus } from "./exit-status.js";
import { bad, byteCount, duration, good, printJson, properties } from "./format.js";
import { describeMachine } from "./machine.js";

/** Whether a target works here, found out by running a kernel. */
interface TargetCheck {
  readonly name: TargetName;
  readonly works: boolean;
  /** Milliseconds that compiling the kernel took; null where it failed. */
  readonly compile_ms: number | null;
  /** Why it does not work; null where it does. */
  readonly reason: string | null;
}

const leastNode = [20, 19];

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("say what this machine offers and whether NeuroRAN works on it")
    .description(
      "Says what this machine offers: processor, SIMD, engine, memory, and whether each target compiles and runs a kernel.\nThe exit status is 1 where something that NeuroRAN needs is missing.",
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ neuroran doctor --json")
    .action(({ json }: { json?: boolean }) => {
      process.exitCode = doctor(json ?? false);
    });
}

function doctor(json: boolean): number {
  const machine = describeMachine();
  const checked = targetNames.map(checkTarget);
  const cache = openCodeCache();
  const lease = leaseProcessor();
  lease.release();
  const nodeSuffices = versionSuffices(machine.node);
  const healthy =
    nodeSuffices &&
    machine.wasmSimd &&
    machine.sharedMemory &&
    checked.every(({ name, works }) => works || targetProblem(name) !== undefined);
  if (json) {
    printJson({
      ...machine,
      targets: checked,
      cache: { directory: cache.directory, problem: cache.problem ?? null },
      slot_thread: { processor: lease.processor ?? null, problem: lease.problem ?? null },
      healthy,
    });
    return healthy ? exitStatus.success : exitStatus.failed;
  }
  const yes = (available: boolean, remedy: string): string =>
    available ? good("yes") : bad(`no: ${remedy}`);
  process.stdout.write(
    properties([
      ["Processor", `${machine.cpu}, ${machine.architecture}`],
      ["Cores", String(machine.cores)],
      ["SIMD", machine.simd.join(" ") || "not told by this operating system"],
      ["Memory", `${byteCount(machine.memory)}, ${byteCount(machine.freeMemory)} free`],
      [
        "Node",
        `${machine.node}${nodeSuffices ? "" : bad(` is too old: install ${leastNode.join(".")} or later`)}`,
      ],
      ["V8", machine.v8],
      ["WebAssembly SIMD", yes(machine.wasmSimd, "install a current Node")],
      [
        "Relaxed SIMD",
        machine.relaxedSimd ? good("yes") : "no: multiply-add is not fused; Node 22 or later has it",
      ],
      ["Shared memory", yes(machine.sharedMemory, "install a current Node")],
      ...checked.map((target): [string, string] => [
        `Target ${target.name}`,
        target.works
          ? `${good("works")}, a small kernel compiled in ${duration(target.compile_ms!)}`
          : targetProblem(target.name) === undefined
            ? bad(`fails: ${target.reason}`)
            : `not available: ${target.reason}`,
      ]),
      [
        "Slot threads",
        lease.processor === undefined
          ? `not pinned: ${lease.problem}`
          : `pinned, the next to processor ${lease.processor}`,
      ],
      ["Kernel cache", cache.problem === undefined ? cache.directory : `not used: ${cache.problem}`],
    ]),
  );
  return healthy ? exitStatus.success : exitStatus.failed;
}

function checkTarget(name: TargetName): TargetCheck {
  try {
    const memory = arenaMemory(1024);
    const values = new Int32Array(memory.buffer, 64, 4).fill(20);
    const begin = performance.now();
    const run = openTarget(name).compile(trialKernel(), memory);
    const compile_ms = performance.now() - begin;
    run(64);
    const works = values.every((value) => value === 42);
    return { name, works, compile_ms, reason: works ? null : `20 + 22 gave ${values[0]}` };
  } catch (error) {
    return {
      name,
      works: false,
      compile_ms: null,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

function trialKernel() {
  return kernel("doctor", { values: buffer("i32", 4) }, ({ values }) => {
    vector.store(arith.addi(vector.load(values, 0, 4), 22), values, 0);
  });
}

function versionSuffices(version: string): boolean {
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  return major > leastNode[0]! || (major === leastNode[0] && minor >= leastNode[1]!);
}
