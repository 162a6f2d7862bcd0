/**
 * Measures and writes the figures of README.md between their markers: `npm run figures`. The benchmarks run one
 * after the other in processes of their own; with `-- --node <path>`, that of the slot path on another Node as well.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { availableTargets } from "../src/compiler/index.js";
import { machineAndDay, markdownTable, type Row, rowsOf, writeSection } from "./readme.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    node: { type: "string", multiple: true, default: [] },
  },
});

/** The cases of a benchmark on one target, each on every Node in turn. */
function measure(benchmark: string, target: string, nodes: readonly string[]): Row[] {
  const program = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
  const words = ["bench", benchmark, "--target", target, "--json", "--seconds", values.seconds];
  const measured = nodes.map((node) => {
    const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
    process.stderr.write(`measuring on Node ${version}: ${words.join(" ")}\n`);
    return rowsOf(execFileSync(node, [program, ...words], { encoding: "utf8", maxBuffer: 2 ** 26 }))
      .map((row): Row => ({ ...row, node: version }))
      .filter((row) => "p50" in row && "case" in row && !("block" in row));
  });
  return measured[0]!.flatMap((_, index) => measured.map((rows) => rows[index]!));
}

const columns = [
  "benchmark",
  "case",
  "target",
  "node",
  "unit",
  "p50",
  "p90",
  "p99",
  "max",
  "n",
  "tail",
  "late",
];
const nodes = { ldpc: [process.execPath], pusch: [process.execPath, ...values.node] };
const rows = Object.entries(nodes).flatMap(([benchmark, own]) =>
  availableTargets().flatMap((target) => measure(benchmark, target, own)),
);
const section = [
  `Machine: ${machineAndDay()}. Rates are of information bits on one core, and 50, 90`,
  "and 99 % of the calls were at least so fast; times are of one slot from the carrier's grid, or from baseband samples, to the",
  'checked transport block. "noise": a grid that never decodes, exactly two LDPC iterations, as srsRAN\'s benchmark measures;',
  "`tail` is p99.9 over p50, `late` counts slots that took longer than a slot lasts.",
  "",
  markdownTable(rows, columns),
].join("\n");

writeSection("figures", section);
