/**
 * Modules as files in a node's data directory: `modules/<hash>.mjs`, and beside them a link through which their imports of
 * `neuroran` reach the package that runs, so that its classes are there once.
 *
 * Invariants:
 * 1. Under a hash there is the text of this hash or nothing: a file appears whole, and is compared before each import.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { NeuroranError } from "../../errors.js";
import { checkModuleText } from "./bundle.js";
import { checkHash, hashOfModule } from "./signature.js";

/** Where a module lies. */
export function modulePath(dataDirectory: string, hash: string): string {
  checkHash(hash);
  return join(dataDirectory, "modules", `${hash}.mjs`);
}

/**
 * Writes a module's text for good and gives its hash. One that is there already is written again, lest it was damaged.
 * @throws InputError for a text that is no module's; what the file system throws.
 */
export async function installModule(dataDirectory: string, text: string): Promise<string> {
  checkModuleText(text);
  const hash = hashOfModule(text);
  const path = modulePath(dataDirectory, hash);
  await mkdir(dirname(path), { recursive: true });
  await linkPackage(dirname(path));
  const temporary = temporaryBeside(path);
  const file = await open(temporary, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
  return hash;
}

function temporaryBeside(path: string): string {
  return `${path}.${randomBytes(6).toString("hex")}.new`;
}

/** A new name in a folder outlives a loss of power only when the folder is flushed. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The package may lie elsewhere since the link was made. */
async function linkPackage(modules: string): Promise<void> {
  const folder = join(modules, "node_modules");
  const link = join(folder, "neuroran");
  const root = packageRoot();
  if ((await readlink(link).catch(() => undefined)) === root) return;
  await mkdir(folder, { recursive: true });
  const temporary = temporaryBeside(link);
  await symlink(root, temporary, "junction");
  await rename(temporary, link);
}

/** The folder of the package that this file belongs to. */
function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown };
      if (name === "neuroran") return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    if (folder === dirname(folder)) {
      throw new NeuroranError(
        "PACKAGE_MISSING",
        "the package's own package.json is not found: install neuroran again",
      );
    }
  }
}

/**
 * Gives the path of an installed module whose text is what its hash says.
 * @throws NeuroranError MODULE_MISSING or MODULE_CORRUPT.
 */
export async function installedModule(dataDirectory: string, hash: string): Promise<string> {
  const path = modulePath(dataDirectory, hash);
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new NeuroranError("MODULE_MISSING", `module ${hash} is not in ${dirname(path)}: deploy it again`, {
      cause,
    });
  });
  if (hashOfModule(text) !== hash) {
    throw new NeuroranError("MODULE_CORRUPT", `${path} was changed since it was deployed: deploy it again`);
  }
  await linkPackage(dirname(path));
  return path;
}

/** Removes the modules but these, and what was left half-written. */
export async function removeModulesBut(dataDirectory: string, kept: ReadonlySet<string>): Promise<void> {
  const folder = join(dataDirectory, "modules");
  const names = await readdir(folder).catch(() => []);
  const unused = names.filter(
    (name) => name.endsWith(".new") || (name.endsWith(".mjs") && !kept.has(name.slice(0, -4))),
  );
  await Promise.all(unused.map((name) => rm(join(folder, name), { force: true })));
}
