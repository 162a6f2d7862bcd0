import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { checkGraph } from "./check.js";
import type { Graph, GraphNode } from "./graph.js";
import { float32Tensor } from "./tensor.js";

const type = { elementType: "float32", shape: [2] } as const;

function node(name: string, inputs: readonly string[], outputs: readonly string[]): GraphNode {
  return { name, operator: "Any", domain: "", inputs, outputs, attributes: {} };
}

function graph(parts: Partial<Graph>): Graph {
  const inputs = [{ name: "x", type }];
  return { name: "graph", inputs, outputs: [], initializers: new Map(), nodes: [], ...parts };
}

function around(inner: Graph): Graph {
  const outer = {
    ...node("outer", ["x"], ["z"]),
    attributes: { body: { kind: "graph", value: inner } as const },
  };
  return graph({ nodes: [node("before", ["x"], ["y"]), outer, node("after", ["z"], ["late"])] });
}

describe("a graph", () => {
  it("may use what was assigned before, and leave inputs and outputs out", () => {
    const nodes = [node("one", ["x", "", "w"], ["y", "", "z"]), node("two", ["z", "y"], ["out"])];
    const initializers = new Map([["w", float32Tensor([1, 2])]]);
    expect(() => checkGraph(graph({ nodes, initializers, outputs: [{ name: "out", type }] }))).not.toThrow();
  });

  it("whose nodes use each other is refused as a cycle", () => {
    const nodes = [node("one", ["b"], ["a"]), node("two", ["a"], ["b"])];
    expect(() => checkGraph(graph({ nodes }))).toThrow('input 0 of node "one" (Any): "b" is not accepted');
    expect(() => checkGraph(graph({ nodes }))).toThrow("break cycles");
    expect(() => checkGraph(graph({ nodes: [node("self", ["a"], ["a"])] }))).toThrow("break cycles");
  });

  it.each([
    {
      what: "a value that nothing makes",
      parts: { nodes: [node("one", ["missing"], ["y"])] },
      field: "input 0",
    },
    {
      what: "a value that is assigned twice",
      parts: { nodes: [node("", ["x"], ["y"]), node("", ["x"], ["y"])] },
      field: "output of node 1",
    },
    { what: "an input that a node assigns", parts: { nodes: [node("one", [], ["x"])] }, field: "output" },
    {
      what: "an initializer of an input's name",
      parts: { initializers: new Map([["x", float32Tensor([1])]]) },
      field: "initializer",
    },
    { what: "an output that nothing makes", parts: { outputs: [{ name: "y", type }] }, field: "output" },
    {
      what: "an output that is listed twice",
      parts: {
        outputs: [
          { name: "x", type },
          { name: "x", type },
        ],
      },
      field: "output",
    },
    { what: "an input without a name", parts: { inputs: [{ name: "", type }] }, field: "name of an input" },
  ])("is refused for $what", ({ parts, field }) => {
    expect(() => checkGraph(graph(parts))).toThrow(InputError);
    expect(() => checkGraph(graph(parts))).toThrow(field);
  });

  it("may hold subgraphs that use its values, but not those that come later, and that assign their own only", () => {
    const inner = (nodes: GraphNode[]) => around(graph({ inputs: [], nodes }));
    expect(() => checkGraph(inner([node("inner", ["y"], ["own"])]))).not.toThrow();
    expect(() => checkGraph(inner([node("inner", ["late"], ["own"])]))).toThrow(
      'input 0 of node "inner" (Any) in attribute body of node "outer" (Any)',
    );
    expect(() => checkGraph(inner([node("inner", ["x"], ["y"])]))).toThrow("assigned once");
  });
});
