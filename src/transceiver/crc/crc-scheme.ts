import { z } from "zod";
import { InputError } from "../../errors.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { type Crc, crc } from "./crc.js";

const name = z.enum(["crc24a", "crc24b", "crc24c", "crc16", "crc11", "crc6"]);

/** A: bits of the transport block. */
export const blockLengthSchema = z.int().min(1);

/** The CRC of the transport block, and that of each code block or none. */
export const crcSchemeSchema = z.strictObject({
  transportBlock: name,
  codeBlock: z.union([name, z.literal("none")]),
});

/** The scheme as an implementation sees it. */
export type CrcScheme = z.output<typeof crcSchemeSchema>;

/** Parameters of CRC attachment and check for a configuration. */
export function crcParameters(configuration: PuschConfiguration): {
  readonly blockLength: number;
  readonly crcScheme: CrcScheme;
} {
  const { transportBlockSize, codeBlocks } = configuration;
  return {
    blockLength: transportBlockSize,
    crcScheme: {
      transportBlock: codeBlocks.transportBlockCrc,
      codeBlock: codeBlocks.crcLength === 0 ? "none" : "crc24b",
    },
  };
}

/** How a transport block stands in its code blocks. */
export interface BlockLayout {
  readonly transportBlockCrc: Crc;
  /** Undefined without. */
  readonly codeBlockCrc: Crc | undefined;
  /** Bits of the transport block and its CRC that each code block holds, its first ones. */
  readonly partBits: number;
  /** K': those and the code block's CRC. */
  readonly blockBits: number;
}

/** @throws InputError for a length or sizes that do not go together. */
export function blockLayout(
  parameters: { readonly blockLength: number; readonly crcScheme: CrcScheme },
  sizes: { readonly codeBlock: number; readonly blockByte: number; readonly payloadByte: number },
): BlockLayout {
  const { blockLength, crcScheme } = parameters;
  const { codeBlock, blockByte, payloadByte } = sizes;
  const transportBlockCrc = crc(crcScheme.transportBlock);
  const codeBlockCrc = crcScheme.codeBlock === "none" ? undefined : crc(crcScheme.codeBlock);
  const partBits = (blockLength + transportBlockCrc.length) / codeBlock;
  if (!Number.isInteger(partBits))
    throw new InputError(
      "blockLength",
      blockLength,
      `with its CRC it must divide into ${codeBlock} code blocks`,
    );
  const blockBits = partBits + (codeBlockCrc?.length ?? 0);
  if (blockByte !== Math.ceil(blockBits / 8))
    throw new InputError("dimensions.blockByte", blockByte, `give ${Math.ceil(blockBits / 8)}`);
  if (payloadByte !== Math.ceil(blockLength / 8))
    throw new InputError("dimensions.payloadByte", payloadByte, `give ${Math.ceil(blockLength / 8)}`);
  return { transportBlockCrc, codeBlockCrc, partBits, blockBits };
}
