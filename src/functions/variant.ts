/**
 * The preparation of a planned flow for given sizes and parameters.
 *
 * Invariants:
 * 1. A dimension name has one size inside a function and one in a flow; what flows along an edge agrees with both.
 * 2. Procedures stand in the order of the calls; feedback edges are latched after the last of them.
 */

import type { Target } from "../compiler/index.js";
import { InputError, NeuroranError } from "../errors.js";
import type { Clock } from "../system/index.js";
import type { Region } from "./arena.js";
import { attemptProcedure, type SlotBudget } from "./attempt.js";
import { type Arm, type ArmName, type CanaryProcedure, canaryProcedure } from "./canary.js";
import { type DataType, dataTypeOf, type View } from "./data-type.js";
import type { Context, Process } from "./declaration.js";
import type { Source } from "./graph.js";
import type { KernelStore } from "./kernel-store.js";
import type { LastingTensors } from "./lasting.js";
import { checkParameters } from "./parameter.js";
import { initialized, type Plan, type PlannedBody, type PlannedFeedback, type PlannedNode } from "./plan.js";
import type { Port, Ports } from "./port.js";
import type { Tensor } from "./tensor.js";
import type { TimingTensors } from "./timing.js";

type Tensors = Readonly<Record<string, Tensor>>;
type Sizes = ReadonlyMap<string, number>;
type Values = Readonly<Record<string, unknown>>;

/** Where a preparation puts what it makes. */
export interface Preparation {
  /** Holds the variant's tensors, and as their holder, its kernels. */
  readonly region: Region;
  readonly kernels: KernelStore;
  readonly target: Target;
  /** Parameter values by function name or node path. */
  readonly parameters: Readonly<Record<string, Values>>;
  readonly procedures: Process[];
  /** The timing row of each procedure. */
  readonly timings: number[];
  /** For each that is done by an attempt, at 0, what it needs in any case. */
  readonly least: (Float64Array | undefined)[];
  readonly budget: SlotBudget;
  readonly timingTensors: TimingTensors;
  readonly attemptCounts: Float64Array;
  readonly canaryCounts: Float64Array;
  /** What is to be told when a slot is done. */
  readonly canaries: Pick<CanaryProcedure, "slotDone">[];
  readonly readClock: Clock;
  /** To be called when the variant goes. */
  readonly releases: (() => void)[];
  readonly latches: { readonly from: View; readonly to: View }[];
  readonly lasting: LastingTensors | undefined;
  /** A new region for the tensor of a feedback edge, which outlives the variant. */
  feedbackRegion(feedback: PlannedFeedback): Region;
}

/** Tensors for the inputs of a flow, in the preparation's region. */
export function allocateInputs(inputs: Ports, flowName: string, sizes: Sizes, region: Region): Tensors {
  return mapValues(inputs, (port, name) =>
    region.tensor(name, port.dtype, shapeOf(port, sizes, `input ${name} of flow ${flowName}`)),
  );
}

/** Sizes by dimension name. @throws InputError for a size that is not a whole number from 0. */
export function checkSizes(dimensions: Readonly<Record<string, number>>): Sizes {
  for (const [name, size] of Object.entries(dimensions)) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new InputError(`dimensions.${name}`, size, "give a whole number from 0");
    }
  }
  return new Map(Object.entries(dimensions));
}

