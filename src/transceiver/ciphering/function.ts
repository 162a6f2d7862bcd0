import { z } from "zod";
import { NeuroranError } from "../../errors.js";
import { defineFunction, int32, uint8, uint32 } from "../../functions/index.js";
import { confidentialityAlgorithms, prepareConfidentiality } from "./confidentiality.js";
import { integrityAlgorithms, prepareIntegrity } from "./integrity.js";
import { parseKey } from "./key.js";
import {
  advancePdcp,
  createPdcp,
  PDCP_RECEIVE_STATE_WORDS,
  PDCP_TRANSMIT_STATE_WORDS,
  type PdcpConfiguration,
} from "./pdcp.js";
import {
  BLOCK_FAILED,
  BUILD_REPORT_FIELDS,
  buildTransportBlock,
  createBearer,
  DELIVERED,
  PARSE_REPORT_FIELDS,
  parseTransportBlock,
  SENT,
} from "./transport-block.js";

/**
 * What protects the bearer: "none" passes the bytes of a transport block through (recordings, tests of the physical
 * layer), else the algorithms and the PDCP configuration of an uplink data radio bearer.
 */
const encryptionScheme = z
  .union([
    z.literal("none"),
    z.strictObject({
      confidentiality: z.enum(confidentialityAlgorithms),
      /** "none": integrity protection is not configured and PDUs carry no MAC-I; "nia0": a MAC-I of zeros. */
      integrity: z.enum([...integrityAlgorithms, "none"]),
      snLength: z.union([z.literal(12), z.literal(18)]).default(12),
      /** BEARER: the radio bearer identity minus 1. */
      bearer: z.int().min(0).max(31).default(0),
      /** LCID of the bearer's logical channel. */
      logicalChannel: z.int().min(1).max(32).default(4),
      sdapHeader: z.boolean().default(false),
      /** t-Reordering in slots. */
      reorderingSlots: z.int().min(0).max(1_000_000).default(100),
    }),
  ])
  .default("none");

/** The scheme as an implementation sees it. */
export type EncryptionScheme = z.output<typeof encryptionScheme>;

/**
 * The keys as 32 hexadecimal digits each; an algorithm that needs none ignores its own. Checked when a variant is
 * prepared and not by the schema, whose messages would show them.
 */
const key = z.custom<{ readonly encryption?: string; readonly integrity?: string }>().default({});

const parameters = { key, encryptionScheme };

type Keys = z.output<typeof key>;

const UPLINK = 0;

function pdcpConfiguration(scheme: Exclude<EncryptionScheme, "none">, keys: Keys): PdcpConfiguration {
  const { confidentiality, integrity } = scheme;
  const keyOf = (name: keyof Keys, isNull: boolean) =>
    isNull ? new Uint8Array(16) : parseKey(`key.${name}`, keys?.[name]);
  return {
    snLength: scheme.snLength,
    bearer: scheme.bearer,
    direction: UPLINK,
    sdapHeader: scheme.sdapHeader,
    reorderingSlots: scheme.reorderingSlots,
    cipher: prepareConfidentiality(confidentiality, keyOf("encryption", confidentiality === "nea0")),
    authenticate:
      integrity === "none"
        ? undefined
        : prepareIntegrity(integrity, keyOf("integrity", integrity === "nia0")),
    checkMacI: integrity !== "nia0",
  };
}

function requireSize(name: string, size: number, wanted: number, why: string): void {
  if (size !== wanted) {
    throw new NeuroranError("DIMENSION_MISMATCH", `${name} is ${size} and must be ${wanted}: ${why}`);
  }
}

/**
 * Ciphers SDUs into a transport block.
 *
 * `payload` holds the SDUs one after the other as packed bytes, `lengths` the bytes of each, ended by a 0. `report`
 * counts what became of them (BUILD_REPORT_FIELDS fields, named in transport-block.ts). With the scheme "none",
 * `payload` is the transport block, of the same size, `lengths` is not looked at, and SENT is 1.
 */
export const ciphering = defineFunction({
  name: "ciphering",
  clause: "TS 38.323 5.2.1, 5.8, 5.9; TS 33.501 Annex D; TS 38.322 6.2.2.3; TS 38.321 6.1.2",
  inputs: { payload: uint8("payloadByte"), lengths: int32("sdu") },
  outputs: { block: uint8("blockByte"), report: uint32("buildReportField") },
  parameters,
  state: { cipher: { dtype: "uint32", dimensions: [PDCP_TRANSMIT_STATE_WORDS], version: 1 } },
});

