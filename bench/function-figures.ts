/**
 * Measures stateful functions and flows, one benchmark after the other, and writes the figures of README.md:
 * `npm run figures:functions`. The peer is installed for it by npm; `-- --no-peer` leaves it out.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machineAndDay, markdownTable, type Row, rowsOf, writeSection } from "./readme.js";

const { values } = parseArgs({ options: { "no-peer": { type: "boolean", default: false } } });

const program = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

function measure(...words: readonly string[]): Row[] {
  process.stderr.write(`measuring: neuroran bench ${words.join(" ")}\n`);
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, "bench", ...words, "--json"], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  // 1: what was measured is not what was asked for, such as slots that were lost. It stands in the rows.
  if (status !== 0 && status !== 1)
    throw new Error(`bench ${words.join(" ")} ended with ${status}: ${stderr}`);
  if (status === 1) process.stderr.write(`ended with 1: ${words.join(" ")}\n`);
  return rowsOf(stdout).filter((row) => "benchmark" in row && ("p50" in row || "bytes" in row));
}

const rows = [
  ...measure("invoke", "--seconds", "10", ...(values["no-peer"] ? [] : ["--peer", "restate"])),
  ...measure("cold-start", "--rounds", "20"),
  ...measure("memory", "--keys", "100000"),
  ...measure("hop"),
  ...measure("checkpoint", "--seconds", "10"),
  ...measure("swap", "--seconds", "10"),
].map((row): Row => {
  const { callsPerSecond = "", floor_ms = "", lmdbFloor_ms = "", target = "" } = row;
  const memory = typeof row.bytes === "number" ? { unit: "MB", p50: row.bytes / 1e6 } : {};
  const floors = { "flush floor": floor_ms, "of LMDB": lmdbFloor_ms };
  return { ...row, ...memory, ...floors, system: target, "calls/s": callsPerSecond };
});

const columns = [
  "benchmark",
  "case",
  "system",
  "unit",
  "p50",
  "p90",
  "p99",
  "max",
  "n",
  "calls/s",
  "flush floor",
  "of LMDB",
  "lost",
  "late",
];
writeSection(
  "function figures",
  [
    `Machine: ${machineAndDay()}; load and node share its cores. Calls are of HTTP on loopback, each durable before its reply;`,
    "the flush floor is what one small flushed commit took in that run, to the store and to LMDB without the store's log (ms).",
    "Not measured: networks, disks of other kinds, many nodes.",
    "",
    markdownTable(rows, columns),
  ].join("\n"),
);
