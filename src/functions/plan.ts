/**
 * A flow with an implementation chosen for every function and memory for all state.
 *
 * Invariants:
 * 1. Every state tensor has exactly one keeper at each level: state of a function that a flow implements is handed
 *    down to the one function in that flow that declares it under the same name and layout.
 * 2. No function is, with the same implementation, part of itself.
 */
import { InputError, NeuroranError } from "../errors.js";
import type { Region } from "./arena.js";
import type { ArmName, CanaryNode } from "./canary.js";
import {
  type Alternatives,
  type CanaryChoice,
  type Choice,
  type Choices,
  chosenImplementation,
  firstImplementation,
} from "./choice.js";
import type { DataflowData } from "./dataflow.js";
import type { FunctionData, Implementation, State, States } from "./declaration.js";
import { addAllNames, checkNames } from "./flow-names.js";
import type { FeedbackEdge, GraphNode } from "./graph.js";
import { dimensionsOf, type KeyedRows, type KeyedState, keysPerSlot } from "./keyed-rows.js";
import type { LastingDescription, LastingTensors } from "./lasting.js";
import { type Tensor, withView } from "./tensor.js";

type TensorsByName = Readonly<Record<string, Tensor>>;
type Prepared = Extract<Implementation, { prepare: unknown }>;
type Attempting = Extract<Implementation, { attempt: unknown }>;

/** A feedback edge of an instance; it has a tensor from the first prepared variant on. */
export interface PlannedFeedback {
  readonly path: string;
  readonly edge: FeedbackEdge;
  tensor: Tensor | undefined;
}

/** A node with its chosen implementation. */
export interface PlannedNode {
  /** The node's name behind those of the nodes that it is inside of: `receiver/estimation`. */
  readonly path: string;
  readonly node: GraphNode;
  readonly implementationName: string;
  readonly state: TensorsByName;
  readonly rows: Readonly<Record<string, Tensor<"int32">>>;
  readonly body: PlannedBody;
}

/** What runs for a node: a procedure with the index of its timing, the plan of a flow, an attempt and what computes in its place, or two that take turns. */
export type PlannedBody =
  | { readonly kind: "procedure"; readonly implementation: Prepared; readonly timing: number }
  | { readonly kind: "flow"; readonly plan: Plan }
  | {
      readonly kind: "attempt";
      readonly implementation: Attempting;
      readonly timing: number;
      /** Of its counts. */
      readonly row: number;
      readonly fallback: PlannedBody;
    }
  | {
      readonly kind: "canary";
      readonly timing: number;
      /** Of its counts. */
      readonly row: number;
      readonly node: CanaryNode;
      readonly arms: Readonly<Record<ArmName, PlannedBody>>;
    };

/** A node that is done by an attempt, with the implementation that computes in its place. */
export interface AttemptedNode extends ChosenImplementation {
  readonly fallback: string;
}

/** A planned flow: nodes in the order of their calls. */
export interface Plan {
  readonly path: string;
  readonly flow: DataflowData;
  readonly nodes: readonly PlannedNode[];
  readonly feedback: readonly PlannedFeedback[];
}

/** What a node of a flow, at any level, is done by. */
export interface ChosenImplementation {
  readonly path: string;
  readonly function: string;
  readonly implementation: string;
  /** What takes turns with it. */
  readonly canary?: Omit<CanaryChoice, "present">;
}

/** A plan, and what is in it at all levels. */
export interface CompletePlan {
  readonly plan: Plan;
  readonly chosen: readonly ChosenImplementation[];
  /** Paths of the procedures in the order in which they run. */
  readonly procedures: readonly string[];
  /** Nodes done by attempts, by the rows of their counts. */
  readonly attempts: readonly AttemptedNode[];
  /** Nodes with a canary, by the rows of their counts. */
  readonly canaries: readonly CanaryNode[];
  /** What each function can be done by, those of flows that were not chosen among them; by name. */
  readonly alternatives: Readonly<Record<string, Alternatives>>;
  /** Node paths and function names: whatever implementations may be given for. */
  readonly names: ReadonlySet<string>;
  /** Whatever parameters may be given for: these, and those of flows that were not chosen, so that a configuration fits any choice. */
  readonly parameterNames: ReadonlySet<string>;
  /** State tensors by node path and name. */
  readonly state: Readonly<Record<string, TensorsByName>>;
  readonly keyed: readonly KeyedRows[];
  /** Take over what state held in former versions. */
  readonly migrations: readonly (() => void)[];
}

