import type { KeyObject } from "node:crypto";
import { pathToFileURL } from "node:url";
import type { Store } from "../bus/index.js";
import { NeuroranError } from "../errors.js";
import { type DeploymentRecord, importModule, verifyModule } from "../functions/deployment/index.js";
import type { Encryption } from "../functions/encryption/index.js";
import {
  type Admit,
  createFlowHost,
  type Flow,
  type Guard,
  type RunningFlow,
} from "../functions/flows/index.js";
import { sourceLog } from "../functions/flows/source-log.js";
import { type Codec, codecOf } from "../functions/schema/index.js";
import { type RunningSlotFlow, startSlotFlow } from "../functions/slot-flows/index.js";
import type { CommitDomain, FlowSources } from "../functions/turns/index.js";
import type { NodeLog } from "./node-log.js";
import { listed } from "./problem.js";

/** What the flows of a node stand on. */
export interface NodeFlowOptions {
  readonly dataDirectory: string;
  readonly store: Store;
  readonly encryption: Encryption;
  readonly guardOf: (flow: string) => Guard;
  readonly trustedKeys: readonly KeyObject[] | undefined;
  readonly log: NodeLog;
}

/** A flow that runs, of messages or of slots. */
export type ServedFlow = RunningFlow | RunningSlotFlow;

/** The flows of a node that run. */
export interface NodeFlows {
  /** What handlers append to: the logs of all flows that are deployed, whether they run just now or not. */
  readonly sources: FlowSources;
  /** What flows send goes there from now on; until then they keep it. */
  sendTo(domain: CommitDomain): void;
  /**
   * Starts the flows of a deployed module, from their last epochs, in place of those of their names; a flow of slots that runs
   * takes the new version between two slots where it can, else from an epoch.
   * @throws (rejections) as `startFlow`, `startSlotFlow` and `RunningSlotFlow.redeploy`.
   */
  start(record: DeploymentRecord): Promise<void>;
  /** The same of a module that was deployed before the node started: what cannot be started is told in the log. */
  resume(record: DeploymentRecord): Promise<void>;
  /** Ends flows when what they have read is committed; harmless for those that do not run. */
  stop(names: readonly string[]): Promise<void>;
  /** Waits for one that is being started. @throws (rejections) NeuroranError FLOW_UNKNOWN. */
  flow(name: string): Promise<ServedFlow>;
  flows(): readonly ServedFlow[];
  /** Ends all, each with what it has read committed. */
  close(): Promise<void>;
}

export function createNodeFlows(options: NodeFlowOptions): NodeFlows {
  const { dataDirectory, store, encryption, guardOf, trustedKeys, log } = options;
  let domain: CommitDomain | undefined;
  const admit: Admit = (messages, consumed) =>
    domain === undefined
      ? Promise.reject(new NeuroranError("OVERLOADED", "the node starts"))
      : domain.admit(messages, consumed);
  const host = createFlowHost({ store, guardOf, admit });
  const slotFlows = new Map<string, RunningSlotFlow>();
  /** Codecs of the logs of deployed flows, by flow and source. */
  const logs = new Map<string, Map<string, Codec>>();
  /** Starts and stops, one after the other. */
  let changes: Promise<unknown> = Promise.resolve();
  const change = <T>(run: () => Promise<T>): Promise<T> => {
    const result = changes.then(run);
    changes = result.catch(() => {});
    return result;
  };

  const codec = (name: string, source: string): Codec => {
    const found = logs.get(name);
    if (found === undefined) {
      const there = listed(logs.keys(), "none");
      throw new NeuroranError("FLOW_UNKNOWN", `no flow ${name} is deployed; there is ${there}`);
    }
    const known = found.get(source);
    if (known !== undefined) return known;
    const there = listed(found.keys(), "none");
    throw new NeuroranError("SOURCE_UNKNOWN", `${name} has no log ${source}; there is ${there}`);
  };

  const start = async ({ hash, signature, flows }: DeploymentRecord): Promise<void> => {
    if (flows.length === 0) return;
    if (trustedKeys !== undefined) verifyModule(hash, signature, trustedKeys);
    // Finds out whether the file is what was deployed, before threads import it.
    const module = await importModule(dataDirectory, hash);
    await encryption.prepare(flows.map(({ name }) => name));
    const address = pathToFileURL(module.path);
    for (const { name, exportName } of flows) {
      if (module.flows.get(exportName)?.kind === "slot flow") {
        await startSlots(name, address, exportName);
        continue;
      }
      await slotFlows.get(name)?.stop();
      logs.set(name, logsOf(module.flows.get(exportName) as Flow));
      const flow = await host.start({ module: address, name: exportName });
      began(name, flow);
    }
  };

  const startSlots = async (name: string, module: URL, exportName: string): Promise<void> => {
    const running = slotFlows.get(name);
    if (running !== undefined && (await redeployed(running, module, exportName))) return;
    await stop(name);
    const flow = await startSlotFlow({ module, name: exportName, store, guardOf, admit });
    slotFlows.set(name, flow);
    began(name, flow);
    const forget = (): void => {
      if (slotFlows.get(name) === flow) slotFlows.delete(name);
    };
    flow.finished.then(forget, forget);
  };

  /** Hands slots to another version; false where that cannot be: while they may still return, and where slots look otherwise. */
  const redeployed = async (running: RunningSlotFlow, module: URL, exportName: string): Promise<boolean> => {
    try {
      const { slot } = await running.redeploy(module, exportName);
      log.write("info", "flow", `${running.flow.name} runs its new version from slot ${slot}`);
      return true;
    } catch (error) {
      const { code } = error as NeuroranError;
      if (code === "SWAP_UNDERWAY" || code === "FLOW_PORTS") return false;
      throw error;
    }
  };

  const began = (name: string, flow: ServedFlow): void => {
    log.write("info", "flow", `${name} runs from epoch ${flow.statistics().restored.epoch}`);
    flow.finished.then(
      () => log.write("info", "flow", `${name} has ended`),
      (error: NeuroranError) => {
        // One that another has taken over from.
        if (error.code !== "FLOW_FENCED") log.write("error", "flow", `${name}: ${error.message}`);
      },
    );
  };

  const stop = async (name: string): Promise<void> => {
    logs.delete(name);
    await slotFlows.get(name)?.stop();
    await host
      .flows()
      .find(({ flow }) => flow.name === name)
      ?.stop();
  };

  return {
    sources: {
      encode: (name, source, message) => codec(name, source).encode(message),
      append: (name, source, encoded) => sourceLog(store, name, source, guardOf(name)).append([encoded]),
    },
    sendTo(to) {
      domain = to;
    },
    start: (record) => change(() => start(record)),
    resume: (record) =>
      change(() => start(record)).catch((error: Error) => {
        const names = record.flows.map(({ name }) => name).join(", ");
        log.write("error", "flow", `${names}: ${error.message}`);
      }),
    stop: (names) =>
      change(async () => {
        for (const name of names) await stop(name);
      }),
    async flow(name) {
      await changes;
      return slotFlows.get(name) ?? host.flow(name);
    },
    flows: () => [...host.flows(), ...slotFlows.values()],
    close: () =>
      change(async () => {
        const stopping = [host.stop(), ...[...slotFlows.values()].map((flow) => flow.stop())];
        for (const outcome of await Promise.allSettled(stopping))
          if (outcome.status === "rejected") throw outcome.reason;
      }),
  };
}

function logsOf({ graph }: Flow): Map<string, Codec> {
  const logged = [...graph.sources.values()].filter(({ kind }) => kind === "logged");
  return new Map(logged.map(({ name, message }) => [name, codecOf(message) as Codec]));
}
