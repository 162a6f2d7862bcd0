/** What writes measured figures into README.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

export type Row = Record<string, string | number | boolean>;

/** A table of these columns; cells that a row lacks are empty, numbers have four digits. */
export function markdownTable(rows: readonly Row[], columns: readonly string[]): string {
  const cell = (value: Row[string] | undefined): string =>
    typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value ?? "");
  return [
    `| ${columns.join(" | ")} |`,
    `|${columns.map(() => "---").join("|")}|`,
    ...rows.map((row) => `| ${columns.map((column) => cell(row[column])).join(" | ")} |`),
  ].join("\n");
}

/** The machine and the day, for the head of a section. */
export function machineAndDay(): string {
  return `${cpus()[0]?.model.trim()}, ${cpus().length} cores; ${new Date().toISOString().slice(0, 10)}`;
}

const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

/** The text between the markers of this name. */
export function readSection(name: string): string {
  const { text, from, to } = findSection(name);
  return text.slice(from, to);
}

/** Puts text between the markers of this name, in place of what stands there. */
export function writeSection(name: string, section: string): void {
  const { text, from, to } = findSection(name);
  writeFileSync(readme, `${text.slice(0, from)}\n${section}\n${text.slice(to)}`);
}

function findSection(name: string): { text: string; from: number; to: number } {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const text = readFileSync(readme, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
  return { text, from: from + begin.length, to };
}

/** The JSON objects that a program printed, one a line. */
export function rowsOf(output: string): Row[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Row);
}
