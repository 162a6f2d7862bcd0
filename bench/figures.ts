/**
 * Measures and writes the figures of README.md between their markers: `npm run figures`. The benchmarks run one
 * after the other in processes of their own.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { availableTargets } from "../src/compiler/index.js";

const seconds = process.argv[2] ?? "10";

type Row = Record<string, string | number | boolean>;

function measure(program: string, ...words: string[]): Row[] {
  const path = fileURLToPath(new URL(program, import.meta.url));
  process.stderr.write(`measuring: ${[program, ...words].join(" ")}\n`);
  const output = execFileSync(process.execPath, [path, ...words], { encoding: "utf8", maxBuffer: 2 ** 26 });
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Row);
}

function table(rows: readonly Row[], columns: readonly string[]): string {
  const cell = (value: Row[string] | undefined): string =>
    typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value ?? "");
  return [
    `| ${columns.join(" | ")} |`,
    `|${columns.map(() => "---").join("|")}|`,
    ...rows.map((row) => `| ${columns.map((column) => cell(row[column])).join(" | ")} |`),
  ].join("\n");
}

const columns = ["benchmark", "case", "target", "unit", "p50", "p90", "p99", "max", "n", "tail", "late"];
const main = "../src/cli/main.js";
const rows = ["ldpc", "pusch"].flatMap((name) =>
  availableTargets().flatMap((target) =>
    measure(main, "bench", name, "--target", target, "--json", "--seconds", seconds),
  ),
);
const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}`;
const section = [
  `Machine: ${machine}; ${new Date().toISOString().slice(0, 10)}. Rates are of information bits on one core, and 50, 90`,
  "and 99 % of the calls were at least so fast; times are of one slot from the carrier's grid, or from baseband samples, to the",
  'checked transport block. "noise": a grid that never decodes, exactly two LDPC iterations, as srsRAN\'s benchmark measures;',
  "`tail` is p99.9 over p50, `late` counts slots that took longer than a slot lasts.",
  "",
  table(
    rows.filter((row) => "p50" in row && "case" in row && !("block" in row)),
    columns,
  ),
].join("\n");

const readme = fileURLToPath(new URL("../../README.md", import.meta.url));
const [begin, end] = ["<!-- figures:begin -->", "<!-- figures:end -->"];
const text = readFileSync(readme, "utf8");
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
writeFileSync(readme, `${text.slice(0, from + begin.length)}\n${section}\n${text.slice(to)}`);
