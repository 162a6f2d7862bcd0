import { z } from "zod";
import { InputError } from "../../errors.js";
import type { PuschConfiguration } from "../pusch/configuration.js";

const position = z.int().min(0).max(25344);

/** How the bits of code blocks are selected and interleaved: the parameter of both directions. */
export const interleavingSchemeSchema = z.strictObject({
  /** Q_m. */
  modulationOrder: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(6), z.literal(8)]),
  /** N_cb. */
  circularBufferSize: position,
  /** k_0. */
  start: position,
  /** First position of the filler bits in the encoder's output d, and the one after the last. */
  fillerStart: position,
  fillerEnd: position,
  /** E_r of each code block, a multiple of the modulation order. */
  outputBits: z.array(z.int().min(1)).min(1).readonly(),
});

/** The scheme as an implementation sees it. */
export type InterleavingScheme = z.output<typeof interleavingSchemeSchema>;

/** The scheme of a configuration, as `{ interleavingScheme }`: the parameters of interleaving and deinterleaving. */
export function interleavingParameters(configuration: PuschConfiguration): {
  readonly interleavingScheme: InterleavingScheme;
} {
  const { modulationOrder, rateMatching } = configuration;
  return { interleavingScheme: { modulationOrder, ...rateMatching } };
}

/** @throws InputError naming what does not fit together, or to the sizes that it is prepared for. */
export function checkScheme(
  scheme: InterleavingScheme,
  sizes: { readonly codeBlock: number; readonly circularBufferBit: number; readonly codewordBit: number },
): void {
  const { modulationOrder, circularBufferSize, start, fillerStart, fillerEnd, outputBits } = scheme;
  const field = (name: string) => `interleavingScheme.${name}`;
  if (circularBufferSize > sizes.circularBufferBit)
    throw new InputError(
      field("circularBufferSize"),
      circularBufferSize,
      `give at most the ${sizes.circularBufferBit} bits of circularBufferBit`,
    );
  if (fillerEnd < fillerStart || fillerEnd > sizes.circularBufferBit)
    throw new InputError(field("fillerEnd"), fillerEnd, `give ${fillerStart} to ${sizes.circularBufferBit}`);
  const fillers = Math.max(0, Math.min(fillerEnd, circularBufferSize) - fillerStart);
  if (start >= circularBufferSize || circularBufferSize === fillers)
    throw new InputError(field("start"), start, "give a position of the circular buffer, which has one");
  if (outputBits.length !== sizes.codeBlock)
    throw new InputError(
      field("outputBits"),
      outputBits,
      `give a number for each of ${sizes.codeBlock} blocks`,
    );
  if (outputBits.some((bits) => bits % modulationOrder !== 0))
    throw new InputError(field("outputBits"), outputBits, `give multiples of ${modulationOrder}`);
  const total = outputBits.reduce((sum, bits) => sum + bits, 0);
  if (total !== sizes.codewordBit)
    throw new InputError(field("outputBits"), outputBits, `their sum must be ${sizes.codewordBit}`);
}