/** Prepares every function of `plan` on the given inputs and returns the tensors of the flow's outputs. */
export function preparePlan(
  plan: Plan,
  inputs: Tensors,
  sizes: Sizes,
  handed: Values,
  preparation: Preparation,
): Tensors {
  const produced = new Map<string, Tensors>();
  const feedback = new Map(
    plan.feedback.map((one) => [one.edge.name, feedbackTensor(one, sizes, preparation)]),
  );
  const find = (source: Source): Tensor => {
    if (source.kind === "input") return inputs[source.name];
    if (source.kind === "feedback") return feedback.get(source.name) as Tensor;
    return (produced.get(source.node) as Tensors)[source.output];
  };
  for (const planned of plan.nodes) {
    const given = mapValues(planned.node.inputs, find);
    produced.set(planned.node.name, prepareNode(planned, given, sizes, handed, preparation));
  }
  for (const { path, edge } of plan.feedback) {
    const [from, to] = [find(edge.source), feedback.get(edge.name) as Tensor];
    if (from.shape.join() !== to.shape.join()) {
      const shapes = `[${to.shape.join(", ")}] but is fed [${from.shape.join(", ")}]`;
      throw new NeuroranError("SIZE_MISMATCH", `feedback ${path} has the shape ${shapes} by ${from.name}`);
    }
    preparation.latches.push({ from: from.view, to: to.view });
  }
  return mapValues(plan.flow.results, find);
}

function prepareNode(
  planned: PlannedNode,
  inputs: Tensors,
  sizes: Sizes,
  handed: Values,
  preparation: Preparation,
): Tensors {
  const { path, node, body } = planned;
  const { definition } = node;
  if (body.kind === "attempt") return prepareAttempt(planned, body, inputs, sizes, handed, preparation);
  if (body.kind === "canary") return prepareCanary(planned, body, inputs, sizes, handed, preparation);
  const own = bindSizes(path, definition.inputs, node.dimensions, inputs, sizes);
  const parameters = checkParameters(
    path,
    definition.parameters,
    gather(planned, handed, preparation.parameters),
  );
  if (body.kind === "flow") {
    const { plan } = body;
    const inner = new Map([...sizes, ...own, ...bindSizes(path, plan.flow.inputs, {}, inputs, new Map())]);
    const outputs = preparePlan(plan, inputs, inner, parameters, preparation);
    for (const [output, port] of Object.entries(definition.outputs)) {
      port.dimensions.forEach((name, index) => {
        const size = outputs[output].shape[index];
        const expected = own.get(name) ?? sizes.get(node.dimensions[name] ?? name);
        if (expected !== undefined && expected !== size) {
          throw mismatch(
            path,
            name,
            expected,
            "its other ports or the dimensions given",
            size,
            `output ${output}`,
          );
        }
      });
    }
    return outputs;
  }
  for (const port of Object.values(definition.outputs)) {
    for (const name of port.dimensions) {
      if (!own.has(name)) own.set(name, sizeOf(sizes, node.dimensions[name] ?? name, `${name} of ${path}`));
    }
  }
  const outputs = mapValues(definition.outputs, (port, name) =>
    preparation.region.tensor(`${path}.${name}`, port.dtype, shapeOf(port, own, path)),
  );
  const context = contextOf(planned, own, parameters, inputs, outputs, preparation);
  preparation.procedures.push(body.implementation.prepare(context));
  preparation.timings.push(body.timing);
  preparation.least.push(undefined);
  return outputs;
}

/** Prepares the fallback, and an attempt that writes where the fallback does. */
function prepareAttempt(
  planned: PlannedNode,
  body: Extract<PlannedBody, { kind: "attempt" }>,
  inputs: Tensors,
  sizes: Sizes,
  handed: Values,
  preparation: Preparation,
): Tensors {
  const { path, node, implementationName } = planned;
  const { inputs: ports, outputs: outputPorts, parameters: declared } = node.definition;
  const fallback = { ...preparation, procedures: [], timings: [], least: [] };
  const outputs = prepareNode({ ...planned, body: body.fallback }, inputs, sizes, handed, fallback);
  const own = bindSizes(path, ports, node.dimensions, inputs, sizes);
  for (const [name, port] of Object.entries(outputPorts)) {
    const { offset, shape, view } = outputs[name];
    if (view.length > 0 && Object.values(inputs).some((input) => input.offset === offset)) {
      const problem = `${path} as ${implementationName} would write its output ${name} over an input`;
      throw new NeuroranError("FALLBACK_FORWARDS", `${problem}: name a fallback that does not forward it`);
    }
    port.dimensions.forEach((dimension, index) => void own.set(dimension, shape[index]));
  }
  const parameters = checkParameters(path, declared, gather(planned, handed, preparation.parameters));
  const context = contextOf(planned, own, parameters, inputs, outputs, preparation);
  const refuse = (): never => {
    const problem = `${path} as ${implementationName} cannot forward an input`;
    throw new NeuroranError("FALLBACK_FORWARDS", `${problem}: its fallback writes the outputs, too`);
  };
  const { timingTensors, attemptCounts: counts, budget, readClock } = preparation;
  const { process, least } = attemptProcedure({
    attempt: body.implementation.attempt({ ...context, forward: refuse }),
    fallback,
    timingTensors,
    counts,
    row: body.row,
    budget,
    readClock,
  });
  preparation.procedures.push(process);
  preparation.timings.push(body.timing);
  preparation.least.push(least);
  return outputs;
}

