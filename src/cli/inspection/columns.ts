/** A text under its title. */
export interface TitledText {
  readonly title: string;
  readonly text: string;
}

const gap = " │ ";

/** Letters that a column needs to be read with comfort. */
const comfortableWidth = 50;

/** Whether so many texts fit beside one another on lines of `width` letters. */
export function fitBeside(count: number, width: number): boolean {
  return (width - (count - 1) * gap.length) / count >= comfortableWidth;
}

/**
 * Texts beside one another, each in a column under its title. Columns share `width` letters equally, and lines longer
 * than a column end in `…`; without a width every column is as wide as its longest line.
 */
export function besideOneAnother(texts: readonly TitledText[], width: number | undefined): string {
  const columns = texts.map(({ title, text }) => [title, "─".repeat(title.length), ...linesOf(text)]);
  const share = width && Math.max(1, Math.floor((width - (texts.length - 1) * gap.length) / texts.length));
  const widths = columns.map((lines) => share ?? Math.max(...lines.map((line) => line.length)));
  const height = Math.max(...columns.map((lines) => lines.length));
  const rows = Array.from({ length: height }, (_, k) =>
    columns
      .map((lines, c) => cut(lines[k] ?? "", widths[c]!))
      .join(gap)
      .trimEnd(),
  );
  return `${rows.join("\n")}\n`;
}

/** Texts below one another. */
export function belowOneAnother(texts: readonly TitledText[]): string {
  return texts
    .map(({ title, text }) => `${title}\n${"─".repeat(title.length)}\n${linesOf(text).join("\n")}\n`)
    .join("\n");
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

function cut(line: string, width: number): string {
  return (line.length > width ? `${line.slice(0, width - 1)}…` : line).padEnd(width);
}
