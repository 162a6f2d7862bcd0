import { readFile } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import type { Message } from "esbuild";
import { InputError, NeuroranError } from "../../errors.js";

const largest_bytes = 64 * 2 ** 20;

/**
 * The module at `path` and all that it imports as one text, which equal sources give equally wherever they lie. Only
 * `neuroran` and what Node brings along stay imports: the node that runs the module has them. TypeScript, and imports of
 * other files and packages, need the optional dependency `esbuild`; types are not checked.
 * @throws InputError for a file that cannot be read or bundled; NeuroranError BUNDLER_MISSING.
 */
export async function bundleModule(path: string): Promise<string> {
  const source = await readFile(path, "utf8").catch((cause: Error) => {
    throw new InputError("module", path, `name a file that can be read: ${cause.message}`, { cause });
  });
  const esbuild = await loadEsbuild();
  const text = esbuild === undefined ? standsAlone(path, source) : await bundle(esbuild, resolve(path));
  checkModuleText(text);
  return text;
}

/** Refuses a text that is too large for a module. */
export function checkModuleText(text: unknown): asserts text is string {
  if (typeof text !== "string" || text.length === 0) {
    throw new InputError("module", text, "give the text of a bundled module");
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > largest_bytes) {
    const remedy = `a module has at most ${largest_bytes} bytes: load models and data from files at run time`;
    throw new InputError("module, bytes", bytes, remedy);
  }
}

type Esbuild = Pick<typeof import("esbuild"), "build">;

async function loadEsbuild(): Promise<Esbuild | undefined> {
  try {
    return await import("esbuild");
  } catch (error) {
    // An installation that is broken, say of another platform, is as good as none.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

async function bundle(esbuild: Esbuild, path: string): Promise<string> {
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [path],
      // Comments in the text name files relative to this folder.
      absWorkingDir: dirname(path),
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      external: ["neuroran"],
      legalComments: "none",
      logLevel: "silent",
      write: false,
    });
    return withRequire(outputFiles[0].text);
  } catch (cause) {
    const errors = (cause as { errors?: readonly Message[] }).errors ?? [];
    const problem = errors.length > 0 ? errors.map(describe).join("; ") : String(cause);
    throw new InputError("module", basename(path), `it cannot be bundled: ${problem}`, { cause });
  }
}

function describe({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}: ${text}`;
}

/** Packages in the older module format ask for Node's own modules by a function that modules do not have. */
function withRequire(text: string): string {
  if (!text.includes("__require(")) return text;
  const line =
    'import { createRequire as requireOfModule } from "node:module"; const require = requireOfModule(import.meta.url);';
  return `${line}\n${text}`;
}

/** A file that needs no bundling, as it imports nothing but `neuroran` and what Node brings along. */
export function standsAlone(path: string, source: string): string {
  const foreign = [...source.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g)].find(
    ([, specifier]) => specifier !== "neuroran" && !specifier.startsWith("node:"),
  );
  const problem = ![".js", ".mjs"].includes(extname(path))
    ? "is not JavaScript"
    : foreign !== undefined
      ? `imports ${foreign[1]}`
      : undefined;
  if (problem === undefined) return source;
  const remedy = `install esbuild (npm install esbuild), or give one .js or .mjs file that imports only neuroran and node:…`;
  throw new NeuroranError("BUNDLER_MISSING", `${path} ${problem}, which needs a bundler: ${remedy}`);
}