/** Prepares both of two that take turns; outputs are neither's, as either may hand an input on as one. */
function prepareCanary(
  planned: PlannedNode,
  body: Extract<PlannedBody, { kind: "canary" }>,
  inputs: Tensors,
  sizes: Sizes,
  handed: Values,
  preparation: Preparation,
): Tensors {
  const { path } = planned;
  const { region, timingTensors, canaryCounts: counts, readClock } = preparation;
  const prepareArm = (arm: ArmName) => {
    const own = { ...preparation, procedures: [], timings: [], least: [] };
    const named = {
      ...planned,
      implementationName: body.node.arms[arm].implementation,
      body: body.arms[arm],
    };
    const tensors = prepareNode(named, inputs, sizes, handed, own);
    return { own, tensors };
  };
  const arms = { present: prepareArm("present"), canary: prepareArm("canary") };
  const outputs = mapValues(arms.present.tensors, ({ dtype, shape }, name) =>
    region.tensor(`${path}.${name}`, dtype, shape),
  );
  const armOf = (arm: ArmName): Arm => {
    const { own, tensors } = arms[arm];
    const results = Object.entries(outputs).map(([name, { shape, view }]) => {
      const from = tensors[name];
      if (from.shape.join() !== shape.join())
        throw mismatch(path, name, shape.length, "present", from.shape.length, arm);
      return { from: from.view, to: view };
    });
    const { timing, slotTiming } = body.node.arms[arm];
    return { ...own, timing, slotTiming, results };
  };
  const canary = canaryProcedure({
    arms: { present: armOf("present"), canary: armOf("canary") },
    share: body.node.share,
    counts,
    row: body.row,
    timingTensors,
    readClock,
  });
  preparation.procedures.push(canary.process);
  preparation.timings.push(body.timing);
  preparation.least.push(canary.least);
  preparation.canaries.push(canary);
  return outputs;
}

function contextOf(
  { path, state, rows }: PlannedNode,
  own: Sizes,
  parameters: Values,
  inputs: Tensors,
  outputs: Record<string, Tensor>,
  { region, kernels, target, releases }: Preparation,
): Context {
  return {
    dimensions: Object.fromEntries(own),
    parameters: parameters as Context["parameters"],
    inputs,
    outputs,
    state,
    rows,
    target,
    scratch: (name, dtype, ...shape) => region.tensor(`${path}.${name}`, dtype, shape),
    table(name, values, ...shape) {
      const dtype = dataTypeOf(values);
      const tensor: Tensor<DataType> = region.tensor(
        `${path}.${name}`,
        dtype,
        shape.length > 0 ? shape : [values.length],
      );
      if (tensor.view.length !== values.length) {
        const counts = `${values.length} values do not fill the shape [${shape.join(", ")}]`;
        throw new NeuroranError("SHAPE_INVALID", `table ${name} of ${path}: ${counts}`);
      }
      tensor.view.set(values);
      return tensor as never;
    },
    forward(output, input) {
      const [to, from] = [outputs[output], inputs[input]];
      if (to.dtype !== from.dtype || to.shape.join() !== from.shape.join()) {
        const types = `${to.dtype}[${to.shape.join(", ")}] and ${from.dtype}[${from.shape.join(", ")}]`;
        throw new NeuroranError(
          "SIZE_MISMATCH",
          `${path} cannot forward ${input} as ${output}: they are ${types}`,
        );
      }
      outputs[output] = from;
    },
    compile: (kernel) => kernels.hold(region, kernel),
    specialize: (specialized, generic) => kernels.specialize(region, specialized, generic),
    whenReleased: (give) => void releases.push(give),
  };
}

