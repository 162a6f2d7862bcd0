import type { CodeCache } from "../code-cache.js";
import { buildFromOrigin } from "../origin.js";
import { isOwnModule, packageVersion } from "../package-version.js";
import type { CodeOrder, ModuleCode } from "../thread/protocol.js";
import { encodeWasm } from "./target.js";

type WasmOrder = Extract<CodeOrder, { target: "wasm" }>;

/** What the compiler's thread makes for the portable target; engines keep what is in use of it. */
export interface ModuleStore {
  codeOf(order: WasmOrder): Promise<ModuleCode>;
}

/** Modules from a cache of their bytes; V8 compiles them each time. */
export function createModuleStore(cache: CodeCache): ModuleStore {
  return {
    async codeOf({ name, from: { origin }, relaxed }) {
      const build = async () => encodeWasm(await buildFromOrigin(origin, name), { relaxed });
      if (!isOwnModule(origin.module))
        return { target: "wasm", module: new WebAssembly.Module(await build()), source: "compiled" };
      const identity = [packageVersion(), origin.module, origin.builder, name];
      const key = JSON.stringify(["WebAssembly 1", relaxed, ...identity]);
      const kept = cache.read(key);
      const bytes = kept ? Uint8Array.from(kept) : await build();
      if (!kept) cache.write(key, bytes);
      return { target: "wasm", module: new WebAssembly.Module(bytes), source: kept ? "disk" : "compiled" };
    },
  };
}
