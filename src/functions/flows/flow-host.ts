import type { Clock, Store } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { type Codec, codecOf } from "../schema/index.js";
import type { FlowSources } from "../turns/index.js";
import { checksums, type Guard } from "./guard.js";
import { loadFlow } from "./load-flow.js";
import type { Admit } from "./outbox.js";
import { planFlow } from "./plan.js";
import { admitSchemas } from "./restoration.js";
import { type FlowOptions, type RunningFlow, startFlow } from "./running-flow.js";
import { sourceLog } from "./source-log.js";

/** The flows that run over one store. */
export interface FlowHost {
  /** What handlers append to. */
  readonly sources: FlowSources;
  /**
   * Starts a flow as `startFlow` does. Where one of its name runs, that goes on until the new one is known to fit what is
   * there, then stops with all that it has read committed; the new one goes on from there.
   */
  start(options: Omit<FlowOptions, "store" | "clock" | "guardOf" | "admit">): Promise<RunningFlow>;
  /** A flow by its name. @throws NeuroranError FLOW_UNKNOWN. */
  flow(name: string): RunningFlow;
  flows(): readonly RunningFlow[];
  /** Stops all flows, each with what it has read committed; rejects, when all have ended, with the first failure. */
  stop(): Promise<void>;
}

/** `guardOf` gives the guard of a flow by its name; checksums unless given. */
export function createFlowHost(options: {
  readonly store: Store;
  readonly clock?: Clock;
  readonly guardOf?: (flow: string) => Guard;
  readonly admit?: Admit;
}): FlowHost {
  const { store, clock, guardOf = () => checksums, admit } = options;
  const running = new Map<string, RunningFlow>();
  const codecs = new Map<string, Codec>();
  const known = (name: string): RunningFlow => {
    const found = running.get(name);
    if (found !== undefined) return found;
    const names = [...running.keys()].join(", ") || "none";
    throw new NeuroranError("FLOW_UNKNOWN", `no flow ${name} runs here, but ${names}: deploy it first`);
  };
  const codec = (flow: string, source: string): Codec => {
    const declared = known(flow).flow.graph.sources.get(source);
    if (declared?.kind !== "logged") {
      const sources = [...known(flow).flow.graph.sources.values()].filter(({ kind }) => kind === "logged");
      const names = sources.map(({ name }) => name).join(", ") || "none";
      throw new NeuroranError("SOURCE_UNKNOWN", `flow ${flow} has no log ${source}; its logs are: ${names}`);
    }
    const key = `${flow}\0${source}`;
    const found = codecs.get(key) ?? (codecOf(declared.message) as Codec);
    codecs.set(key, found);
    return found;
  };
  return {
    sources: {
      encode: (flow, source, message) => codec(flow, source).encode(message),
      append: (flow, source, encoded) => sourceLog(store, flow, source, guardOf(flow)).append([encoded]),
    },
    async start(flowOptions) {
      const declared = await loadFlow(String(flowOptions.module), flowOptions.name);
      planFlow(declared, flowOptions.deployment);
      admitSchemas(store, declared);
      await running.get(declared.name)?.stop();
      const flow = await startFlow({
        ...flowOptions,
        store,
        guardOf,
        ...(clock === undefined ? {} : { clock }),
        ...(admit === undefined ? {} : { admit }),
      });
      const { name } = flow.flow;
      running.set(name, flow);
      const forget = (): void => {
        if (running.get(name) !== flow) return;
        running.delete(name);
        for (const key of codecs.keys()) if (key.startsWith(`${name}\0`)) codecs.delete(key);
      };
      flow.finished.then(forget, forget);
      return flow;
    },
    flow: known,
    flows: () => [...running.values()],
    async stop() {
      const outcomes = await Promise.allSettled([...running.values()].map((flow) => flow.stop()));
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    },
  };
}