/** Sizes of the ports' own dimension names as the inputs have them, checked against each other and the flow's. */
function bindSizes(
  path: string,
  ports: Ports,
  flowNames: Readonly<Record<string, string>>,
  inputs: Tensors,
  sizes: Sizes,
): Map<string, number> {
  const own = new Map<string, number>();
  const saidBy = new Map<string, string>();
  for (const [input, port] of Object.entries(ports)) {
    const tensor = inputs[input];
    const place = `input ${input} from ${tensor.name}`;
    port.dimensions.forEach((name, index) => {
      const size = tensor.shape[index];
      const bound = own.get(name);
      if (bound !== undefined && bound !== size)
        throw mismatch(path, name, bound, saidBy.get(name), size, place);
      const flowName = flowNames[name] ?? name;
      const given = sizes.get(flowName);
      if (given !== undefined && given !== size) {
        const remedy = `if ${flowName} means something else here, call it with { dimensions: { ${name}: "otherName" } }`;
        throw mismatch(path, name, given, `the dimensions given (${remedy})`, size, place);
      }
      own.set(name, size);
      saidBy.set(name, place);
    });
  }
  return own;
}

function mismatch(
  path: string,
  name: string,
  one: number,
  by: string | undefined,
  other: number,
  place: string,
): Error {
  return new NeuroranError("SIZE_MISMATCH", `${path}: ${name} is ${other} by ${place}, but ${one} by ${by}`);
}

/** What is fixed by the call, given for the node or its function, or handed down by the function around it. */
function gather(planned: PlannedNode, handed: Values, given: Readonly<Record<string, Values>>): Values {
  const { path, node } = planned;
  const { definition } = node;
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(definition.parameters)) {
    if (Object.hasOwn(handed, name)) values[name] = handed[name];
  }
  const said = { ...given[definition.name], ...given[path] };
  for (const [name, value] of Object.entries(said)) {
    if (Object.hasOwn(node.parameters, name)) {
      throw new InputError(`${path}.${name}`, value, "the flow fixes this parameter: leave it out");
    }
  }
  return { ...values, ...said, ...node.parameters };
}

function feedbackTensor(planned: PlannedFeedback, sizes: Sizes, preparation: Preparation): Tensor {
  const { path, edge } = planned;
  const shape = shapeOf(edge.port, sizes, `feedback ${path}`);
  if (planned.tensor === undefined) {
    const content = { dtype: edge.port.dtype, initial: edge.initial };
    const region = preparation.feedbackRegion(planned);
    planned.tensor = initialized(region, path, shape, content, preparation.lasting);
  } else if (planned.tensor.shape.join() !== shape.join()) {
    const shapes = `[${planned.tensor.shape.join(", ")}] in the variants before and [${shape.join(", ")}] in this one`;
    throw new NeuroranError(
      "SIZE_MISMATCH",
      `feedback ${path} is shared by all variants, but has the shape ${shapes}`,
    );
  }
  return planned.tensor;
}

function shapeOf(port: Port, sizes: Sizes, place: string): number[] {
  return port.dimensions.map((name) => sizeOf(sizes, name, `${name} of ${place}`));
}

function sizeOf(sizes: Sizes, name: string, what: string): number {
  const size = sizes.get(name);
  if (size === undefined) throw new InputError(`dimensions.${name}`, undefined, `give the size of ${what}`);
  return size;
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T, name: string) => U,
): Record<string, U> {
  const changed: Record<string, U> = {};
  for (const name of Object.keys(record)) changed[name] = change(record[name], name);
  return changed;
}