interface Planning {
  readonly choices: Choices;
  readonly stateDimensions: Readonly<Record<string, number>>;
  /** Names of state dimensions that some function has. */
  readonly dimensionNames: Set<string>;
  readonly names: Set<string>;
  readonly region: Region;
  readonly lasting: LastingTensors | undefined;
  readonly chosen: ChosenImplementation[];
  readonly procedures: string[];
  readonly attempts: AttemptedNode[];
  readonly canaries: CanaryNode[];
  /** State by its place: two implementations that take turns have the same. */
  readonly allocated: Map<string, Tensor>;
  readonly state: Record<string, TensorsByName>;
  readonly keyed: Map<string, KeyedRows & { readonly states: KeyedState[] }>;
  readonly migrations: (() => void)[];
}

/**
 * Chooses for every node of `flow` the implementation that `choices` names for its path or function, else the first
 * declared, and allocates all state in `region`, or in `lasting`, where it goes on with what is there. `stateDimensions` says how large the named dimensions of states are.
 * @throws InputError for a choice that is unknown, a state dimension that is unknown, not given or not a whole number
 * from 0; NeuroranError IMPLEMENTATION_MISSING, IMPLEMENTATION_CYCLE,
 * STATE_LAYOUT, STATE_NOT_KEPT.
 */
export function planFlow(
  flow: DataflowData,
  choices: Choices,
  stateDimensions: Readonly<Record<string, number>>,
  region: Region,
  lasting?: LastingTensors,
): CompletePlan {
  const planning: Planning = {
    choices,
    stateDimensions,
    dimensionNames: new Set(),
    names: new Set(),
    region,
    lasting,
    chosen: [],
    procedures: [],
    attempts: [],
    canaries: [],
    allocated: new Map(),
    state: {},
    keyed: new Map(),
    migrations: [],
  };
  const plan = planGraph(flow, "", {}, {}, [], planning);
  const { names, procedures, attempts, canaries, state, chosen } = planning;
  checkNames("implementations", choices, names);
  for (const name of Object.keys(stateDimensions)) {
    if (planning.dimensionNames.has(name)) continue;
    const known = [...planning.dimensionNames].join(", ");
    const remedy = known === "" ? "leave it out, no state has one" : `name a state's dimension: ${known}`;
    throw new InputError(`stateDimensions.${name}`, stateDimensions[name], remedy);
  }
  const parameterNames = new Set(names);
  const alternatives: Record<string, Alternatives> = {};
  addAllNames(flow, "", parameterNames, alternatives, new Set());
  return {
    plan,
    chosen,
    procedures,
    attempts,
    canaries,
    alternatives,
    names,
    parameterNames,
    state,
    keyed: [...planning.keyed.values()],
    migrations: planning.migrations,
  };
}

function planGraph(
  flow: DataflowData,
  path: string,
  handed: States,
  handedTensors: TensorsByName,
  enclosing: readonly string[],
  planning: Planning,
): Plan {
  const keepers = new Map<string, string>();
  const nodes = flow.graph.nodes.map((node): PlannedNode => {
    const nodePath = path === "" ? node.name : `${path}/${node.name}`;
    const { definition } = node;
    const { field, choice } = choose(nodePath, definition, planning);
    const implementationName = typeof choice === "string" ? choice : choice.present;
    planning.chosen.push({
      path: nodePath,
      function: definition.name,
      implementation: implementationName,
      ...(typeof choice === "string" ? {} : { canary: { canary: choice.canary, share: choice.share } }),
    });
    const state: Record<string, Tensor> = {};
    const rows: Record<string, Tensor<"int32">> = {};
    for (const [name, declared] of Object.entries(definition.state)) {
      const tensor = handedTensors[name];
      const layout = handed[name];
      if (tensor !== undefined && layout !== undefined) {
        takeState(nodePath, name, declared, layout, keepers);
        state[name] = tensor;
      } else {
        const place = `${nodePath}.${name}`;
        state[name] = allocateState(place, declared, planning);
      }
      const { key } = declared;
      if (key !== undefined) rows[key] = planning.keyed.get(key)!.rows;
    }
    if (Object.keys(state).length > 0) planning.state[nodePath] = state;
    const body =
      typeof choice === "string"
        ? planBody(
            nodePath,
            definition,
            choice,
            chosenImplementation(definition, choice, field),
            state,
            enclosing,
            planning,
          )
        : planCanary(nodePath, definition, choice, field, state, enclosing, planning);
    return { path: nodePath, node, implementationName, state, rows, body };
  });
  for (const name of Object.keys(handed)) {
    if (!keepers.has(name)) {
      const problem = `flow ${flow.name}, which implements ${path}, has no function that keeps its state ${name}`;
      throw new NeuroranError("STATE_NOT_KEPT", `${problem}: one must declare it with the same layout`);
    }
  }
  const feedback = flow.graph.feedback.map((edge) => {
    return { path: path === "" ? edge.name : `${path}/${edge.name}`, edge, tensor: undefined };
  });
  return { path, flow, nodes, feedback };
}

