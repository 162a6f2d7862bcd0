import { InputError } from "../errors.js";

/** What numbers an option takes. */
interface NumberRange {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly whole?: boolean;
  /** In what the number is given, for the error: "Hz". */
  readonly unit?: string;
}

/** A parser for an option's number, in any notation of JavaScript: `3427.5e6`. @throws InputError naming the option. */
export function numberOption(option: string, range: NumberRange = {}): (text: string) => number {
  const {
    minimum = Number.NEGATIVE_INFINITY,
    maximum = Number.POSITIVE_INFINITY,
    whole = false,
    unit,
  } = range;
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    const accepted = Number.isFinite(value) && value >= minimum && value <= maximum;
    if (!accepted || (whole && !Number.isSafeInteger(value))) {
      const kind = `give a ${whole ? "whole number" : "number"}${unit === undefined ? "" : ` (${unit})`}`;
      throw new InputError(option, text, `${kind}${bounds(minimum, maximum)}`);
    }
    return value;
  };
}

/** A parser for an option that takes one of a few words or numbers. @throws InputError naming the option. */
export function choiceOption<const T extends string | number>(
  option: string,
  choices: readonly T[],
): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => String(choice) === text);
    if (found === undefined) throw new InputError(option, text, `give one of ${choices.join(", ")}`);
    return found;
  };
}

/** A parser for numbers between commas. @throws InputError naming the option. */
export function numberListOption(option: string, range: NumberRange = {}): (text: string) => number[] {
  const number = numberOption(option, range);
  return (text) => text.split(",").map(number);
}

/**
 * Collects `--use block=name` options; `receiver` is another name of the block `detection`.
 * @throws InputError when one is not of this form.
 */
export function implementationOption(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, said, name] = /^([\w/-]+)=(.+)$/.exec(text) ?? [];
  if (said === undefined || name === undefined)
    throw new InputError("--use", text, "give block=name, such as equalization=mmse");
  const block = blockName(said);
  if (block in previous) throw new InputError("--use", text, `${block} was chosen before`);
  return { ...previous, [block]: name };
}

/** The name of a block as flows know it: what replaces estimation, equalization and demapping is a receiver to many. */
export function blockName(said: string): string {
  return said === "receiver" ? "detection" : said;
}

/**
 * The values of `a:step:b`, both ends included, or of a single number; the last step may miss `b`.
 * @throws InputError naming the option.
 */
export function sweepOption(option: string): (text: string) => number[] {
  const remedy =
    "give a number (dB) from -100 to 100, or first:step:last with a step above 0 and at most 1000 values";
  const number = numberOption(option, { minimum: -100, maximum: 100 });
  return (text) => {
    const parts = text.split(":");
    let values: number[];
    try {
      values = parts.map(number);
    } catch (cause) {
      throw new InputError(option, text, remedy, { cause });
    }
    const [first, step = 1, last = first] = values as [number, number?, number?];
    const count = Math.floor((last - first) / step + 1e-9) + 1;
    if (parts.length === 2 || parts.length > 3 || !(step > 0 && count >= 1 && count <= 1000)) {
      throw new InputError(option, text, remedy);
    }
    // Rounded, so that 0.1 · 3 is called 0.3.
    return Array.from({ length: count }, (_, i) => Number((first + i * step).toPrecision(12)));
  };
}

function bounds(minimum: number, maximum: number): string {
  const above = minimum > Number.NEGATIVE_INFINITY;
  const below = maximum < Number.POSITIVE_INFINITY;
  if (above && below) return ` from ${minimum} to ${maximum}`;
  if (above) return minimum === Number.MIN_VALUE ? " above 0" : ` of ${minimum} or more`;
  return below ? ` of ${maximum} or less` : "";
}
