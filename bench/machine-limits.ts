import { spawnSync } from "node:child_process";
import { type Execution, instructionLoop, LINE, memoryOperand } from "./machine-code.js";

/** What this processor was measured to do. */
export interface MachineLimits {
  /** Cycles a nanosecond. */
  readonly clock: number;
  /** Ports that take products of 512 bits of floats: 2 where the fifth port has a unit for them, too. */
  readonly floatUnits: number;
  /** Cycles a line that is read, and that is written, where the second-level cache holds it and the first does not. */
  readonly lineRead: number;
  readonly lineWritten: number;
}

const many = <T>(count: number, one: (k: number) => T): T[] =>
  Array.from({ length: count }, (_, k) => one(k));

/** Nanoseconds of each of some instructions, executed over and over: the least of 40 times. */
function timeInstructions(instructions: readonly string[]): number {
  const loop = instructionLoop(instructions);
  const rounds = Math.ceil(200_000 / instructions.length);
  const times = many(40, () => loop.run(rounds));
  loop.release();
  return Math.min(...times) / instructions.length;
}

/** Cycles a nanosecond, now: by dependent additions of registers, each of which takes one. */
export function measureClock(): number {
  return 1 / timeInstructions(many(64, () => "add rax, rdx"));
}

export function measureLimits(): MachineLimits {
  const clock = measureClock();
  const cycles = (round: string[]): number => timeInstructions(round) * clock;
  // More than the nearest cache holds, and a quarter of the next.
  const lines = 8192;
  const line = (k: number): string => `zmmword ptr [rsi + ${LINE * k}]`;
  return {
    clock,
    floatUnits: Math.round(1 / cycles(many(32, (k) => `vmulps zmm${k % 16}, zmm17, zmm18`))),
    lineRead: cycles(many(lines, (k) => `vmovdqu64 zmm${k % 16}, ${line(k)}`)),
    lineWritten: cycles(many(lines, (k) => `vmovdqu64 ${line(k)}, zmm16`)),
  };
}

/** Micro-operations by the ports that can take them, a bit a port. */
type PortUse = Map<number, number>;

/** What calls of a kernel take of the processor. */
export interface Work {
  /** Whether ports are those of LLVM's model of the processor; else they were guessed. */
  readonly modelled: boolean;
  readonly instructions: number;
  readonly loadedBytes: number;
  readonly storedBytes: number;
  /** Of both, on the stack: registers that were spilled. */
  readonly stackBytes: number;
  /** Accesses that cross a line of the cache, as a share of all. */
  readonly crossings: number;
  /** By the ports that can take them. */
  readonly microOperations: Readonly<Record<string, number>>;
  /** Cycles that each resource is busy at least, the most first. */
  readonly bounds: readonly { readonly resource: string; readonly cycles: number }[];
}

/** Ports of Golden Cove cores (Intel's optimization manual 248966, figure 2-1; LLVM's SapphireRapids model). */
const ports = {
  loads: [2, 3, 11],
  wideLoads: [2, 3],
  storeData: [4, 9],
  storeAddresses: [7, 8],
  wide: [0, 5],
  vector: [0, 1, 5],
  scalar: [0, 1, 5, 6, 10],
} as const;

/** Instructions that the processor renames in a cycle. */
const FRONT_END = 6;

const bits = (numbers: readonly number[]): number => numbers.reduce((sum, port) => sum | (1 << port), 0);

function add(use: PortUse, set: number, count: number): void {
  use.set(set, (use.get(set) ?? 0) + count);
}

/** Names under which systems install llvm-mca. */
const analyzers = ["llvm-mca-19", "llvm-mca", ...many(12, (k) => `llvm-mca-${30 - k}`)];

