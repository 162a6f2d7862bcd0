import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { scalingModel } from "../../../test/neural/scaling-model.js";
import { memoryStore, openLmdbStore, openObjectStore, type Store } from "../../bus/index.js";
import { writeModelDirectory } from "./model-directory.js";
import { withRegistry } from "./open-registry.js";
import { openRegistry, type Registry } from "./registry.js";

const root = mkdtempSync(join(tmpdir(), "neuroran-registry-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const builtIns = join(root, "built-in");
writeModelDirectory(join(builtIns, "supplied"), scalingModel(7, "supplied"));

const cost = {
  processor: "one",
  dimensions: { batch: 1 },
  multiplyAccumulates: 2,
  p50_s: 1e-5,
  p99_s: 2e-5,
  calls: 10,
  memory_bytes: 100,
  storage_bytes: 200,
};

async function emptyRegistry(store: Store = memoryStore()): Promise<Registry> {
  return openRegistry(await openObjectStore(store, "models"), builtIns);
}

describe("the registry", () => {
  it("gives versions by name, digest and alias", async () => {
    const registry = await emptyRegistry();
    const [one, two] = [scalingModel(1), scalingModel(2)];
    await registry.put(one);
    await registry.put(two);
    expect(await registry.get("scaler")).toEqual(two);
    expect(await registry.get(`scaler@${one.version}`)).toEqual(one);
    expect(await registry.get(`scaler@${one.version.slice(0, 8)}`)).toEqual(one);
    await registry.alias(`scaler@${one.version}`, "production");
    expect(await registry.get("scaler@production")).toEqual(one);
    await registry.alias("scaler@latest", "production");
    expect(await registry.get("scaler@production")).toEqual(two);
    // What is put again becomes the last, and stays one version.
    await registry.put(one);
    expect((await registry.get("scaler")).version).toBe(one.version);
    const { versions } = (await registry.list()).find(({ name }) => name === "scaler")!;
    expect(versions).toMatchObject([
      { version: two.version, aliases: ["production"], isBuiltIn: false },
      { version: one.version, aliases: [], isBuiltIn: false },
    ]);
  });

  it("refuses what is not there with what there is", async () => {
    const registry = await emptyRegistry();
    await registry.put(scalingModel(1));
    await expect(registry.get("nothing")).rejects.toThrow("there is supplied, scaler");
    await expect(registry.get("scaler@staging")).rejects.toThrow(
      `scaler has ${scalingModel(1).version.slice(0, 12)}`,
    );
    for (const reference of ["", "Scaler", "scaler@a@b", "../supplied", "scaler@"])
      await expect(registry.get(reference)).rejects.toMatchObject({ code: "INPUT_INVALID" });
    // Too short to be sure of.
    await expect(registry.get(`scaler@${scalingModel(1).version.slice(0, 5)}`)).rejects.toThrow("scaler has");
    for (const alias of ["latest", "abcdef0", "Production", "", "__proto__"])
      await expect(registry.alias("scaler", alias)).rejects.toMatchObject({ field: "alias" });
    await expect(registry.get("scaler@constructor")).rejects.toThrow("scaler has");
  });

  it("has the models of the package as first versions, which stay (invariant 4)", async () => {
    const registry = await emptyRegistry();
    const supplied = scalingModel(7, "supplied");
    expect(await registry.get("supplied")).toEqual(supplied);
    await registry.put(supplied);
    await expect(registry.remove("supplied")).rejects.toThrow("comes with the package");
    const own = scalingModel(8, "supplied");
    await registry.put(own);
    expect((await registry.get("supplied")).version).toBe(own.version);
    await registry.alias(`supplied@${supplied.version}`, "before");
    expect(await registry.get("supplied@before")).toEqual(supplied);
    await expect(registry.remove(`supplied@${supplied.version}`)).rejects.toThrow("comes with the package");
    expect(await registry.remove("supplied")).toEqual([own.version]);
    expect(await registry.get("supplied")).toEqual(supplied);
  });

  it("removes an alias, a version or all of a name, and what they consisted of", async () => {
    const store = memoryStore();
    const registry = await emptyRegistry(store);
    const [one, two] = [scalingModel(1), scalingModel(2)];
    await registry.put(one);
    await registry.put(two);
    await registry.keepCost("scaler", "onnxruntime", cost);
    await registry.alias(`scaler@${one.version}`, "production");
    await expect(registry.remove(`scaler@${one.version}`)).rejects.toThrow("production names it");
    expect(await registry.remove("scaler@production")).toEqual([]);
    expect(await registry.remove(`scaler@${one.version}`)).toEqual([one.version]);
    await expect(registry.get(`scaler@${one.version}`)).rejects.toThrow("scaler has");
    expect(await registry.remove("scaler")).toEqual([two.version]);
    await expect(registry.get("scaler")).rejects.toThrow("there is supplied");
    // Measured by somebody who had opened it before.
    await registry.keepCost(`scaler@${two.version}`, "onnxruntime", cost);
    expect([...store.range("", "\u{10ffff}")]).toEqual([]);
  });

  it("keeps costs beside a version, which stays what it is (invariant 1)", async () => {
    const registry = await emptyRegistry();
    await registry.put(scalingModel(1));
    await registry.keepCost("scaler", "onnxruntime", cost);
    await registry.keepCost("scaler", "wasm", { ...cost, p50_s: 1 });
    const { manifest, version } = await registry.get("scaler");
    expect(version).toBe(scalingModel(1).version);
    expect(manifest.costs).toEqual({ onnxruntime: cost, wasm: { ...cost, p50_s: 1 } });
  });

  it("takes changes at one time one after the other", async () => {
    const registry = await emptyRegistry();
    const models = Array.from({ length: 8 }, (_, scale) => scalingModel(scale));
    await Promise.all(models.map((one) => registry.put(one)));
    const versions = (await registry.list()).find(({ name }) => name === "scaler")!.versions;
    expect(versions.map(({ version }) => version)).toEqual(models.map(({ version }) => version));
  });

  it("loses nothing beside a name whose record is damaged, which can be removed", async () => {
    const store = memoryStore();
    const before = await emptyRegistry(store);
    await before.put(scalingModel(1));
    await before.put(scalingModel(2, "other"));
    const objects = await openObjectStore(store, "models");
    await objects.put("name/scaler", Buffer.from("{"));
    const registry = await emptyRegistry(store);
    await expect(registry.get("scaler")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
    expect(await registry.get("other")).toEqual(scalingModel(2, "other"));
    await registry.remove("scaler");
    const again = await emptyRegistry(store);
    expect(await again.get("other")).toEqual(scalingModel(2, "other"));
    expect((await objects.list()).some(({ name }) => name.includes(scalingModel(1).version))).toBe(false);
  });

  it("removes an alias of a version that went with another package", async () => {
    const store = memoryStore();
    await (await emptyRegistry(store)).alias("supplied", "production");
    const later = join(root, "later");
    writeModelDirectory(join(later, "supplied"), scalingModel(8, "supplied"));
    const registry = await openRegistry(await openObjectStore(store, "models"), later);
    await expect(registry.get("supplied@production")).rejects.toMatchObject({ code: "INPUT_INVALID" });
    expect(await registry.remove("supplied@production")).toEqual([]);
    await expect(registry.remove("supplied@production")).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  it("has a version or has it not when a put breaks off at any write, and clears up (invariants 2, 3)", async () => {
    for (let allowed = 0; ; allowed++) {
      const store = memoryStore();
      await (await emptyRegistry(store)).put(scalingModel(1));
      const entries = () => [...store.range("", "\u{10ffff}")].map(({ key }) => key).length;
      const before = entries();
      let commits = 0;
      const failing: Store = {
        ...store,
        commit: (batch) => (++commits > allowed ? Promise.reject(new Error("full")) : store.commit(batch)),
      };
      const broken = await emptyRegistry(failing);
      const isPut = await broken.put(scalingModel(2)).then(
        () => true,
        () => false,
      );
      const registry = await emptyRegistry(store);
      const found = await registry.get("scaler");
      expect(found).toEqual(isPut ? scalingModel(2) : scalingModel(1));
      if (isPut) {
        expect(allowed).toBeGreaterThan(4);
        break;
      }
      expect(entries()).toBe(before);
    }
  });
});

describe("the registry of a data directory", () => {
  it("is waited for while another process has it", async () => {
    const directory = join(root, "data");
    const held = await openLmdbStore(join(directory, "models"));
    const put = withRegistry(directory, (registry) => registry.put(scalingModel(1)));
    const early = await Promise.race([
      put.then(() => "put"),
      new Promise((resolve) => setTimeout(resolve, 200, "waiting")),
    ]);
    expect(early).toBe("waiting");
    await held.close();
    await put;
    expect((await withRegistry(directory, (registry) => registry.get("scaler"))).version).toBe(
      scalingModel(1).version,
    );
  });

  it("has whole versions only after a process was killed while it put them", async () => {
    const directory = join(root, "killed");
    for (let round = 0; round < 3; round++) {
      const child = fork(new URL("../../../test/neural/put-until-killed.js", import.meta.url), [directory]);
      await new Promise((resolve) => child.once("message", resolve));
      await new Promise((resolve) => setTimeout(resolve, 40 * round));
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
      await withRegistry(directory, async (registry) => {
        const listed = (await registry.list()).find(({ name }) => name === "forever");
        expect(listed!.versions.length).toBeGreaterThan(0);
        for (const { version } of listed!.versions)
          expect((await registry.get(`forever@${version}`)).version).toBe(version);
      });
    }
  });
});
