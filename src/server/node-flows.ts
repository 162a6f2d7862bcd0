import type { KeyObject } from "node:crypto";
import { pathToFileURL } from "node:url";
import type { Store } from "../bus/index.js";
import { NeuroranError } from "../errors.js";
import {
  type DeploymentRecord,
  importModule,
  modulePath,
  verifyModule,
} from "../functions/deployment/index.js";
import type { Encryption } from "../functions/encryption/index.js";
import { createFlowHost, type Guard, type RunningFlow } from "../functions/flows/index.js";
import type { CommitDomain, FlowSources } from "../functions/turns/index.js";
import type { NodeLog } from "./node-log.js";

/** What the flows of a node stand on. */
export interface NodeFlowOptions {
  readonly dataDirectory: string;
  readonly store: Store;
  readonly encryption: Encryption;
  readonly guardOf: (flow: string) => Guard;
  readonly trustedKeys: readonly KeyObject[] | undefined;
  readonly log: NodeLog;
}

/** The flows of a node that run. */
export interface NodeFlows {
  /** What handlers append to. */
  readonly sources: FlowSources;
  /** What flows send goes there from now on; until then they keep it. */
  sendTo(domain: CommitDomain): void;
  /**
   * Starts the flows of a deployed module, from their last epochs, in place of those of their names.
   * @throws (rejections) as `startFlow`.
   */
  start(record: DeploymentRecord): Promise<void>;
  /** The same of a module that was deployed before the node started: what cannot be started is told in the log. */
  resume(record: DeploymentRecord): Promise<void>;
  /** Ends flows when what they have read is committed; harmless for those that do not run. */
  stop(names: readonly string[]): Promise<void>;
  /** @throws NeuroranError FLOW_UNKNOWN. */
  flow(name: string): RunningFlow;
  flows(): readonly RunningFlow[];
  /** Ends all, each with what it has read committed. */
  close(): Promise<void>;
}

export function createNodeFlows(options: NodeFlowOptions): NodeFlows {
  const { dataDirectory, store, encryption, guardOf, trustedKeys, log } = options;
  let domain: CommitDomain | undefined;
  const host = createFlowHost({
    store,
    guardOf,
    admit: (messages, consumed) =>
      domain === undefined
        ? Promise.reject(new NeuroranError("OVERLOADED", "the node starts"))
        : domain.admit(messages, consumed),
  });
  const running = (name: string): RunningFlow | undefined =>
    host.flows().find(({ flow }) => flow.name === name);

  const start = async ({ hash, signature, flows }: DeploymentRecord): Promise<void> => {
    if (flows.length === 0) return;
    if (trustedKeys !== undefined) verifyModule(hash, signature, trustedKeys);
    // Finds out whether the file is what was deployed, before threads import it.
    await importModule(dataDirectory, hash);
    await encryption.prepare(flows.map(({ name }) => name));
    const module = pathToFileURL(modulePath(dataDirectory, hash));
    for (const { name, exportName } of flows) {
      await running(name)?.stop();
      const flow = await host.start({ module, name: exportName });
      log.write("info", "flow", `${name} runs from epoch ${flow.statistics().restored.epoch}`);
      flow.finished.then(
        () => log.write("info", "flow", `${name} has ended`),
        (error: Error) => log.write("error", "flow", `${name}: ${error.message}`),
      );
    }
  };

  return {
    sources: host.sources,
    sendTo(to) {
      domain = to;
    },
    start,
    async resume(record) {
      try {
        await start(record);
      } catch (error) {
        const names = record.flows.map(({ name }) => name).join(", ");
        log.write("error", "flow", `${names}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    async stop(names) {
      for (const name of names) await running(name)?.stop();
    },
    flow: host.flow,
    flows: host.flows,
    close: host.stop,
  };
}