function planBody(
  path: string,
  definition: FunctionData,
  name: string,
  implementation: Implementation,
  state: TensorsByName,
  enclosing: readonly string[],
  planning: Planning,
): PlannedBody {
  const { procedures, attempts } = planning;
  if ("flow" in implementation) {
    const link = `${definition.name} as ${name}`;
    if (enclosing.includes(link)) {
      const cycle = [...enclosing.slice(enclosing.indexOf(link)), link].join(" > ");
      throw new NeuroranError(
        "IMPLEMENTATION_CYCLE",
        `${path} would be part of itself: ${cycle}; choose another`,
      );
    }
    const { flow } = implementation;
    const plan = planGraph(flow, path, definition.state, state, [...enclosing, link], planning);
    return { kind: "flow", plan };
  }
  const timing = procedures.push(path) - 1;
  if ("prepare" in implementation) return { kind: "procedure", implementation, timing };
  const { fallback } = implementation;
  const instead = definition.implementations.get(fallback);
  if (instead === undefined || "attempt" in instead) {
    const problem = `${definition.name} as ${name} falls back to ${fallback}`;
    const remedy = "name an implementation of the function that always has an answer";
    throw new NeuroranError("FALLBACK_INVALID", `${problem}: ${remedy}`);
  }
  const row = attempts.push({ path, function: definition.name, implementation: name, fallback }) - 1;
  const place = "flow" in instead ? path : `${path}/${fallback}`;
  const body = planBody(place, definition, fallback, instead, state, enclosing, planning);
  return { kind: "attempt", implementation, timing, row, fallback: body };
}

function planCanary(
  path: string,
  definition: FunctionData,
  { present, canary, share }: CanaryChoice,
  field: string,
  state: TensorsByName,
  enclosing: readonly string[],
  planning: Planning,
): PlannedBody {
  const { procedures, attempts, canaries } = planning;
  if (!(share > 0 && share < 1))
    throw new InputError(`${field}.share`, share, "give a share between 0 and 1");
  const timing = procedures.push(path) - 1;
  const planArm = (arm: ArmName, implementationName: string) => {
    const implementation = chosenImplementation(definition, implementationName, field);
    const place = `${path}/${arm}`;
    const first = attempts.length;
    const isFlow = "flow" in implementation;
    const body = planBody(
      isFlow ? path : place,
      definition,
      implementationName,
      implementation,
      state,
      enclosing,
      planning,
    );
    const own = body.kind === "flow" ? procedures.push(place) - 1 : body.timing;
    const rows: [number, number] = [first, attempts.length];
    const slotTiming = procedures.push(`${place}/slot`) - 1;
    return { body, plan: { implementation: implementationName, timing: own, slotTiming, attempts: rows } };
  };
  const arms = { present: planArm("present", present), canary: planArm("canary", canary) };
  const node: CanaryNode = {
    path,
    function: definition.name,
    share,
    arms: { present: arms.present.plan, canary: arms.canary.plan },
  };
  const row = canaries.push(node) - 1;
  return {
    kind: "canary",
    timing,
    row,
    node,
    arms: { present: arms.present.body, canary: arms.canary.body },
  };
}

/** What was chosen for a node, and the field that says so in errors. */
function choose(
  path: string,
  definition: FunctionData,
  planning: Planning,
): { readonly field: string; readonly choice: Choice } {
  const { choices, names } = planning;
  names.add(path).add(definition.name);
  const first = firstImplementation(path, definition);
  const key = Object.hasOwn(choices, path) ? path : definition.name;
  return { field: `implementations.${key}`, choice: choices[key] ?? first };
}

