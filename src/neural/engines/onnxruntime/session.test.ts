import { describe, expect, it } from "vitest";
import { tensor } from "../../graph/tensor.js";
import { openSession } from "./session.js";

/** A field of protobuf's wire format: bytes with their length, or a number. */
function field(number: number, content: number | string | readonly number[]): number[] {
  if (typeof content === "number") return [number << 3, content];
  const bytes = typeof content === "string" ? [...Buffer.from(content)] : content;
  return [(number << 3) | 2, bytes.length, ...bytes];
}

/** An ONNX file of one node of two inputs, vectors of three, written byte by byte: what it holds is by ONNX's schema. */
function oneNode(operator: string, type: number): Uint8Array {
  const vector = (name: string) => {
    const shape = field(2, field(1, field(1, 3)));
    return [...field(1, name), ...field(2, field(1, [...field(1, type), ...shape]))];
  };
  const node = [
    ...field(1, "a"),
    ...field(1, "b"),
    ...field(2, "c"),
    ...field(3, "it"),
    ...field(4, operator),
  ];
  const graph = [
    ...field(1, node),
    ...field(2, "graph"),
    ...field(11, vector("a")),
    ...field(11, vector("b")),
    ...field(12, vector("c")),
  ];
  return Uint8Array.from([...field(1, 8), ...field(7, graph), ...field(8, field(2, 18))]);
}

const [onnxFloat, onnxInt64, onnxBool, onnxDouble] = [1, 7, 9, 11];

describe("a session in the calling thread", () => {
  it("computes, says its types, and reads shared memory, too", async () => {
    const session = await openSession(oneNode("Mul", onnxFloat));
    expect(session.inputs).toEqual({
      a: { elementType: "float32", shape: [3] },
      b: { elementType: "float32", shape: [3] },
    });
    expect(session.outputs).toEqual({ c: { elementType: "float32", shape: [3] } });
    const a = tensor("float32", [3], new Float32Array(new SharedArrayBuffer(12)));
    a.data.set([1, 2, 3]);
    const b = tensor("float32", [3], Float32Array.of(4, 5, -6));
    const { c } = await session.run({ a, b });
    expect(c).toEqual(tensor("float32", [3], Float32Array.of(4, 10, -18)));
    a.data.set([0, 0, 1]);
    expect(Array.from((await session.run({ a, b })).c!.data as Float32Array)).toEqual([0, 0, -6]);
    expect(Array.from(c!.data as Float32Array)).toEqual([4, 10, -18]);
    await session.release();
  });

  it("writes into tensors that are given", async () => {
    const session = await openSession(oneNode("Add", onnxInt64));
    const a = tensor("int64", [3], BigInt64Array.of(1n, 2n, 2n ** 40n));
    const c = tensor("int64", [3]);
    const outputs = await session.run({ a, b: a }, { c });
    expect(outputs.c).toBe(c);
    expect(c.data).toEqual(BigInt64Array.of(2n, 4n, 2n ** 41n));
    await session.release();
  });

  it("has bools as 0 and 1", async () => {
    const session = await openSession(oneNode("Xor", onnxBool));
    const [a, b] = [tensor("bool", [3], Uint8Array.of(1, 1, 0)), tensor("bool", [3], Uint8Array.of(1, 0, 0))];
    expect((await session.run({ a, b })).c).toEqual(tensor("bool", [3], Uint8Array.of(0, 1, 0)));
    await session.release();
  });

  it("tells why a model or a run is refused", async () => {
    await expect(openSession(new Uint8Array(9))).rejects.toMatchObject({ code: "MODEL_REFUSED" });
    await expect(openSession(oneNode("Frobnicate", onnxFloat))).rejects.toThrow(/Frobnicate/);
    await expect(openSession(oneNode("Xor", onnxDouble))).rejects.toMatchObject({ code: "MODEL_REFUSED" });
    const session = await openSession(oneNode("Mul", onnxFloat));
    const a = tensor("float32", [3]);
    await expect(session.run({ a })).rejects.toMatchObject({ code: "INFERENCE_FAILED" });
    await expect(session.run({ a, b: tensor("float32", [4]) })).rejects.toThrow(/ONNX Runtime failed/);
    await expect(session.run({ a, b: tensor("float64", [3]) })).rejects.toThrow(/ONNX Runtime failed/);
    await session.release();
    await expect(session.run({ a, b: a })).rejects.toMatchObject({ code: "INFERENCE_FAILED" });
  });
});
