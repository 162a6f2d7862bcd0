import type { Target } from "../compiler/index.js";
import { InputError, NeuroranError } from "../errors.js";
import { type Arena, createArena } from "./arena.js";
import type { Views } from "./data-type.js";
import { dataflow } from "./dataflow.js";
import type { FunctionDefinition, States } from "./declaration.js";
import { createFlowInstance } from "./flow-instance.js";
import type { Handle } from "./graph.js";
import type { ParameterInputs, Parameters } from "./parameter.js";
import type { Ports, TensorsOf } from "./port.js";
import type { Tensor } from "./tensor.js";

type ViewsOf<P extends Ports> = { readonly [N in keyof P]: Views[P[N]["dtype"]] };
type StateViews<S extends States> = { readonly [N in keyof S]: Views[S[N]["dtype"]] };
type StateTensors<S extends States> = { readonly [N in keyof S]: Tensor<S[N]["dtype"]> };

/** What a function is prepared for outside of a flow. */
export interface FunctionConfiguration<P extends Parameters> {
  /** Sizes by the function's own dimension names. */
  readonly dimensions: Readonly<Record<string, number>>;
  readonly parameters?: ParameterInputs<P>;
  /** What its kernels are compiled for; without one, a function that compiles is refused. */
  readonly target?: Target;
  /** Where its tensors go; without one, an arena of 256 MiB with canaries that all such functions share. */
  readonly arena?: Arena;
  /** For a function that a flow implements: the implementations inside. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** Sizes by the names that its states give their dimensions. */
  readonly stateDimensions?: Readonly<Record<string, number>>;
}

/** A function that is prepared outside of a flow, for tests and benchmarks. */
export interface PreparedFunction<I extends Ports, O extends Ports, S extends States> {
  readonly inputs: TensorsOf<I>;
  readonly outputs: TensorsOf<O>;
  readonly state: StateTensors<S>;
  /** Chooses the row of keyed state, as `FlowInstance.choose`. */
  choose(name: string, key: number | undefined): void;
  /** Runs it once, without any check. */
  process(): void;
  /** Gives its memory back. */
  release(): void;
}

let sharedArena: Arena | undefined;

const noTarget: Target = {
  name: "none",
  vectorBytes: 16,
  counts: () => ({ compiled: 0, loaded: 0, milliseconds: 0 }),
  compile(kernel) {
    const problem = `kernel ${kernel.name} is to be compiled, but no target was given`;
    throw new NeuroranError("TARGET_MISSING", `${problem}: add { target: wasmTarget() }`);
  },
};

/**
 * Prepares one implementation of a function outside of a flow. Fill `inputs`, call `process()`, read `outputs`, as
 * often as you like; then `release()`.
 * @throws what preparing in a flow throws.
 */
export function prepareFunction<I extends Ports, O extends Ports, P extends Parameters, S extends States>(
  definition: FunctionDefinition<I, O, P, S>,
  implementation: string,
  configuration: FunctionConfiguration<P>,
): PreparedFunction<I, O, S> {
  const { dimensions, parameters = {}, target = noTarget } = configuration;
  const { implementations = {}, stateDimensions = {} } = configuration;
  sharedArena ??= createArena({ bytes: 256 * 2 ** 20, canaries: true });
  const arena = configuration.arena ?? sharedArena;
  const { name } = definition;
  const flow = dataflow(`test of ${name}`, { inputs: definition.inputs }, (inputs) => {
    const result: unknown = definition(inputs);
    const outputs = Object.keys(definition.outputs);
    return outputs.length === 1 ? { [outputs[0]]: result as Handle } : (result as Record<string, Handle>);
  });
  const choices = { ...implementations, [name]: implementation };
  const instance = createFlowInstance(flow, {
    arena,
    target,
    implementations: choices,
    stateDimensions,
    maximumVariants: 1,
  });
  try {
    const variant = instance.prepare({ key: "only", dimensions, parameters: { [name]: parameters } });
    return {
      inputs: variant.inputs,
      outputs: variant.outputs as TensorsOf<Ports> as TensorsOf<O>,
      state: (instance.state[name] ?? {}) as StateTensors<S>,
      choose: instance.choose,
      process: variant.process,
      release: instance.close,
    };
  } catch (error) {
    instance.close();
    throw error;
  }
}

/**
 * Runs one implementation of a function once and returns copies of its outputs and of its state afterwards, by
 * name. Inputs that are left out are zeros; `state` is what it finds, its initial value unless given. Beside the
 * function's own errors it throws NeuroranError CANARY_OVERWRITTEN when it writes beside a tensor, and
 * INPUT_OVERWRITTEN when it changes an input.
 *
 * ```ts
 * const { outputs } = runFunction(gain, "plain", {
 *   dimensions: { sample: 2 },
 *   parameters: { factor: 3 },
 *   inputs: { samples: Float32Array.of(1, 0, 0, 1) },
 * });
 * outputs.scaled; // Float32Array.of(3, 0, 0, 3)
 * ```
 */
export function runFunction<I extends Ports, O extends Ports, P extends Parameters, S extends States>(
  definition: FunctionDefinition<I, O, P, S>,
  implementation: string,
  configuration: FunctionConfiguration<P> & {
    readonly inputs: Partial<ViewsOf<I>>;
    readonly state?: Partial<StateViews<S>>;
  },
): { outputs: ViewsOf<O>; state: StateViews<S> } {
  const prepared = prepareFunction(definition, implementation, configuration);
  try {
    fill(`${definition.name}.inputs`, prepared.inputs, configuration.inputs);
    fill(`${definition.name}.state`, prepared.state, configuration.state ?? {});
    const before = copies(prepared.inputs);
    prepared.process();
    (configuration.arena ?? sharedArena)?.checkCanaries();
    for (const [name, tensor] of Object.entries<Tensor>(prepared.inputs)) {
      const index = tensor.view.findIndex((value, at) => !Object.is(value, before[name][at]));
      if (index >= 0) {
        const problem = `${definition.name} as ${implementation} changed its input ${name} at ${index}`;
        throw new NeuroranError(
          "INPUT_OVERWRITTEN",
          `${problem}: another function may read it, write to a scratch`,
        );
      }
    }
    return {
      outputs: copies(prepared.outputs) as ViewsOf<O>,
      state: copies(prepared.state) as StateViews<S>,
    };
  } finally {
    prepared.release();
  }
}

function fill(
  place: string,
  tensors: Readonly<Record<string, Tensor>>,
  values: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(values)) {
    const tensor = tensors[name];
    if (tensor === undefined) {
      throw new InputError(`${place}.${name}`, value, `name one of ${Object.keys(tensors).join(", ")}`);
    }
    const { view } = tensor;
    const given = value as ArrayLike<number>;
    if (given.length !== view.length) {
      const wanted = `give ${view.length} numbers for ${tensor.dtype}[${tensor.shape.join(", ")}]`;
      throw new InputError(`${place}.${name}.length`, given.length, wanted);
    }
    view.set(given);
  }
}

function copies(tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor["view"]> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.view.slice()]));
}
