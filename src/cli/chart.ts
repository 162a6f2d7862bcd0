import { scaleLinear, scaleLog } from "d3-scale";
import { wilsonInterval } from "../neural/measured.js";
import { colours, escaped, pictureStyle, place } from "./picture.js";

/** One measured point of a block error rate curve. */
export interface ChartPoint {
  readonly snr_db: number;
  /** Transport blocks in error. */
  readonly errors: number;
  /** Transport blocks sent. */
  readonly blocks: number;
}

export interface ChartCurve {
  readonly name: string;
  readonly points: readonly ChartPoint[];
}

const width = 720;
const height = 480;
const margin = { top: 48, right: 24, bottom: 56, left: 72 };

/**
 * Block error rate over SNR as an SVG picture: logarithmic axis, 95 % confidence bars, legend; text and grid follow
 * the reader's light or dark scheme. A point without errors, for which the axis has no place, is drawn hollow at one
 * error in its blocks. No points give an empty diagram.
 */
export function blerChart(title: string, curves: readonly ChartCurve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const snrs = points.map((point) => point.snr_db);
  const [first, last] = snrs.length > 0 ? [Math.min(...snrs), Math.max(...snrs)] : [0, 1];
  const pad = first === last ? 1 : 0.03 * (last - first);
  const least = Math.min(0.1, ...points.map(heightOf));
  const x = scaleLinear([first - pad, last + pad], [margin.left, width - margin.right]);
  const y = scaleLog([10 ** Math.floor(Math.log10(least)), 1], [height - margin.bottom, margin.top]);

  const vertical = x
    .ticks(10)
    .map(
      (tick) =>
        `<path class="grid" d="M${place(x(tick))} ${margin.top}V${height - margin.bottom}"/>` +
        `<text x="${place(x(tick))}" y="${height - margin.bottom + 20}" text-anchor="middle">${tick}</text>`,
    );
  const horizontal = y.ticks().map((tick) => {
    const power = Math.round(Math.log10(tick));
    const decade = Math.abs(tick / 10 ** power - 1) < 1e-6;
    const line = `<path class="grid${decade ? "" : " minor"}" d="M${margin.left} ${place(y(tick))}H${width - margin.right}"/>`;
    if (!decade) return line;
    const label = `10<tspan dy="-6" font-size="10">${power === 0 ? "0" : `−${-power}`}</tspan>`;
    return `${line}<text x="${margin.left - 8}" y="${place(y(tick) + 4)}" text-anchor="end">${label}</text>`;
  });

  const drawn = curves.map((curve, i) => {
    const colour = colours[i % colours.length]!;
    const sorted = [...curve.points].sort((a, b) => a.snr_db - b.snr_db);
    const line = sorted
      .filter((point) => point.errors > 0)
      .map((point, k) => `${k === 0 ? "M" : "L"}${place(x(point.snr_db))} ${place(y(heightOf(point)))}`)
      .join("");
    const marks = sorted.map((point) => {
      const [low, high] = confidence(point);
      const at = place(x(point.snr_db));
      const bar = `<path stroke="${colour}" opacity="0.6" d="M${at} ${place(y(Math.max(low, y.domain()[0]!)))}V${place(y(high))}"/>`;
      const fill = point.errors > 0 ? `fill="${colour}"` : 'class="paper"';
      return `${bar}<circle cx="${at}" cy="${place(y(heightOf(point)))}" r="4" ${fill} stroke="${colour}" stroke-width="2"/>`;
    });
    return `<path fill="none" stroke="${colour}" stroke-width="2" d="${line}"/>${marks.join("")}`;
  });
  const legend = curves.map((curve, i) => {
    const top = height - margin.bottom - 16 - 20 * (curves.length - 1 - i);
    return (
      `<circle cx="${margin.left + 16}" cy="${top - 4}" r="4" fill="${colours[i % colours.length]}"/>` +
      `<text x="${margin.left + 28}" y="${top}">${escaped(curve.name)}</text>`
    );
  });

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    pictureStyle,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="${margin.left}" y="28">${escaped(title)}</text>`,
    ...vertical,
    ...horizontal,
    ...drawn,
    ...legend,
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 14}" text-anchor="middle">SNR per resource element and antenna (dB)</text>`,
    `<text transform="translate(20 ${(margin.top + height - margin.bottom) / 2}) rotate(-90)" text-anchor="middle">Block error rate</text>`,
    "</svg>",
    "",
  ].join("\n");
}

/** The 95 % confidence interval of an error rate (Wilson's score). */
export function confidence({ errors, blocks }: Omit<ChartPoint, "snr_db">): [low: number, high: number] {
  return wilsonInterval(errors, blocks);
}

function heightOf({ errors, blocks }: ChartPoint): number {
  return Math.max(errors, 1) / blocks;
}
