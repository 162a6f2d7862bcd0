import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prepareFunction, runFunction } from "../../functions/index.js";
import { confidentialityAlgorithms } from "./confidentiality.js";
import { ciphering, deciphering, type EncryptionScheme } from "./function.js";
import { integrityAlgorithms } from "./integrity.js";
import { REORDERING_SLOTS, RX_DELIV, RX_NEXT, TX_NEXT } from "./pdcp.js";
import {
  BLOCK_FAILED,
  BUILD_REPORT_FIELDS,
  COUNT_EXHAUSTED,
  DELIVERED,
  DUPLICATES,
  INTEGRITY_FAILURES,
  PARSE_REPORT_FIELDS,
  SENT,
} from "./transport-block.js";

const key = { encryption: "000102030405060708090a0b0c0d0e0f", integrity: "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff" };

const scheme = (
  confidentiality: (typeof confidentialityAlgorithms)[number],
  integrity: (typeof integrityAlgorithms)[number] | "none",
  rest: Partial<Exclude<EncryptionScheme, "none">> = {},
) => ({ confidentiality, integrity, ...rest });

const sizes = { payloadByte: 600, blockByte: 500, sdu: 8 };
const buildSizes = { ...sizes, buildReportField: BUILD_REPORT_FIELDS };
const parseSizes = { ...sizes, parseReportField: PARSE_REPORT_FIELDS, crcField: 1 };

function payloadOf(sdus: readonly Uint8Array[]) {
  const payload = new Uint8Array(sizes.payloadByte);
  const lengths = new Int32Array(sizes.sdu);
  let start = 0;
  sdus.forEach((sdu, i) => {
    payload.set(sdu, start);
    lengths[i] = sdu.length;
    start += sdu.length;
  });
  return { payload, lengths };
}

