import { styleText } from "node:util";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand right, words left. */
  readonly align: "left" | "right";
}

/** A plain text table, two blanks between columns, ending with a newline. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map(({ title }) => title);
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? "";
        return align === "right" ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!);
      })
      .join("  ")
      .trimEnd();
  return `${[bold(line(titles)), ...rows.map(line)].join("\n")}\n`;
}

/** Lines of `name  value`, the values below one another. */
export function properties(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

/** The number with `digits` decimals; a dash for what is no number. */
export function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "–";
  // Not "-0.0".
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}

/** As {@link fixed}, with the sign of positive numbers. */
export function signed(value: number, digits: number): string {
  const text = fixed(value, digits);
  return Number(text) > 0 ? `+${text}` : text;
}

/** Milliseconds in the unit that reads best. */
export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return "–";
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 1) return `${milliseconds.toFixed(2)} ms`;
  return `${(milliseconds * 1000).toFixed(1)} µs`;
}

/** A share of 1 as a percentage with three significant digits. */
export function percentage(share: number): string {
  if (!Number.isFinite(share)) return "–";
  return share === 0 ? "0 %" : `${Number((100 * share).toPrecision(3))} %`;
}

/** Bytes in binary units. */
export function byteCount(bytes: number): string {
  const gibibytes = bytes / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Styles are left out where standard output is no terminal or NO_COLOR is set. */
export function bold(text: string): string {
  return styleText("bold", text);
}

export function good(text: string): string {
  return styleText("green", text);
}

export function bad(text: string): string {
  return styleText("red", text);
}

/** One object a line, for programs. What JSON has no number for becomes null. */
export function printJson(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}
