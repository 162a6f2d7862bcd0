import { describe, expect, it } from "vitest";
import { prepareFunction } from "../../functions/index.js";
import { GRANT_FIELDS, grantFieldIndex } from "../pusch/grant-message.js";
import { codeShape, codingSchemeIndex } from "./coding-scheme.js";
import { FILLER } from "./encoding.js";
import { encoding } from "./function.js";
import { LIFTING_SIZES } from "./lifting-sizes.js";

describe("codeShape", () => {
  it("tells every code from the number of its encoded bits", () => {
    for (const liftingSize of LIFTING_SIZES)
      for (const [baseGraph, columns, information] of [
        [1, 66, 22],
        [2, 50, 10],
      ] as const) {
        const codeBlockSize = information * liftingSize;
        const informationBits = codeBlockSize - (codeBlockSize % 8);
        expect(codeShape(columns * liftingSize, informationBits / 8)).toEqual({
          baseGraph,
          liftingSize,
          informationBits,
          codeBlockSize,
        });
      }
  });

  it("refuses sizes of no code", () => {
    expect(() => codeShape(1000, 10)).not.toThrow();
    expect(() => codeShape(1001, 10)).toThrow(/circularBufferBit: 1001/);
    expect(() => codeShape(50 * 17, 10)).toThrow(/circularBufferBit: 850/);
    expect(() => codeShape(1000, 26)).toThrow(/give 6 to 25 bytes/);
    expect(() => codeShape(1000, 5)).toThrow(/give 6 to 25 bytes/);
  });
});

describe("encoding", () => {
  it("marks filler bits and keeps the coding scheme until the next valid grant", () => {
    const dimensions = { codeBlock: 2, blockByte: 20, circularBufferBit: 1000, grantField: GRANT_FIELDS };
    const { inputs, outputs, state, process, release } = prepareFunction(encoding, "plain", { dimensions });
    const grant = inputs.grant.view;
    process();
    expect([...state.codingScheme.view]).toEqual([0, 0, 0, 0]);
    grant[grantFieldIndex.valid] = 1;
    grant[grantFieldIndex.baseGraph] = 2;
    grant[grantFieldIndex.liftingSize] = 20;
    grant[grantFieldIndex.codeBlockCount] = 2;
    grant[grantFieldIndex.transportBlockSize] = 256;
    process();
    grant[grantFieldIndex.valid] = 0;
    grant[grantFieldIndex.liftingSize] = 30;
    process();
    expect(state.codingScheme.view[codingSchemeIndex.liftingSize]).toBe(20);
    expect(state.codingScheme.view[codingSchemeIndex.transportBlockSize]).toBe(256);
    // K' = 160 of K = 200, and the first 2·Z = 40 are punctured: filler bits stand at 120 to 159 of d.
    const fillers = Array.from(outputs.codeword.view, (bit, at) => (bit === FILLER ? at : -1)).filter(
      (at) => at >= 0,
    );
    const wanted = Array.from({ length: 40 }, (_, bit) => 120 + bit);
    expect(fillers).toEqual([...wanted, ...wanted.map((at) => at + 1000)]);
    release();
  });
});
