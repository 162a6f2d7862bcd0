import type { Command } from "commander";
import type { ModelPort, NeuralModel } from "../../neural/index.js";
import { bold, duration, printJson, properties, table } from "../format.js";
import { addRegistryOptions, lookAtModels, type RegistryOptions } from "./registry-options.js";

export function addShow(model: Command): void {
  addRegistryOptions(
    model
      .command("show")
      .summary("show what a model is")
      .description(
        "Shows a model's ports, operators and size, how it was trained, and what it was measured to cost on each target.",
      )
      .argument("<model>", "name, name@alias or name@version"),
  )
    .addHelpText("after", "\nExample:\n  $ neuroran model show llrnet-16qam")
    .action(async (reference: string, options: RegistryOptions) => {
      const found = await (await lookAtModels(options)).open(reference);
      const facts = factsOf(found);
      if (options.json) printJson({ ...found.manifest, ...facts });
      else print(found, facts);
    });
}

function factsOf({ onnx, bytes }: NeuralModel) {
  const { graph, opset } = onnx;
  const operators = new Map<string, number>();
  for (const { operator } of graph.nodes) operators.set(operator, (operators.get(operator) ?? 0) + 1);
  const parameters = [...graph.initializers.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { opset, operators: Object.fromEntries(operators), parameters, bytes: bytes.length };
}

function print({ manifest, version }: NeuralModel, facts: ReturnType<typeof factsOf>): void {
  const { training, costs = {} } = manifest;
  const operators = Object.entries(facts.operators).map(([name, count]) => `${count} ${name}`);
  process.stdout.write(
    properties([
      ["name", manifest.name],
      ["version", version],
      ...(manifest.summary === undefined ? [] : [["summary", manifest.summary] as const]),
      ...(manifest.implements === undefined ? [] : [["implements", manifest.implements] as const]),
      ["size", `${facts.bytes} bytes, ${facts.parameters} numbers in initializers`],
      ["operators", `${operators.join(", ")} (operator set ${facts.opset})`],
      ...(training === undefined
        ? []
        : [
            ["trained as", training.system] as const,
            ...(training.seed === undefined ? [] : [["seed", String(training.seed)] as const]),
            ...(training.steps === undefined ? [] : [["steps", String(training.steps)] as const]),
            ...(training.seconds === undefined ? [] : [["took", duration(1000 * training.seconds)] as const]),
            ...(training.parent === undefined ? [] : [["went on from", training.parent] as const]),
            ...Object.entries(training.metrics ?? {}).map(
              ([name, value]) => [name, String(Number(value.toPrecision(6)))] as const,
            ),
          ]),
    ]),
  );
  process.stdout.write(`\n${ports("Input", manifest.inputs)}\n${ports("Output", manifest.outputs)}`);
  if (Object.keys(costs).length === 0) return;
  process.stdout.write(`\n${bold("What a call was measured to cost")}\n`);
  process.stdout.write(
    table(
      [
        { title: "Target", align: "left" },
        { title: "sizes", align: "left" },
        { title: "p50", align: "right" },
        { title: "p99", align: "right" },
        { title: "multiply-accumulates", align: "right" },
        { title: "memory bytes", align: "right" },
        { title: "processor", align: "left" },
      ],
      Object.entries(costs).map(([target, cost]) => [
        target,
        Object.entries(cost.dimensions)
          .map(([name, size]) => `${name} ${size}`)
          .join(", "),
        duration(1000 * cost.p50_s),
        duration(1000 * cost.p99_s),
        String(cost.multiplyAccumulates),
        String(cost.memory_bytes),
        cost.processor,
      ]),
    ),
  );
}

function ports(kind: string, list: readonly ModelPort[]): string {
  return table(
    [
      { title: kind, align: "left" },
      { title: "type", align: "left" },
      { title: "meaning", align: "left" },
    ],
    list.map(({ name, type, meaning, llr }) => [
      name,
      `${type.elementType} [${type.shape.join(", ")}]`,
      llr === undefined ? meaning : `${meaning}; positive is ${llr.positiveBit}, scale ${llr.scale}`,
    ]),
  );
}