ciphering.implement("plain", {
  kind: "model",
  prepare({ dimensions, inputs, outputs, parameters, state, forward }) {
    const { payloadByte, blockByte, buildReportField } = dimensions;
    requireSize("buildReportField", buildReportField, BUILD_REPORT_FIELDS, "the fields of the report");
    const [payload, lengths] = [inputs.payload.view, inputs.lengths.view];
    const [block, report] = [outputs.block.view, outputs.report.view];
    if (parameters.encryptionScheme === "none") {
      requireSize("payloadByte", payloadByte, blockByte, "the encryption scheme none passes blocks through");
      forward("block", "payload");
      return () => {
        report.fill(0);
        report[SENT] = 1;
      };
    }
    const { logicalChannel } = parameters.encryptionScheme;
    const configuration = pdcpConfiguration(parameters.encryptionScheme, parameters.key);
    const bearer = createBearer(createPdcp(configuration, new Uint8Array(0)), logicalChannel);
    const cipherState = state.cipher.view;
    return () => buildTransportBlock(bearer, cipherState, payload, lengths, block, report);
  },
});

/**
 * Deciphers the SDUs of a transport block: once a slot of the bearer, since the reordering timer counts the calls.
 *
 * `block` is a transport block as packed bytes, `crc` what crcCheck says of it, 1 first when it passed. `payload`, `lengths` and `counts`
 * (COUNT) give the SDUs in the order of arrival, `report` what became of everything else (PARSE_REPORT_FIELDS
 * fields, named in transport-block.ts). A block that failed gives nothing and leaves COUNT alone. With the scheme
 * "none", `payload` is the block, whether it passed or not, of the same size; it has the length 0 if it failed.
 */
export const deciphering = defineFunction({
  name: "deciphering",
  clause: "TS 38.323 5.2.2, 5.8, 5.9; TS 33.501 Annex D; TS 38.322 6.2.2.3; TS 38.321 6.1.2",
  inputs: { block: uint8("blockByte"), crc: int32("crcField") },
  outputs: {
    payload: uint8("payloadByte"),
    lengths: int32("sdu"),
    counts: uint32("sdu"),
    report: uint32("parseReportField"),
  },
  parameters,
  state: { cipher: { dtype: "uint32", dimensions: [PDCP_RECEIVE_STATE_WORDS], version: 1 } },
});

deciphering.implement("plain", {
  kind: "model",
  prepare({ dimensions, inputs, outputs, parameters, state, scratch, forward }) {
    const { payloadByte, blockByte, parseReportField } = dimensions;
    requireSize("parseReportField", parseReportField, PARSE_REPORT_FIELDS, "the fields of the report");
    const [block, crc] = [inputs.block.view, inputs.crc.view];
    const [payload, lengths] = [outputs.payload.view, outputs.lengths.view];
    const [counts, report] = [outputs.counts.view, outputs.report.view];
    const failed = () => {
      lengths.fill(0);
      counts.fill(0);
      report.fill(0);
      report[BLOCK_FAILED] = 1;
    };
    if (parameters.encryptionScheme === "none") {
      requireSize("payloadByte", payloadByte, blockByte, "the encryption scheme none passes blocks through");
      forward("payload", "block");
      // The one length there is; the others stay 0.
      return () => {
        const passed = crc[0] !== 0;
        lengths[0] = passed ? blockByte : 0;
        report.fill(0);
        report[passed ? DELIVERED : BLOCK_FAILED] = 1;
      };
    }
    const { logicalChannel } = parameters.encryptionScheme;
    const configuration = pdcpConfiguration(parameters.encryptionScheme, parameters.key);
    const workspace = scratch("pdu", "uint8", blockByte).view;
    const bearer = createBearer(createPdcp(configuration, workspace), logicalChannel);
    const cipherState = state.cipher.view;
    return () => {
      advancePdcp(configuration, cipherState);
      if (crc[0] === 0) failed();
      else parseTransportBlock(bearer, cipherState, block, payload, lengths, counts, report);
    };
  },
});