describe("ciphering and deciphering", () => {
  it("keep one cipher state each and take key and encryption scheme", () => {
    for (const definition of [ciphering, deciphering]) {
      expect(Object.keys(definition.state)).toEqual(["cipher"]);
      expect(Object.keys(definition.parameters)).toEqual(["key", "encryptionScheme"]);
    }
  });

  it("are each other's inverse for every choice of algorithms", () => {
    for (const nea of confidentialityAlgorithms) {
      for (const nia of [...integrityAlgorithms, "none"] as const) {
        for (const snLength of [12, 18] as const) {
          const parameters = { key, encryptionScheme: scheme(nea, nia, { snLength, sdapHeader: true }) };
          const inputs = payloadOf([Uint8Array.of(1), new Uint8Array(300).fill(7), Uint8Array.of(2, 3)]);
          const sent = runFunction(ciphering, "plain", { dimensions: buildSizes, parameters, inputs });
          expect(sent.outputs.report[SENT]).toBe(3);
          expect(sent.state.cipher[TX_NEXT]).toBe(3);
          const received = runFunction(deciphering, "plain", {
            dimensions: parseSizes,
            parameters,
            inputs: { block: sent.outputs.block, crc: Int32Array.of(1) },
          });
          expect(received.outputs.payload).toEqual(inputs.payload);
          expect(received.outputs.lengths).toEqual(inputs.lengths);
          expect([...received.outputs.counts.subarray(0, 3)]).toEqual([0, 1, 2]);
          expect(received.outputs.report[DELIVERED]).toBe(3);
          expect([received.state.cipher[RX_NEXT], received.state.cipher[RX_DELIV]]).toEqual([3, 3]);
        }
      }
    }
  });

  it("keep COUNT over slots, through failed blocks, repetitions and a wrap of the sequence number", () => {
    const parameters = { key, encryptionScheme: scheme("nea2", "nia2", { reorderingSlots: 3 }) };
    const sender = prepareFunction(ciphering, "plain", { dimensions: buildSizes, parameters });
    const receiver = prepareFunction(deciphering, "plain", { dimensions: parseSizes, parameters });
    sender.state.cipher.view[TX_NEXT] = 4090;
    receiver.state.cipher.view.fill(4090, 0, 2);
    const outputs = receiver.outputs;
    for (let slot = 0; slot < 20; slot++) {
      const { payload, lengths } = payloadOf([Uint8Array.of(slot, 1), Uint8Array.of(slot, 2)]);
      sender.inputs.payload.view.set(payload);
      sender.inputs.lengths.view.set(lengths);
      sender.process();
      receiver.inputs.block.view.set(sender.outputs.block.view);
      const lost = slot % 5 === 4;
      receiver.inputs.crc.view[0] = lost ? 0 : 1;
      receiver.process();
      expect(outputs.report.view[DELIVERED]).toBe(lost ? 0 : 2);
      expect(outputs.report.view[BLOCK_FAILED]).toBe(lost ? 1 : 0);
      expect([...outputs.counts.view.subarray(0, 2)]).toEqual(
        lost ? [0, 0] : [4090 + 2 * slot, 4091 + 2 * slot],
      );
      if (!lost) {
        expect([...outputs.payload.view.subarray(0, 4)]).toEqual([slot, 1, slot, 2]);
        if (slot === 7) {
          receiver.process();
          expect(outputs.report.view[DUPLICATES]).toBe(2);
          expect([...outputs.lengths.view]).toEqual(new Array(8).fill(0));
        }
      }
    }
    for (let slot = 0; slot < 5; slot++) {
      receiver.inputs.crc.view[0] = 0;
      receiver.process();
    }
    const state = receiver.state.cipher.view;
    expect([state[RX_NEXT], state[RX_DELIV], state[REORDERING_SLOTS]]).toEqual([4128, 4128, 0]);
    sender.release();
    receiver.release();
  });

  it("refuse each other under another key", () => {
    const inputs = payloadOf([Uint8Array.of(1, 2, 3)]);
    const encryptionScheme = scheme("nea1", "nia1");
    const sent = runFunction(ciphering, "plain", {
      dimensions: buildSizes,
      parameters: { key, encryptionScheme },
      inputs,
    });
    for (const wrong of [
      { ...key, encryption: key.integrity },
      { ...key, integrity: key.encryption },
    ]) {
      const { outputs, state } = runFunction(deciphering, "plain", {
        dimensions: parseSizes,
        parameters: { key: wrong, encryptionScheme },
        inputs: { block: sent.outputs.block, crc: Int32Array.of(1) },
      });
      expect(outputs.report[INTEGRITY_FAILURES]).toBe(1);
      expect(outputs.payload.every((byte) => byte === 0)).toBe(true);
      expect(state.cipher.every((word) => word === 0)).toBe(true);
    }
  });

  it("send nothing under spent keys", () => {
    const { outputs } = runFunction(ciphering, "plain", {
      dimensions: buildSizes,
      parameters: { key, encryptionScheme: scheme("nea3", "nia3") },
      inputs: payloadOf([Uint8Array.of(1, 2, 3)]),
      state: { cipher: Uint32Array.of(0xffffffff) },
    });
    expect(outputs.report[COUNT_EXHAUSTED]).toBe(1);
    expect(outputs.block[0]).toBe(63);
  });

  it("pass blocks through with the scheme none, which is the default", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.boolean(), (bytes, passed) => {
        const dimensions = { payloadByte: bytes.length, blockByte: bytes.length, sdu: 1 };
        const sent = runFunction(ciphering, "plain", {
          dimensions: { ...dimensions, buildReportField: BUILD_REPORT_FIELDS },
          inputs: { payload: bytes },
        });
        expect(sent.outputs.block).toEqual(bytes);
        const { outputs } = runFunction(deciphering, "plain", {
          dimensions: { ...dimensions, parseReportField: PARSE_REPORT_FIELDS, crcField: 1 },
          inputs: { block: bytes, crc: Int32Array.of(passed ? 1 : 0) },
        });
        expect(outputs.payload).toEqual(bytes);
        expect([...outputs.lengths]).toEqual([passed ? bytes.length : 0]);
        expect([outputs.report[DELIVERED], outputs.report[BLOCK_FAILED]]).toEqual(passed ? [1, 0] : [0, 1]);
      }),
      { seed: 38323, numRuns: 30 },
    );
  });

  it("refuse wrong parameters and sizes, and never show a key", () => {
    const attempt = (parameters: object, dimensions: object = {}) => {
      try {
        runFunction(ciphering, "plain", {
          dimensions: { ...buildSizes, ...dimensions },
          parameters,
          inputs: {},
        });
      } catch (error) {
        return (error as Error).message;
      }
      return "nothing thrown";
    };
    const encryptionScheme = scheme("nea1", "nia2");
    const spoiled = `${key.encryption.slice(0, 30)}xx`;
    const messages = [
      attempt({ encryptionScheme }),
      attempt({ encryptionScheme, key: { ...key, encryption: spoiled } }),
      attempt({ encryptionScheme, key: { encryption: key.encryption } }),
      attempt({ encryptionScheme, key: null }),
    ];
    expect(messages[0]).toContain("key.encryption");
    expect(messages[1]).toContain(
      'key.encryption: "32 characters" is not accepted; give a key of 32 hexadecimal',
    );
    expect(messages[2]).toContain("key.integrity");
    expect(messages[3]).toContain("key.encryption");
    for (const message of messages) expect(message).not.toContain(key.encryption.slice(0, 16));
    expect(attempt({ encryptionScheme: { ...encryptionScheme, bearer: 32 } })).toContain("encryptionScheme");
    expect(attempt({ encryptionScheme: "nea1" })).toContain("encryptionScheme");
    expect(attempt({})).toContain("payloadByte is 600 and must be 500");
    expect(attempt({ key, encryptionScheme }, { buildReportField: 1 })).toContain("buildReportField is 1");
  });
});