function takeState(
  path: string,
  name: string,
  own: State,
  handed: State,
  keepers: Map<string, string>,
): void {
  const keeper = keepers.get(name);
  if (keeper !== undefined) {
    throw new NeuroranError(
      "STATE_LAYOUT",
      `state ${name} would be kept by both ${keeper} and ${path}: rename one`,
    );
  }
  keepers.set(name, path);
  if (layoutText(own) !== layoutText(handed)) {
    const layouts = `${layoutText(own)}, but the function around it has ${layoutText(handed)}`;
    throw new NeuroranError("STATE_LAYOUT", `state ${name} of ${path} is ${layouts}: declare them alike`);
  }
}

function allocateState(place: string, declared: State, planning: Planning): Tensor {
  const { region, lasting, keyed, allocated } = planning;
  const known = allocated.get(place);
  if (known !== undefined) return known;
  const shape = stateShape(place, declared, planning);
  const { dtype, initial, key, version } = declared;
  const repeated = (one: ArrayLike<number>) => Array.from({ length: shape[0] }, () => Array.from(one)).flat();
  const content = {
    dtype,
    initial: key === undefined || initial === undefined ? initial : repeated(initial),
  };
  const former = lasting?.former(place, version);
  const tensor =
    former === undefined
      ? initialized(region, place, shape, content, lasting)
      : migrated(place, shape, declared, former, planning);
  lasting?.setVersion(place, version);
  allocated.set(place, tensor);
  if (key === undefined) return tensor;
  let rows = keyed.get(key);
  if (rows === undefined) {
    const none = { dtype: "int32", initial: new Array<number>(keysPerSlot).fill(-1) } as const;
    const chosen = initialized(region, `rows of ${key}`, [keysPerSlot], none, lasting) as Tensor<"int32">;
    rows = { key, capacity: shape[0], rows: chosen, states: [] };
    keyed.set(key, rows);
  }
  rows.states.push({ name: place, tensor, initial });
  return tensor;
}

/** A new tensor for a state whose former version is in use; what that holds is taken over by the migration. */
function migrated(
  place: string,
  shape: readonly number[],
  { dtype, version, migrations, key }: State,
  former: LastingDescription,
  { lasting, migrations: all }: Planning,
): Tensor {
  const migrate = former.version === undefined ? undefined : migrations?.[former.version];
  if (migrate === undefined) {
    const versions = `version ${former.version} so far, but ${version} now`;
    throw new NeuroranError("STATE_LAYOUT", `${place} is of ${versions}: declare migrations for it`);
  }
  // Copies of its rows are underway by where they lie, and all of them would be too many between two slots.
  if (key !== undefined) {
    const remedy = "start another executor for this version";
    throw new NeuroranError(
      "STATE_LAYOUT",
      `${place} is keyed, and cannot be migrated between slots: ${remedy}`,
    );
  }
  const tensor = lasting!.tensor(place, dtype, shape);
  const old = withView(lasting!.memory, former);
  all.push(() => migrate(old.view, tensor.view));
  return tensor;
}

function stateShape(place: string, state: State, planning: Planning): number[] {
  return dimensionsOf(state).map((dimension) => {
    if (typeof dimension === "number") return dimension;
    planning.dimensionNames.add(dimension);
    const size = planning.stateDimensions[dimension];
    if (size === undefined || !Number.isSafeInteger(size) || size < 0) {
      const remedy = `give the size of ${dimension} of state ${place}, a whole number from 0`;
      throw new InputError(`stateDimensions.${dimension}`, size, remedy);
    }
    return size;
  });
}

function layoutText(state: State): string {
  return `${state.dtype}[${dimensionsOf(state).join(", ")}] version ${state.version}`;
}

/**
 * A tensor in `region`, or in `lasting` where that is given, that holds the initial elements, or zeros where none are given.
 * One that lasts and is in use already is taken as it is.
 */
export function initialized(
  region: Region,
  name: string,
  shape: readonly number[],
  content: { readonly dtype: State["dtype"]; readonly initial?: ArrayLike<number> | undefined },
  lasting?: LastingTensors,
): Tensor {
  const found = lasting?.find(name, content.dtype, shape);
  if (found !== undefined) return found;
  const tensor = (lasting ?? region).tensor(name, content.dtype, shape);
  const { initial } = content;
  if (initial !== undefined) {
    if (initial.length !== tensor.view.length) {
      const counts = `${initial.length} numbers, not the ${tensor.view.length} of its shape`;
      throw new NeuroranError(
        "INITIAL_VALUE",
        `the initial value of ${name} has ${counts} [${shape.join(", ")}]`,
      );
    }
    tensor.view.set(initial);
  }
  return tensor;
}
