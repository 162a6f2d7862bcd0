/**
 * Deploys modules on a node and loads them when they are first needed.
 *
 * Invariants:
 * 1. A module is in service only after its record is durable, so that what it was sent finds it again after a restart.
 * 2. Refusals come before anything changes: a module that cannot serve leaves what served before it in service.
 * 3. Deployments and removals take effect one after the other, whole.
 * 4. What the node wants signed is verified before each import, not only at deploy.
 */
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Clock, Store } from "../../bus/index.js";
import { InputError } from "../../errors.js";
import type { CommitDomain } from "../turns/index.js";
import {
  checkModuleName,
  type DeploymentRecord,
  deployments,
  planDeployment,
  planRemoval,
} from "./deployment-record.js";
import { installedModule, installModule, removeModulesBut } from "./installation.js";
import { importModule, type LoadedModule } from "./loaded-module.js";
import { hashOfModule, verifyModule } from "./signature.js";

/** What deployments stand on. */
export interface DeploymentOptions {
  readonly dataDirectory: string;
  readonly store: Store;
  readonly clock: Clock;
  /** Ed25519 public keys, one of which must have signed a module; undefined: none need have. */
  readonly trustedKeys?: readonly KeyObject[];
  /** Where functions go into service. Asked for when needed, as the domain in turn asks `awaits`. */
  readonly domain: () => Pick<CommitDomain, "deploy" | "undeploy">;
  /** Makes durable what functions of these names need before they serve: their data keys. */
  readonly provide?: (names: readonly string[]) => Promise<void>;
  /** Told of modules whose records cannot be read, and such as cannot be loaded. */
  readonly report?: (name: string, error: unknown) => void;
}

/** The modules of a node. */
export interface Deployments {
  /**
   * Puts a bundled module into service under a name, in place of the version before it, state kept.
   * @throws (rejections) InputError, NeuroranError MODULE_UNSIGNED, or what the store throws; then all is as it was.
   */
  deploy(
    name: string,
    text: string,
    signature?: string,
  ): Promise<{
    readonly record: DeploymentRecord;
    readonly module: LoadedModule;
    readonly retired: readonly string[];
  }>;
  /**
   * Puts a version that was in service before back into service, as its record says; undefined: none was.
   * @throws (rejections) as `deploy`, InputError among it where state of the later version is there already.
   */
  goBack(name: string, before: DeploymentRecord | undefined): Promise<void>;
  /** Takes a module out of service; the state of its functions stays. @throws (rejections) InputError for one that is not deployed. */
  undeploy(name: string): Promise<DeploymentRecord>;
  /** What is deployed, loaded or not, by name. */
  list(): DeploymentRecord[];
  /** The module of this name, imported if it was not. @throws (rejections) as `importModule`; InputError for one not deployed. */
  load(name: string): Promise<LoadedModule>;
  /**
   * Whether a function is deployed; resolves when it is in service.
   * @throws (rejections) as `load`.
   */
  ready(functionName: string): Promise<boolean>;
  /** Whether a function that is not in service will be soon: begins to load its module. What `createCommitDomain` asks. */
  awaits(functionName: string): boolean;
}

/** The deployments that the store records. Modules that none of them names are removed from the data directory. */
export function createDeployments(options: DeploymentOptions): Deployments {
  const { dataDirectory, store, clock, trustedKeys, domain } = options;
  const { provide = async () => {}, report = () => {} } = options;
  const records = new Map(deployments(store, report).map((record) => [record.name, record]));
  const loading = new Map<string, Promise<LoadedModule>>();
  const loaded = new Set<string>();
  const unusable = new Set<string>();
  // What cannot be removed does no harm.
  let last: Promise<unknown> = removeModulesBut(
    dataDirectory,
    new Set([...records.values()].map(({ hash }) => hash)),
  ).catch(() => {});

  /** Runs changes one after the other, whatever became of those before. */
  const inOrder = <T>(change: () => Promise<T>): Promise<T> => {
    const result = last.then(change, change);
    last = result.catch(() => {});
    return result;
  };

  const recordWith = (functionName: string): DeploymentRecord | undefined => {
    for (const record of records.values()) {
      if (record.functions.some(({ name }) => name === functionName)) return record;
    }
    return undefined;
  };

  const known = (name: string): DeploymentRecord => {
    const record = records.get(name);
    if (record !== undefined) return record;
    const there = [...records.keys()].join(", ") || "none";
    throw new InputError("name of the module", name, `deployed are: ${there}`);
  };

  const verified = (hash: string, signature: string | undefined): void => {
    if (trustedKeys !== undefined) verifyModule(hash, signature, trustedKeys);
  };

  const serve = async ({ hash, signature, functions }: DeploymentRecord): Promise<LoadedModule> => {
    verified(hash, signature);
    const module = await importModule(dataDirectory, hash);
    await provide(functions.map(({ name }) => name));
    return module;
  };

  const load = (name: string): Promise<LoadedModule> => {
    const record = known(name);
    const under = loading.get(name);
    if (under !== undefined) return under;
    const result = serve(record).then((module) => {
      // A later version may have come meanwhile, and be in service.
      if (records.get(name) === record && !loaded.has(name)) {
        domain().deploy(module.functions);
        loaded.add(name);
      }
      return module;
    });
    loading.set(name, result);
    result.catch(() => loading.get(name) === result && loading.delete(name));
    return result;
  };

  const deploy: Deployments["deploy"] = (name, text, signature) =>
    inOrder(async () => {
      checkModuleName(name);
      const hash = hashOfModule(text);
      verified(hash, signature);
      await installModule(dataDirectory, text);
      const module = await importModule(dataDirectory, hash);
      const { record, writes, retired } = planDeployment(store, name, module, signature, clock.now());
      await provide(record.functions.map((one) => one.name));
      await store.commit(writes);
      records.set(name, record);
      loading.set(name, Promise.resolve(module));
      loaded.add(name);
      unusable.delete(name);
      domain().deploy(module.functions);
      for (const one of retired) domain().undeploy(one);
      return { record, module, retired };
    });

  const undeploy: Deployments["undeploy"] = (name) =>
    inOrder(async () => {
      const record = known(name);
      await store.commit(planRemoval(name));
      records.delete(name);
      loading.delete(name);
      loaded.delete(name);
      unusable.delete(name);
      for (const one of record.functions) domain().undeploy(one.name);
      return record;
    });

  return {
    deploy,
    undeploy,
    async goBack(name, before) {
      if (before === undefined) await undeploy(name);
      else {
        const path = await installedModule(dataDirectory, before.hash);
        await deploy(name, await readFile(path, "utf8"), before.signature);
      }
    },
    list: () => [...records.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    load: async (name) => load(name),
    async ready(functionName) {
      const record = recordWith(functionName);
      if (record === undefined) return false;
      await load(record.name);
      return true;
    },
    awaits(functionName) {
      const record = recordWith(functionName);
      if (record === undefined || unusable.has(record.name)) return false;
      load(record.name).catch((error) => {
        if (records.get(record.name) !== record || unusable.has(record.name)) return;
        unusable.add(record.name);
        report(record.name, error);
        // Whoever waits for them is told.
        for (const { name } of record.functions) domain().undeploy(name);
      });
      return true;
    },
  };
}
