import type { CompiledKernel, Kernel, OriginatedKernel, Target } from "../compiler/index.js";
import { NeuroranError } from "../errors.js";
import type { DataType, View, Views } from "./data-type.js";
import type { DataflowData } from "./dataflow.js";
import { addNode, type CallOptions, checkPort, type Handle } from "./graph.js";
import type { SpecializedKernel } from "./kernel-store.js";
import type { ParameterInputs, Parameters, ParameterValues } from "./parameter.js";
import type { DimensionsOf, Ports, TensorsOf } from "./port.js";
import type { Tensor } from "./tensor.js";

/** One declared state tensor. The layout is exactly this, whatever implementation works on it. */
export interface State<D extends DataType = DataType> {
  readonly dtype: D;
  /** Sizes, slowest dimension first; a name stands for a size that is given when an instance is created. */
  readonly dimensions: readonly (number | string)[];
  /** Raised whenever the meaning or layout changes. */
  readonly version: number;
  /** Elements before the first slot (two numbers for a complex64 element), of a row if keyed; zeros unless given. */
  readonly initial?: ArrayLike<number>;
  /**
   * What chooses the row that a slot works on: a leading dimension of this name, as large as the instance is given. All
   * states of a flow with the same key have the same row for it.
   */
  readonly key?: string;
  /**
   * By the version that it takes: fills a tensor of this version from one of that. Called where a module is redeployed, between
   * two slots; it must not change what it takes. Keyed state cannot be migrated so.
   */
  readonly migrations?: Readonly<Record<number, (former: View, now: View) => void>>;
}

/** State tensors by name. */
export type States = Readonly<Record<string, State>>;

/** Runs the function once on what its tensors hold: synchronous, allocates nothing. */
export type Process = () => void;

/**
 * What came of an attempt: "done", the outputs are computed; "late", there is no answer yet; "not finite", the answer holds
 * what is no number; "unavailable", whoever answers is gone, or still at an earlier question.
 */
export type AttemptOutcome = "done" | "late" | "not finite" | "unavailable";

/**
 * Runs the function once on what its tensors hold, unless that takes too long: synchronous, allocates nothing. Unless it is
 * done, outputs may hold anything; what it did to state must bear being done again.
 * @param answerBy at 0, the instant by which it must return, in milliseconds of the thread's `openClock`; infinite where
 * there is time. What cannot be interrupted may return later.
 */
export type Attempt = (answerBy: Float64Array) => AttemptOutcome;

/** What an implementation prepares itself with. Everything it needs beyond is a parameter. */
export interface Context<
  I extends Ports = Ports,
  O extends Ports = Ports,
  P extends Parameters = Parameters,
  S extends States = States,
> {
  /** Sizes of the function's dimensions in this variant, by the function's own names. */
  readonly dimensions: Readonly<Record<DimensionsOf<I> | DimensionsOf<O>, number>>;
  readonly parameters: ParameterValues<P>;
  /** Only to be read: another function may read them, too. */
  readonly inputs: TensorsOf<I>;
  readonly outputs: TensorsOf<O>;
  /** Shared by all variants and implementations; what stands in it outlives this variant. */
  readonly state: { readonly [N in keyof S]: Tensor<S[N]["dtype"]> };
  /** int32 [8] by the keys of its states: the rows that the slot works on, those it writes first, -1 behind the last. */
  readonly rows: Readonly<Record<string, Tensor<"int32">>>;
  /** The target of compiled kernels. */
  readonly target: Target;
  /** A zeroed tensor of this variant alone, for what need not outlive a slot. */
  scratch<D extends DataType>(name: string, dtype: D, ...shape: number[]): Tensor<D>;
  /** A tensor holding a copy of `values`, of shape [length] unless given. */
  table<A extends View>(name: string, values: A, ...shape: number[]): Tensor<DataTypeOfView<A>>;
  /**
   * Hands the tensor of an input on as that of an output of the same type and shape, so that nothing is copied: who reads
   * the output reads the input.
   * @throws NeuroranError SIZE_MISMATCH where they differ.
   */
  forward(output: keyof O & string, input: keyof I & string): void;
  /** The kernel, compiled for the target and the arena's memory; once an instance, however often asked for. */
  compile(kernel: Kernel): CompiledKernel;
  /**
   * A kernel that is compiled while the slots go on: until it is there, `generic` runs in its place, which takes the same
   * arguments and gives the same results. Look `run` up at each call.
   */
  specialize(specialized: OriginatedKernel, generic: Kernel): SpecializedKernel;
  /** Has `give` called when the variant goes, for what it holds beside memory and kernels. */
  whenReleased(give: () => void): void;
}