/** What this program reads of llvm-mca's report. */
interface AnalyzerReport {
  readonly CodeRegions: readonly [
    {
      readonly Instructions: readonly string[];
      readonly ResourcePressureView: {
        readonly ResourcePressureInfo: readonly {
          readonly InstructionIndex: number;
          readonly ResourceIndex: number;
          readonly ResourceUsage: number;
        }[];
      };
    },
  ];
  readonly TargetInfo: { readonly Resources: readonly string[] };
}

/**
 * The ports that LLVM's model of the processor at hand gives instructions.
 * @returns undefined without llvm-mca, and where it knows no ports like those above.
 */
export function modelPorts(texts: readonly string[]): PortUse[] | undefined {
  const flags = ["-x86-asm-syntax=intel", "-instruction-tables", "-json"];
  for (const name of analyzers) {
    const { error, status, stdout } = spawnSync(name, flags, { input: texts.join("\n"), maxBuffer: 2 ** 30 });
    if (error !== undefined || status !== 0) continue;
    const report = JSON.parse(stdout.toString()) as AnalyzerReport;
    const [{ Instructions, ResourcePressureView }] = report.CodeRegions;
    const resources = report.TargetInfo.Resources;
    if (Instructions.length !== texts.length || !resources.includes("SPRPort00")) return undefined;
    const shares = texts.map(() => new Map<number, number>());
    for (const one of ResourcePressureView.ResourcePressureInfo) {
      const port = /^SPRPort(\d+)$/.exec(resources[one.ResourceIndex]!);
      // Behind the instructions stands their sum.
      if (port !== null) shares[one.InstructionIndex]?.set(Number(port[1]), one.ResourceUsage);
    }
    return shares.map(undistributed);
  }
  return undefined;
}

/** Undoes llvm-mca's even distribution of each micro-operation over the ports that can take it. */
function undistributed(shares: ReadonlyMap<number, number>): PortUse {
  const use: PortUse = new Map();
  for (const group of [ports.loads, ports.storeData, ports.storeAddresses, ports.scalar]) {
    let left = group.map((port) => ({ port, share: shares.get(port) ?? 0 }));
    for (;;) {
      left = left.filter(({ share }) => share > 1e-3);
      if (left.length === 0) break;
      const least = Math.min(...left.map(({ share }) => share));
      add(use, bits(left.map(({ port }) => port)), least * left.length);
      left = left.map(({ port, share }) => ({ port, share: share - least }));
    }
  }
  return use;
}

/** The same guessed without a model: what an instruction reads, writes and computes in, one micro-operation each. */
export function guessPorts(text: string): PortUse {
  const use: PortUse = new Map();
  const operand = memoryOperand(text);
  if (operand?.written) {
    add(use, bits(ports.storeData), 1);
    add(use, bits(ports.storeAddresses), 1);
  } else if (operand !== undefined) add(use, bits(ports.loads), 1);
  if (operand !== undefined && /^v?mov/.test(text)) return use;
  add(use, bits(/zmm/.test(text) ? ports.wide : /[xy]mm/.test(text) ? ports.vector : ports.scalar), 1);
  return use;
}

/** Products, extremes and conversions of floats in 512 bits: LLVM's model has one unit for them. */
const wideFloat = /^v(fm|fnm|mul|min|max|cvt)\w+\s.*zmm/;

const divisions = new Map<string, number>();

/** Cycles after which the divider takes the next of the same. */
function divisionCycles(text: string, clock: number): number {
  const [mnemonic, kind] = /^(\w+)\s+([xyz]mm)/.exec(text)!.slice(1);
  const sources = mnemonic!.startsWith("vdiv") ? `${kind}17, ${kind}18` : `${kind}17`;
  const form = `${mnemonic} ${kind}`;
  const round = many(16, (k) => `${form}${k}, ${sources}`);
  const cycles = divisions.get(form) ?? timeInstructions(round) * clock;
  divisions.set(form, cycles);
  return cycles;
}

function portNames(set: number): string {
  return many(12, (port) => port)
    .filter((port) => (set & (1 << port)) !== 0)
    .join("+");
}

