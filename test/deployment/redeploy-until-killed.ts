import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { embeddedBus, openLmdbStore, systemClock } from "../../src/bus/index.js";
import { createDeployments, type Deployments } from "../../src/functions/deployment/index.js";
import { type CommitDomain, createCommitDomain, reference } from "../../src/functions/turns/index.js";

/*
 * A process that deploys version after version of one module without end, to be killed, and counts by one under each. What is
 * durable as it knows goes to `<data>/acknowledged`: `<version> <count>`. Runs as `node redeploy-until-killed.js <data>`.
 */

/** A module whose state has other fields in each version, and migrations from all before. */
export const versionText = (version: number): string => `
import { field, handler, stateSchema, statefulFunction, z } from "neuroran";
const migrations = {};
for (let from = 1; from < ${version}; from++) {
  migrations[from] = (old) => {
    if (old["version" + from] !== from) throw new Error("this is no state of version " + from);
    return { count: old.count, ["version" + (from + 1)]: from + 1 };
  };
}
export const counter = statefulFunction(
  "counter",
  stateSchema({ count: field.float64(), version${version}: field.uint32(${version}) }, { version: ${version}, migrations }),
  { add: handler({ request: z.undefined(), reply: z.number() }, ({ state }) => ++state.count) },
);
`;

export interface Node {
  readonly deployments: Deployments;
  readonly domain: CommitDomain;
  add(): Promise<number>;
  close(): Promise<void>;
}

let ids = 0;

export async function openNode(data: string): Promise<Node> {
  const store = await openLmdbStore(join(data, "store"));
  const deployments: Deployments = createDeployments({
    dataDirectory: data,
    store,
    clock: systemClock,
    domain: () => domain,
  });
  const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };
  const domain = createCommitDomain({
    store,
    bus: embeddedBus("node"),
    clock: systemClock,
    uniqueId: () => `${process.pid}-${++ids}`,
    cipherOf: () => plain,
    awaits: (name) => deployments.awaits(name),
  });
  return {
    deployments,
    domain,
    async add() {
      const outcome = await domain.invoke(reference("counter", "a", "add"));
      if (outcome.ok) return outcome.value as number;
      throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
    },
    async close() {
      await domain.close();
      await store.close();
    },
  };
}

/** The version that is deployed; 0 where none is. */
export const deployedVersion = ({ deployments }: Node): number =>
  deployments.list()[0]?.functions[0]?.stateVersion ?? 0;

if (process.argv[1]?.endsWith("redeploy-until-killed.js")) {
  const data = process.argv[2]!;
  const node = await openNode(data);
  for (let version = deployedVersion(node) + 1; ; version++) {
    await node.deployments.deploy("counter", versionText(version));
    appendFileSync(join(data, "acknowledged"), `${version} 0\n`);
    appendFileSync(join(data, "acknowledged"), `${version} ${await node.add()}\n`);
  }
}