type DataTypeOfView<A extends View> = {
  [D in Exclude<DataType, "complex64">]: A extends Views[D] ? D : never;
}[Exclude<DataType, "complex64">];

/** Model: classical signal processing. Neural: a neural network. */
export type ImplementationKind = "model" | "neural";

/**
 * How a function can be done: by a prepared procedure; by an attempt, in whose place the implementation named `fallback`
 * computes the slot if it does not succeed in time; or by a flow of other functions.
 */
export type Implementation<
  I extends Ports = Ports,
  O extends Ports = Ports,
  P extends Parameters = Parameters,
  S extends States = States,
> =
  | { readonly kind: ImplementationKind; prepare(context: Context<I, O, P, S>): Process }
  | {
      readonly kind: ImplementationKind;
      readonly fallback: string;
      attempt(context: Context<I, O, P, S>): Attempt;
    }
  | { readonly kind: ImplementationKind; readonly flow: DataflowData };

/** How models stand for a function: its edge, where units, signs and scales of a model meet those of the ports. */
export interface NeuralForm<
  I extends Ports = Ports,
  O extends Ports = Ports,
  P extends Parameters = Parameters,
  S extends States = States,
> {
  /** The implementation that computes a slot for which the model has no answer in time, unless another is named. */
  readonly fallback: string;
  /** Prepares a model, whatever that is to the function: a name, a directory, a graph. */
  attempt(model: unknown, context: Context<I, O, P, S>): Attempt;
}

/** An implementation by a model, which the function's neural form prepares. */
export interface ModelImplementation {
  readonly kind: "neural";
  readonly model: unknown;
  readonly fallback?: string;
}

/** A function without the types of its ports: what graphs and instances hold. */
export interface FunctionData {
  readonly name: string;
  /** The clause of the standard that it implements. */
  readonly clause: string | undefined;
  readonly inputs: Ports;
  readonly outputs: Ports;
  readonly parameters: Parameters;
  readonly state: States;
  /** By name, in the order in which they were added; the first serves unless another is chosen. */
  readonly implementations: ReadonlyMap<string, Implementation>;
  /** How a model stands for it; undefined where none can. */
  readonly neural: NeuralForm | undefined;
}

/** A model in the place of an implementation. */
export function modelImplementation(
  form: NeuralForm,
  model: unknown,
  fallback = form.fallback,
): Implementation {
  return { kind: "neural", fallback, attempt: (context) => form.attempt(model, context) };
}

type HandlesOf<P extends Ports> = { readonly [N in keyof P]: Handle<P[N]["dtype"]> };

type IsUnion<T, U = T> = T extends U ? ([U] extends [T] ? false : true) : never;

/** The one output's handle where there is one, else the handles by name. */
export type CallResult<O extends Ports> =
  IsUnion<keyof O> extends false ? HandlesOf<O>[keyof O] : HandlesOf<O>;

/** A declared function: called inside a dataflow's builder it becomes a node of the flow. */
export interface FunctionDefinition<
  I extends Ports,
  O extends Ports,
  P extends Parameters = Parameters,
  S extends States = States,
> extends FunctionData {
  (inputs: HandlesOf<I>, options?: CallOptions<ParameterInputs<P>>): CallResult<O>;
  readonly name: string;
  readonly inputs: I;
  readonly outputs: O;
  readonly parameters: P;
  readonly state: S;
  /**
   * Adds an implementation under a name.
   * @throws NeuroranError IMPLEMENTATION_TAKEN, PORT_MISMATCH for a flow whose ports do not fit by name, or
   * NEURAL_FORM_MISSING for a model where the function does not say how one stands for it.
   */
  implement(name: string, implementation: Implementation<I, O, P, S> | ModelImplementation): void;
}

