import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  deployTo,
  freePort,
  type NodePlace,
  type NodeProcess,
  nodeHeaders,
  startNodeProcess,
} from "../load/node-process.js";
import type { InvokedSystem } from "./invoked-system.js";

const folder = fileURLToPath(new URL("./", import.meta.url));

/** A node in a process of its own, over a temporary data directory. */
export interface MeasuredNode {
  readonly data: string;
  readonly system: InvokedSystem;
  /** Ends the node's process in order, and starts another on the same data. */
  restart(): Promise<MeasuredNode>;
  /** Deploys a module: a file, or a name of one that lies beside the benchmarks. */
  deploy(module: string): Promise<void>;
}

/**
 * Starts a node, deploys modules of this folder, and hands it to `work`; the node and its data are gone afterwards.
 */
export async function* withNode<T>(
  modules: readonly string[],
  work: (node: MeasuredNode) => AsyncGenerator<T>,
  options: Pick<NodePlace, "words" | "preload"> = {},
): AsyncGenerator<T> {
  const data = mkdtempSync(join(tmpdir(), "neuroran-bench-"));
  let running: NodeProcess | undefined;
  try {
    const address = { host: "127.0.0.1", port: await freePort() };
    const start = async (): Promise<MeasuredNode> => {
      running = startNodeProcess({ data, address, ...options });
      await running.ready;
      return {
        data,
        system: {
          name: "NeuroRAN",
          ...address,
          headers: nodeHeaders(data),
          counter: "/functions/counter/{key}/add",
          chain: "/functions/chain/{key}/run",
          processId: running.processId,
        },
        async restart() {
          await running?.stop();
          return start();
        },
        deploy: (module) => deployTo(data, isAbsolute(module) ? module : join(folder, `${module}.js`)),
      };
    };
    const node = await start();
    for (const module of modules) await node.deploy(module);
    yield* work(node);
  } finally {
    await running?.stop();
    rmSync(data, { recursive: true, force: true });
  }
}
