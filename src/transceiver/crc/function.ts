import { defineFunction, int32, uint8 } from "../../functions/index.js";
import { prepareAttachment } from "./attachment.js";
import { prepareCheck } from "./check.js";
import { blockLengthSchema, crcParameters, crcSchemeSchema } from "./crc-scheme.js";

/** Parameters of {@link crcAttachment} for a configuration. */
export const crcAttachmentParameters = crcParameters;

/** Parameters of {@link crcCheck} for a configuration. */
export const crcCheckParameters = crcParameters;

const parameters = { blockLength: blockLengthSchema, crcScheme: crcSchemeSchema };

/**
 * Attaches CRCs and segments. `payload` holds the transport block, `blockLength` bits; `blocks` gets the K' bits of
 * each code block: an equal part of the transport block with its CRC, and the code block's CRC, if any. All packed
 * bytes, first bit highest, the last byte filled with zeros.
 */
export const crcAttachment = defineFunction({
  name: "crcAttachment",
  clause: "TS 38.212 5.1, 5.2.2, 6.2.1, 6.2.3",
  inputs: { payload: uint8("payloadByte") },
  outputs: { blocks: uint8("codeBlock", "blockByte") },
  parameters,
});

crcAttachment.implement("plain", { kind: "model", prepare: prepareAttachment });

/**
 * Checks the CRCs of code blocks and of the transport block that they make, the reverse of {@link crcAttachment}.
 * `payload` gets the transport block, whether it passed or not; `crc` the fields of `crcFieldIndex`: whether the
 * transport block's CRC passed, 1 or 0, and the number of code blocks whose own CRC failed.
 */
export const crcCheck = defineFunction({
  name: "crcCheck",
  clause: "TS 38.212 5.1, 5.2.2, 6.2.1, 6.2.3",
  inputs: { blocks: uint8("codeBlock", "blockByte") },
  outputs: { payload: uint8("payloadByte"), crc: int32("crcField") },
  parameters,
});

crcCheck.implement("table", { kind: "model", prepare: prepareCheck });
