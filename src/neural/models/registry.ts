/**
 * Models by name and version, over an object store.
 *
 * Invariants:
 * 1. A version is immutable: its name is the digest of what it is. Measured costs stand beside it.
 * 2. A name's record is written when all that its versions consist of is durable, and one is removed before what it
 *    consisted of: whoever finds a version can read it.
 * 3. What no record names is what an interrupted put or removal left; it is removed when the registry is opened.
 * 4. Models that come with the package are the first versions of their names. They cannot be removed.
 */
import { z } from "zod";
import { type ObjectStore, turnTaking } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import { builtInModel, builtInNames, builtInVersion } from "./built-in.js";
import { type ModelCost, modelCost, modelName, parseManifest } from "./manifest.js";
import { type Model, modelOfFile } from "./model.js";

const record = z.object({
  versions: z.array(z.object({ version: z.string(), created_ms: z.number() })),
  aliases: z.record(z.string(), z.string()),
});
type NameRecord = z.infer<typeof record>;

const costs = z.record(z.string(), modelCost);

/** The version that was put last. */
const latest = "latest";

/** A version as lists show it. */
export interface ListedVersion {
  readonly version: string;
  /** Whether it comes with the package. */
  readonly isBuiltIn: boolean;
  /** Undefined for one that comes with the package. */
  readonly created_ms: number | undefined;
  readonly aliases: readonly string[];
}

export interface ListedModel {
  readonly name: string;
  /** Oldest first; the last is what the name alone means. */
  readonly versions: readonly ListedVersion[];
}

export interface Registry {
  /** Adds a version under the model's name; one that is there becomes the last. Resolves when it is durable. */
  put(model: Model): Promise<void>;
  /**
   * The model of `name`, `name@alias`, or `name@version` with a version's first six digits or more, with its costs.
   * @throws InputError where there is none, with those that there are; NeuroranError OBJECT_CORRUPT.
   */
  get(reference: string): Promise<Model>;
  list(): Promise<ListedModel[]>;
  /** Gives a version another name, taking it off any other version. @throws InputError as `get`, or for a name that is none */
  alias(reference: string, alias: string): Promise<void>;
  /**
   * Removes a name with all its versions, one version, or an alias alone. Versions that come with the package stay.
   * @returns the versions that were removed.
   * @throws InputError as `get`, or for a version that an alias names.
   */
  remove(reference: string): Promise<readonly string[]>;
  /** Keeps what a version was measured to cost on a target, in place of what was known; nothing of one that is gone. */
  keepCost(reference: string, target: string, cost: ModelCost): Promise<void>;
}

