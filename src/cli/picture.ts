/** Distinguishable with every common colour vision deficiency, on white and on black (Okabe and Ito). */
export const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/** Text, grid and paper follow the reader's light or dark scheme. Plain classes: few viewers but browsers know CSS variables. */
export const pictureStyle = [
  "<style>text{fill:#1f2328;font:12px system-ui,sans-serif}.title{font-size:16px;font-weight:600}",
  ".paper{fill:#fff}.grid{stroke:#d1d9e0}.minor{stroke-opacity:.5}",
  "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.paper{fill:#0d1117}.grid{stroke:#30363d}}</style>",
].join("\n");

/** A position as SVG writes it. */
export function place(position: number): string {
  return String(Number(position.toFixed(2)));
}

/** Text inside an element. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
