import { describe, expect, it } from "vitest";
import { onnxModel } from "../../neural/graph/graph.js";
import { networkBuilder } from "../../neural/network/builder.js";
import type { DetectionContext } from "./function.js";
import { attemptModel } from "./neural-receivers.js";

describe("a model of detection", () => {
  it("is refused unless it computes with the numbers that the edge writes", () => {
    const network = networkBuilder("half");
    const grid = network.input("grid", "float16", ["batch", 4, 14, "subcarrier"]);
    network.input("elements", "float16", ["batch", 3, 14, "subcarrier"]);
    network.output("llrs", network.add("Relu", [grid]), ["batch", 4, 14, "subcarrier"]);
    expect(() => attemptModel(onnxModel(network.graph()), {} as DetectionContext)).toThrow(/float32/);
  });
});
