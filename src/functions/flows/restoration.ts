import { afterPrefix, type Store, type Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { admitSchema, keptLayouts, type Schema } from "../schema/index.js";
import type { Flow } from "./declaration.js";
import type { EpochStore, FlowKeys, Head, Manifest } from "./epoch-store.js";
import { decodeMessages, decodePart } from "./part.js";
import { chooseEpoch, type PassedOver } from "./recovery.js";
import type { Layouts, RestoredOperator } from "./worker-protocol.js";

/** What a flow goes on from. */
export interface Restoration {
  /** Claimed: nobody who had it before can commit. */
  readonly head: Head;
  /** The epoch restored; with the number 0 where there is none. */
  readonly manifest: Manifest;
  /** Positions at the first epoch of its generation. */
  readonly basePositions: Manifest["positions"];
  readonly operators: Readonly<Record<string, RestoredOperator>>;
  /** Of logged sources and feedback edges. */
  readonly messageLayouts: Readonly<Record<string, Layouts>>;
  readonly outputLayouts: Readonly<Record<string, Layouts>>;
  readonly passedOver: readonly PassedOver[];
}

/** What a flow begins with that was never run. */
export const beginning: Manifest = {
  epoch: 0,
  term: 0,
  base: 0,
  previous: undefined,
  positions: {},
  outputs: {},
  parts: [],
  feedback: [],
  complete: false,
};

/** A flow that is claimed: nobody who had it before can commit. */
export interface Claim {
  readonly head: Head;
  /** The epoch to go on from; with the number 0 where there is none. */
  readonly manifest: Manifest;
  /** The generation up to this epoch. */
  readonly chain: readonly Manifest[];
  readonly passedOver: readonly PassedOver[];
}

/**
 * Chooses the epoch to go on from, deletes what lies behind it, and claims the flow; `admitted` is committed with the claim.
 * @throws NeuroranError FLOW_FENCED where another does so at the same time; STATE_CORRUPT where there are epochs and none is
 * whole.
 */
export async function claimFlow(
  store: Store,
  keys: FlowKeys,
  epochs: EpochStore,
  flow: { readonly name: string; readonly outputs: object },
  admitted: readonly Write[],
): Promise<Claim> {
  const head = epochs.head();
  const manifests = epochs.manifests();
  const { chain, passedOver } = chooseEpoch(manifests, (manifest) => problemOf(epochs, keys, manifest));
  if (chain.length === 0 && passedOver.length > 0) {
    const [{ epoch, problem }] = passedOver;
    const remedy = "restore a snapshot, or forget the flow's state";
    throw new NeuroranError(
      "STATE_CORRUPT",
      `no epoch of flow ${flow.name} is whole; of epoch ${epoch}: ${problem}; ${remedy}`,
    );
  }
  const manifest = chain.at(-1) ?? beginning;
  const known = [...manifests].flatMap(([, one]) => (typeof one === "string" ? [] : one.term));
  const term = Math.max(0, typeof head === "object" ? head.term : 0, ...known) + 1;
  const epoch = Math.max(0, typeof head === "object" ? head.epoch : 0, ...manifests.keys());
  const next: Head = { term, epoch, newest: manifest.epoch };
  const writes = [...epochs.deletions(manifest.epoch + 1, epoch + 1), ...admitted];
  if (passedOver.length > 0) writes.push(...laterOutputs(store, keys, flow.outputs, manifest));
  if (!(await epochs.compareAndSet(head, next, writes))) throw fenced(flow.name);
  return { head: next, manifest, chain, passedOver };
}

/**
 * Claims a flow, and reads what its operators held.
 * @throws what `claimFlow` throws; InputError where the state there is has a layout that the flow cannot read.
 */
export async function restoreFlow(
  store: Store,
  keys: FlowKeys,
  epochs: EpochStore,
  flow: Flow,
): Promise<Restoration> {
  const admitted = admitSchemas(store, flow);
  const claim = await claimFlow(store, keys, epochs, flow, admitted.writes);
  const { head, manifest, chain, passedOver } = claim;
  const operators: Record<string, RestoredOperator> = {};
  for (const { name } of flow.graph.nodes.values()) {
    const parts = chain.flatMap((one) =>
      one.parts.flatMap(([operator, group]) =>
        operator === name ? [epochs.open(keys.part(one.epoch, operator, group))] : [],
      ),
    );
    const feedback: Record<string, Uint8Array[]> = {};
    for (const [operator, edge] of manifest.feedback) {
      if (operator !== name) continue;
      feedback[edge] = decodeMessages(epochs.open(keys.feedback(manifest.epoch, operator, edge)));
    }
    operators[name] = { parts, feedback, layouts: admitted.stateLayouts[name] ?? new Map() };
  }
  const basePositions = chain[0]?.positions ?? {};
  const { messageLayouts, outputLayouts } = admitted;
  return { head, manifest, basePositions, operators, messageLayouts, outputLayouts, passedOver };
}

export function fenced(flow: string): NeuroranError {
  return new NeuroranError(
    "FLOW_FENCED",
    `flow ${flow} was started elsewhere and goes on there: stop one of them`,
  );
}

function problemOf(epochs: EpochStore, keys: FlowKeys, manifest: Manifest): string | undefined {
  try {
    for (const [operator, group] of manifest.parts) {
      decodePart(epochs.open(keys.part(manifest.epoch, operator, group)));
    }
    for (const [operator, edge] of manifest.feedback) {
      decodeMessages(epochs.open(keys.feedback(manifest.epoch, operator, edge)));
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Deletions of outputs and sends of epochs behind the one restored: they will be made again. */
function laterOutputs(store: Store, keys: FlowKeys, outputs: object, manifest: Manifest): Write[] {
  const found: Write[] = [];
  const add = (from: string, prefix: string): void => {
    for (const { key } of store.range(from, afterPrefix(prefix))) found.push({ key, value: undefined });
  };
  for (const name of Object.keys(outputs)) {
    add(keys.outputAt(name, manifest.outputs[name] ?? 0), keys.output(name));
  }
  add(keys.sent(manifest.epoch + 1, 0), keys.outbox);
  return found;
}

/** The layouts that a flow reads, by the name of the operator, source, edge or output. */
interface AdmittedSchemas {
  readonly writes: readonly Write[];
  readonly stateLayouts: Readonly<Record<string, Layouts>>;
  readonly messageLayouts: Readonly<Record<string, Layouts>>;
  readonly outputLayouts: Readonly<Record<string, Layouts>>;
}

/** What of a flow may be read that an earlier version wrote. */
interface Admitted {
  readonly name: string;
  readonly graph: Pick<Flow["graph"], "sources" | "nodes" | "feedback">;
  readonly outputs: Readonly<Record<string, { readonly message: Schema }>>;
}

/** Checks that a flow can read what the store has of it. @throws InputError where it cannot. */
export function admitSchemas(store: Store, flow: Admitted): AdmittedSchemas {
  const writes: Write[] = [];
  const admit = (owner: string, schema: Schema): Layouts => {
    const name = `${flow.name}/${owner}`;
    writes.push(...admitSchema(store, name, schema).writes);
    return keptLayouts(store, name);
  };
  const { sources, nodes, feedback } = flow.graph;
  const stateLayouts: Record<string, Layouts> = {};
  const messageLayouts: Record<string, Layouts> = {};
  const outputLayouts: Record<string, Layouts> = {};
  for (const { name, operator } of nodes.values()) {
    if (operator.state !== undefined) stateLayouts[name] = admit(name, operator.state);
  }
  for (const one of sources.values()) {
    if (one.kind === "logged") messageLayouts[one.name] = admit(one.name, one.message);
  }
  for (const { name, message, logged } of feedback.values()) {
    if (logged) messageLayouts[name] = admit(name, message);
  }
  for (const [name, { message }] of Object.entries(flow.outputs)) {
    outputLayouts[name] = admit(`output/${name}`, message);
  }
  return { writes, stateLayouts, messageLayouts, outputLayouts };
}