/** The ports that are busy longest when micro-operations are spread over them as well as can be. */
function busiest(use: PortUse): { resource: string; cycles: number } {
  let best = { resource: "no port", cycles: 0 };
  const used = [...use.keys()].reduce((all, set) => all | set, 0);
  for (let chosen = used; chosen > 0; chosen = (chosen - 1) & used) {
    let sum = 0;
    for (const [set, count] of use) if ((set & ~chosen) === 0) sum += count;
    const cycles = sum / many(12, (port) => (chosen >> port) & 1).reduce((a, b) => a + b);
    if (cycles >= best.cycles) best = { resource: `port ${portNames(chosen)}`, cycles };
  }
  return best;
}

/** Lines of the first-level data cache: 48 KiB. */
const NEAREST_LINES = 768;

/** Cycles for what the nearest cache cannot keep from one call to the next, at best. */
function secondLevelCycles({ linesRead, linesWritten }: Execution, limits: MachineLimits): number {
  const written = Math.max(0, linesWritten - NEAREST_LINES);
  const room = Math.max(0, NEAREST_LINES - linesWritten);
  return written * limits.lineWritten + Math.max(0, linesRead - room) * limits.lineRead;
}

/**
 * What a call takes of the processor, and the least cycles in which each resource is done with it. Chains of dependent
 * instructions and branches that were foretold wrongly are no resource.
 */
export function work(execution: Execution, limits: MachineLimits): Work {
  const known = new Map<string, { count: number; crossings: number }>();
  for (const { text, count, crossings } of execution.instructions) {
    const before = known.get(text) ?? { count: 0, crossings: 0 };
    known.set(text, { count: before.count + count, crossings: before.crossings + crossings });
  }
  const texts = [...known.keys()];
  const model = modelPorts(texts);
  const uses = model ?? texts.map(guessPorts);
  const total: PortUse = new Map();
  let [instructions, accesses, crossed, dividing] = [0, 0, 0, 0];
  const bytes = { loaded: 0, stored: 0, stack: 0 };
  texts.forEach((text, k) => {
    const { count, crossings } = known.get(text)!;
    const operand = memoryOperand(text);
    const wide = operand?.bytes === LINE;
    for (const [set, each] of uses[k]!) {
      if (set === bits(ports.loads)) {
        // An access to two lines is made twice.
        add(total, wide ? bits(ports.wideLoads) : set, each * count + crossings);
      } else if (set === bits(ports.storeData)) {
        // 64 bytes take both ports, and a store to two lines takes them twice.
        add(total, set, (wide ? 2 : 1) * count + (wide ? 2 : 3) * crossings);
      } else if (set === bits([0]) && limits.floatUnits === 2 && wideFloat.test(text)) {
        add(total, bits(ports.wide), each * count);
      } else add(total, set, each * count);
    }
    instructions += count;
    if (/^v(div|sqrt)/.test(text)) dividing += count * divisionCycles(text, limits.clock);
    if (operand === undefined) return;
    accesses += count;
    crossed += crossings;
    bytes[operand.written ? "stored" : "loaded"] += count * operand.bytes;
    if (operand.address.includes("rsp")) bytes.stack += count * operand.bytes;
  });
  const bounds = [
    busiest(total),
    { resource: "front end", cycles: instructions / FRONT_END },
    { resource: "divider", cycles: dividing },
    { resource: "L2", cycles: secondLevelCycles(execution, limits) },
  ].sort((a, b) => b.cycles - a.cycles);
  return {
    modelled: model !== undefined,
    instructions,
    loadedBytes: bytes.loaded,
    storedBytes: bytes.stored,
    stackBytes: bytes.stack,
    crossings: crossed / Math.max(1, accesses),
    microOperations: Object.fromEntries([...total].map(([set, count]) => [portNames(set), count])),
    bounds,
  };
}