/**
 * Declares a stateful function: its ports, the parameters it is prepared with, and the state it keeps. State is
 * one per flow instance and survives a change of variant and of implementation.
 *
 * ```ts
 * export const gain = defineFunction({
 *   name: "gain",
 *   inputs: { samples: complex64("sample") },
 *   outputs: { scaled: complex64("sample") },
 *   parameters: { factor: "number" },
 * });
 * gain.implement("plain", {
 *   kind: "model",
 *   prepare({ inputs, outputs, parameters }) {
 *     const [from, to, factor] = [inputs.samples.view, outputs.scaled.view, parameters.factor];
 *     return () => {
 *       for (let i = 0; i < from.length; i++) to[i] = factor * from[i];
 *     };
 *   },
 * });
 * ```
 */
export function defineFunction<
  const I extends Ports,
  const O extends Ports,
  const P extends Parameters = Record<never, never>,
  const S extends States = Record<never, never>,
>(declaration: {
  name: string;
  clause?: string;
  inputs: I;
  outputs: O;
  parameters?: P;
  state?: S;
  neural?: NeuralForm<I, O, P, S>;
}): FunctionDefinition<I, O, P, S> {
  const { name, clause, inputs, outputs, neural } = declaration;
  const implementations = new Map<string, Implementation>();
  const form = neural as NeuralForm | undefined;
  const attemptOf = (as: string, { model, fallback }: ModelImplementation): Implementation => {
    if (form !== undefined) return modelImplementation(form, model, fallback);
    const remedy = "declare the function with neural: { fallback, attempt }";
    throw new NeuroranError("NEURAL_FORM_MISSING", `${name} cannot be done by a model, as ${as}: ${remedy}`);
  };
  const call = (given: Readonly<Record<string, Handle>>, options: CallOptions = {}): unknown => {
    const handles = addNode(definition, given, options);
    const [only, ...others] = Object.values(handles);
    return only !== undefined && others.length === 0 ? only : handles;
  };
  Object.defineProperty(call, "name", { value: name });
  const definition = Object.assign(call, {
    clause,
    inputs,
    outputs,
    parameters: declaration.parameters ?? ({} as P),
    state: declaration.state ?? ({} as S),
    implementations,
    neural: form,
    implement(implementationName: string, given: Implementation<I, O, P, S> | ModelImplementation): void {
      if (implementations.has(implementationName)) {
        throw new NeuroranError(
          "IMPLEMENTATION_TAKEN",
          `${name} already has an implementation ${implementationName}`,
        );
      }
      const implementation =
        "model" in given ? attemptOf(implementationName, given) : (given as Implementation);
      if ("flow" in implementation) checkFlowPorts(definition, implementationName, implementation.flow);
      implementations.set(implementationName, implementation);
    },
  });
  return definition as FunctionDefinition<I, O, P, S>;
}

function checkFlowPorts(definition: FunctionData, name: string, flow: DataflowData): void {
  const place = (port: string) =>
    `${port} of ${definition.name}, implemented as ${name} by flow ${flow.name}`;
  for (const [input, port] of Object.entries(flow.inputs)) {
    const declared = definition.inputs[input];
    if (declared === undefined) throw missing(place(`input ${input}`), definition.inputs, "the function");
    checkPort(place(`input ${input}`), port, declared);
  }
  for (const [output, port] of Object.entries(definition.outputs)) {
    const given = flow.outputs[output];
    if (given === undefined) throw missing(place(`output ${output}`), flow.outputs, "the flow");
    checkPort(place(`output ${output}`), port, given);
  }
}

function missing(place: string, ports: Ports, owner: string): NeuroranError {
  return new NeuroranError("PORT_MISMATCH", `${place}: ${owner} has only ${Object.keys(ports).join(", ")}`);
}