/** @param builtIns the folder of the models that come with the package, unless it is the package's own. */
export async function openRegistry(objects: ObjectStore, builtIns?: string): Promise<Registry> {
  /** Changes of a record follow one another. */
  const inTurn = turnTaking();

  async function recordOf(name: string): Promise<NameRecord> {
    const bytes = await objects.get(`name/${name}`);
    if (bytes === undefined) return { versions: [], aliases: {} };
    return parsed(`name ${name}`, record, bytes);
  }

  const keepRecord = (name: string, kept: NameRecord): Promise<unknown> =>
    kept.versions.length === 0 && Object.keys(kept.aliases).length === 0
      ? objects.delete(`name/${name}`)
      : objects.put(`name/${name}`, Buffer.from(JSON.stringify(kept)));

  async function storedNames(): Promise<string[]> {
    const all = await objects.list();
    return all.flatMap(({ name }) => (name.startsWith("name/") ? [name.slice("name/".length)] : []));
  }

  async function allOf(name: string, kept: NameRecord): Promise<ListedVersion[]> {
    const builtIn = builtInVersion(name, builtIns);
    const aliasesOf = (version: string) =>
      Object.entries(kept.aliases).flatMap(([alias, named]) => (named === version ? [alias] : []));
    const stored = kept.versions.map(({ version, created_ms }) => ({
      version,
      isBuiltIn: false,
      created_ms,
      aliases: aliasesOf(version),
    }));
    if (builtIn === undefined || stored.some(({ version }) => version === builtIn)) return stored;
    return [
      { version: builtIn, isBuiltIn: true, created_ms: undefined, aliases: aliasesOf(builtIn) },
      ...stored,
    ];
  }

  /** What a reference means. */
  async function resolve(reference: string) {
    const { name, selector = latest } = partsOf(reference);
    const kept = await recordOf(name);
    const versions = await allOf(name, kept);
    if (versions.length === 0) {
      const known = [...new Set([...builtInNames(builtIns), ...(await storedNames())])];
      const remedy =
        known.length === 0 ? "there is none yet: create or import one" : `there is ${known.join(", ")}`;
      throw new InputError("model", reference, remedy);
    }
    const prefix = Object.hasOwn(kept.aliases, selector) ? kept.aliases[selector]! : selector;
    const matching =
      prefix === latest
        ? versions.slice(-1)
        : versions.filter(({ version }) => /^[0-9a-f]{6,64}$/.test(prefix) && version.startsWith(prefix));
    if (matching.length !== 1) {
      const known = versions.flatMap(({ version, aliases }) => [version.slice(0, 12), ...aliases]);
      throw new InputError("model", reference, `${name} has ${known.join(", ")}`);
    }
    return { name, kept, listed: matching[0]! };
  }

  async function get(reference: string): Promise<Model> {
    const { name, listed } = await resolve(reference);
    const model = listed.isBuiltIn ? builtInModel(name, builtIns) : await stored(name, listed.version);
    const measured = await objects.get(`costs/${listed.version}`);
    if (measured === undefined) return model;
    const known = { ...model.manifest.costs, ...parsed(`costs of ${reference}`, costs, measured) };
    return { ...model, manifest: { ...model.manifest, costs: known } };
  }

  async function stored(name: string, version: string): Promise<Model> {
    const [graph, manifest] = [
      await objects.get(`graph/${version}`),
      await objects.get(`manifest/${version}`),
    ];
    if (graph === undefined || manifest === undefined) throw corrupt(`version ${version} of ${name}`);
    return modelOfFile(parseManifest(manifest), graph);
  }

  async function removeContents(versions: readonly string[]): Promise<void> {
    for (const version of versions)
      for (const kind of ["costs", "manifest", "graph"]) await objects.delete(`${kind}/${version}`);
  }

  async function removeLeftovers(): Promise<void> {
    const known = new Set<string>();
    for (const name of new Set([...builtInNames(builtIns), ...(await storedNames())])) {
      const kept = await recordOf(name).catch(undefinedIfDamaged);
      // Which versions it named is unknown: whatever is there may be one of them.
      if (kept === undefined) return;
      for (const { version } of await allOf(name, kept)) known.add(version);
    }
    for (const { name } of await objects.list()) {
      const [kind, version] = name.split("/") as [string, string];
      if (kind !== "name" && !known.has(version)) await objects.delete(name);
    }
  }

  await removeLeftovers();
  return {
    get,
    put: (model) =>
      inTurn(async () => {
        const { manifest, version, bytes } = model;
        const { costs: measured, ...rest } = manifest;
        const kept = await recordOf(manifest.name);
        if (builtInVersion(manifest.name, builtIns) === version && kept.versions.length === 0) return;
        if (!kept.versions.some((one) => one.version === version)) {
          await objects.put(`graph/${version}`, bytes);
          await objects.put(`manifest/${version}`, Buffer.from(JSON.stringify(rest)));
        }
        if (measured !== undefined)
          await objects.put(`costs/${version}`, Buffer.from(JSON.stringify(measured)));
        const others = kept.versions.filter((one) => one.version !== version);
        await keepRecord(manifest.name, {
          ...kept,
          versions: [...others, { version, created_ms: Date.now() }],
        });
      }),
    async list() {
      const names = [...new Set([...builtInNames(builtIns), ...(await storedNames())])].sort();
      const models: ListedModel[] = [];
      for (const name of names) models.push({ name, versions: await allOf(name, await recordOf(name)) });
      return models.filter(({ versions }) => versions.length > 0);
    },
    alias: (reference, alias) =>
      inTurn(async () => {
        if (!modelName.test(alias) || alias === latest || /^[0-9a-f]{6,}$/.test(alias))
          throw new InputError(
            "alias",
            alias,
            'use lower-case letters, digits and single hyphens; not "latest", nor what could be a version',
          );
        const { name, kept, listed } = await resolve(reference);
        await keepRecord(name, { ...kept, aliases: { ...kept.aliases, [alias]: listed.version } });
      }),
    remove: (reference) =>
      inTurn(async () => {
        const { name, selector } = partsOf(reference);
        const found = await recordOf(name).catch(undefinedIfDamaged);
        if (found === undefined && selector === undefined) {
          // What its versions consisted of is removed as left over, when the registry is opened again.
          await objects.delete(`name/${name}`);
          return [];
        }
        // Before it is looked up: a version of the package that it named may have gone with another package.
        if (found !== undefined && selector !== undefined && Object.hasOwn(found.aliases, selector)) {
          const { [selector]: _, ...aliases } = found.aliases;
          await keepRecord(name, { ...found, aliases });
          return [];
        }
        const { kept, listed } = await resolve(reference);
        if (selector === undefined) {
          if (kept.versions.length === 0)
            throw new InputError("model", reference, "it comes with the package: it cannot be removed");
          await objects.delete(`name/${name}`);
          const versions = kept.versions.map(({ version }) => version);
          await removeContents(versions);
          return versions;
        }
        if (listed.isBuiltIn)
          throw new InputError("model", reference, "it comes with the package: it cannot be removed");
        if (listed.aliases.length > 0)
          throw new InputError(
            "model",
            reference,
            `${listed.aliases.join(", ")} names it: move or remove that before`,
          );
        const versions = kept.versions.filter(({ version }) => version !== listed.version);
        await keepRecord(name, { ...kept, versions });
        await removeContents([listed.version]);
        return [listed.version];
      }),
    keepCost: (reference, target, cost) =>
      inTurn(async () => {
        const found = await resolve(reference).catch((error: unknown) => {
          if (!(error instanceof InputError)) throw error;
        });
        if (found === undefined) return;
        const { listed } = found;
        const key = `costs/${listed.version}`;
        const before = await objects.get(key);
        const known = before === undefined ? {} : parsed(`costs of ${reference}`, costs, before);
        await objects.put(key, Buffer.from(JSON.stringify({ ...known, [target]: cost })));
      }),
  };
}

function partsOf(reference: string): { readonly name: string; readonly selector: string | undefined } {
  const [name = "", selector, ...more] = reference.split("@");
  if (!modelName.test(name) || more.length > 0)
    throw new InputError(
      "model",
      reference,
      "give name, name@alias or name@version; names are of lower-case letters, digits and hyphens",
    );
  return { name, selector };
}

function parsed<T>(what: string, schema: z.ZodType<T>, bytes: Uint8Array): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw corrupt(what, cause);
  }
}

function undefinedIfDamaged(error: unknown): undefined {
  if (!(error instanceof NeuroranError && error.code === "OBJECT_CORRUPT")) throw error;
}

function corrupt(what: string, cause?: unknown): NeuroranError {
  return new NeuroranError(
    "OBJECT_CORRUPT",
    `${what} in the registry is damaged: remove the model, and import it again`,
    {
      cause,
    },
  );
}
