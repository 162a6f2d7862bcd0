import { describe, expect, it } from "vitest";
import type { States } from "../declaration.js";
import { decodeTensorState, encodeTensorState, type StateTensors } from "./tensor-state.js";

const states: States = {
  softBits: { dtype: "int8", dimensions: ["process", 4], version: 1 },
  taps: { dtype: "complex64", dimensions: [2], version: 3 },
};

/** Tensors as in an arena: views into one memory, at an offset. */
function tensors(offset: number, processes = 3): StateTensors {
  const memory = new SharedArrayBuffer(4096);
  return {
    taps: { dtype: "complex64", shape: [2], view: new Float32Array(memory, offset, 4) },
    softBits: {
      dtype: "int8",
      shape: [processes, 4],
      view: new Int8Array(memory, offset + 64, 4 * processes),
    },
  };
}

function filled(offset: number): StateTensors {
  const made = tensors(offset);
  made.taps.view.set([1, -2, Number.NaN, -0]);
  made.softBits.view.set([1, -2, 3, -4, 5, -6, 7, -128, 127, 0, 0, 1]);
  return made;
}

describe("the state tensors of a function", () => {
  it("are the same bytes wherever they stand, and come back into others", () => {
    const bytes = encodeTensorState(states, filled(64));
    const [{ softBits, taps }] = [states];
    expect(encodeTensorState({ taps, softBits }, filled(512))).toEqual(bytes);
    const into = tensors(1024);
    decodeTensorState(states, into, bytes);
    expect(into.taps.view).toEqual(filled(0).taps.view);
    expect(into.softBits.view).toEqual(filled(0).softBits.view);
  });

  it("are refused, and none is changed, where a version, type or shape is another", () => {
    const bytes = encodeTensorState(states, filled(64));
    const into = tensors(64);
    const raised = { ...states, taps: { ...states.taps, version: 4 } };
    const mismatch = expect.objectContaining({ code: "STATE_MISMATCH" });
    expect(() => decodeTensorState(raised, into, bytes)).toThrow(mismatch);
    expect(() => decodeTensorState(raised, into, bytes)).toThrow(/state taps: .*"version":4.*"version":3/);
    expect(() => decodeTensorState(states, tensors(64, 4), bytes)).toThrow(
      /state softBits: .*\[4,4\].*\[3,4\]/,
    );
    const { softBits } = states;
    expect(() => decodeTensorState({ softBits }, into, bytes)).toThrow(
      "state taps: the function has no such tensor",
    );
    const more = { ...states, more: softBits };
    expect(() => decodeTensorState(more, { ...into, more: into.softBits }, bytes)).toThrow("state more");
    expect(() => encodeTensorState(more, into)).toThrow("tensor of state more: nothing is given");
    expect([...into.softBits.view, ...into.taps.view].every((value) => value === 0)).toBe(true);
  });

  it("are refused where bytes are damaged or missing", () => {
    const bytes = encodeTensorState(states, filled(64));
    const into = tensors(64);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeTensorState(states, into, bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "STATE_CORRUPT" }),
      );
    }
    expect([...into.softBits.view].every((value) => value === 0)).toBe(true);
    decodeTensorState(states, into, bytes);
    expect(into.softBits.view[7]).toBe(-128);
  });
});
