import { type ScaleContinuousNumeric, scaleLinear, scaleLog } from "d3-scale";
import type { TrainingCurve } from "../../neural/training/curve.js";
import { colours, escaped, pictureStyle, place } from "../picture.js";

const width = 720;
const panelHeight = 260;
const margin = { top: 48, right: 24, bottom: 56, left: 72 };
/** Between two panels. */
const gap = 36;

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

/**
 * How a training went as an SVG picture: a panel for the loss and one for each metric, over the steps, with what the training's
 * own batches gave and what the validation gave; the best validation is marked. The axis is logarithmic where the values are
 * positive and span more than a decade. What is no finite number is left out; an empty curve gives empty panels.
 */
export function trainingCurvePicture(
  title: string,
  { points, validations }: TrainingCurve,
  best?: { readonly step: number; readonly loss: number },
): string {
  const metrics = Object.keys((points[0] ?? validations[0])?.metrics ?? {});
  const panels = [
    { name: "loss", of: ({ loss }: { loss: number }) => loss },
    ...metrics.map((name) => ({
      name,
      of: ({ metrics: given }: { metrics: Readonly<Record<string, number>> }) => given[name]!,
    })),
  ];
  const lastStep = Math.max(1, ...[...points, ...validations].map(({ step }) => step));
  const x = scaleLinear([0, lastStep], [margin.left, width - margin.right]);
  const height = margin.top + panels.length * panelHeight + (panels.length - 1) * gap + margin.bottom;
  const drawn = panels.map(({ name, of }, index) => {
    const top = margin.top + index * (panelHeight + gap);
    const lines: Line[] = [
      { name: "training", colour: colours[0]!, points: points.map((point) => [point.step, of(point)]) },
      {
        name: "validation",
        colour: colours[1]!,
        points: validations.map((point) => [point.step, of(point)]),
      },
    ];
    const marked = index === 0 ? best : undefined;
    return panel(name, top, x, lines, marked);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    pictureStyle,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="${margin.left}" y="28">${escaped(title)}</text>`,
    ...drawn,
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 14}" text-anchor="middle">Steps</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function panel(
  name: string,
  top: number,
  x: ScaleContinuousNumeric<number, number>,
  lines: readonly Line[],
  best: { readonly step: number; readonly loss: number } | undefined,
): string {
  const bottom = top + panelHeight;
  const seen = lines.filter(({ points }) => points.length > 0);
  const y = valueScale(
    seen.flatMap(({ points }) => points.map(([, value]) => value)),
    [bottom, top],
  );
  const format = y.tickFormat(5, "~g");
  const vertical = x.ticks(8).map((tick) => {
    const at = place(x(tick));
    return `<path class="grid" d="M${at} ${top}V${bottom}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`;
  });
  const horizontal = y.ticks(5).map((tick) => {
    const at = place(y(tick));
    const label = `<text x="${margin.left - 8}" y="${place(y(tick) + 4)}" text-anchor="end">${format(tick)}</text>`;
    return `<path class="grid" d="M${margin.left} ${at}H${width - margin.right}"/>${label}`;
  });
  const curves = seen.map(({ colour, points }) => {
    let isDrawing = false;
    const path = points
      .map(([step, value]) => {
        const command = isDrawing ? "L" : "M";
        isDrawing = isPlaced(y, value);
        return isDrawing ? `${command}${place(x(step))} ${place(y(value))}` : "";
      })
      .join("");
    return `<path fill="none" stroke="${colour}" stroke-width="1.5" d="${path}"/>`;
  });
  const legend = seen.map(({ name: line, colour }, index) => {
    const [at, left] = [top + 16 + 18 * index, width - margin.right - 96];
    return `<path stroke="${colour}" stroke-width="3" d="M${left} ${at - 4}h16"/><text x="${left + 22}" y="${at}">${line}</text>`;
  });
  const mark =
    best === undefined || !isPlaced(y, best.loss)
      ? ""
      : `<circle cx="${place(x(best.step))}" cy="${place(y(best.loss))}" r="4" fill="none" stroke="${colours[1]}" stroke-width="2"/>`;
  const label = `<text transform="translate(20 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(name)}</text>`;
  return [...vertical, ...horizontal, ...curves, mark, ...legend, label].join("\n");
}

/** Whether the axis has a place for the value. */
function isPlaced(y: ScaleContinuousNumeric<number, number>, value: number): boolean {
  return Number.isFinite(value) && Number.isFinite(y(value));
}

function valueScale(
  values: readonly number[],
  range: readonly [number, number],
): ScaleContinuousNumeric<number, number> {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return scaleLinear([0, 1], range);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  if (least > 0 && most > 10 * least) return scaleLog([least / 1.1, most * 1.1], range);
  return scaleLinear([Math.min(0, least), most > Math.min(0, least) ? most : 1], range).nice();
}
