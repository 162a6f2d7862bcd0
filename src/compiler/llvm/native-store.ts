/**
 * Machine code of this process, by symbol: what the compiler's thread keeps for the native target.
 *
 * Invariants:
 * 1. Code that is held stays where it is. Of what is not, the least recently used goes once all takes more than CAPACITY.
 * 2. A symbol says all that the code depends on: where its kernel comes from and its name, or its text, and whether it fuses.
 */
import { createHash } from "node:crypto";
import type { CodeCache } from "../code-cache.js";
import { buildFromOrigin } from "../origin.js";
import { isOwnModule, packageVersion } from "../package-version.js";
import { type CodeOrder, type NativeCode, type ResultType, resultTypes } from "../thread/protocol.js";
import { printLlvm, resultType } from "./ir-text.js";
import { loadLlvm } from "./llvm-library.js";
import { createMachineCodeCompiler, type LinkedCode, PASSES } from "./machine-code.js";

type NativeOrder = Extract<CodeOrder, { target: "llvm" }>;

export interface NativeStore {
  /** The code of an order, held once more. @throws NeuroranError for a kernel that cannot be compiled. */
  hold(order: NativeOrder): Promise<NativeCode>;
  /** Gives it back once. */
  release(symbol: string): void;
}

/** Bytes of object files whose code is kept though nothing holds it. */
const CAPACITY = 32 * 2 ** 20;

interface Entry {
  readonly symbol: string;
  readonly result: ResultType;
  readonly bytes: number;
  readonly linked: LinkedCode;
  holds: number;
}

/** @throws NeuroranError `TARGET_UNAVAILABLE` without koffi or libLLVM. */
export function createNativeStore(cache: CodeCache, capacity = CAPACITY): NativeStore {
  const library = loadLlvm();
  const compiler = createMachineCodeCompiler(library);
  const versions = [library.file, compiler.cpu, compiler.features, PASSES];
  /** In the order of their last use. */
  const entries = new Map<string, Entry>();
  let bytes = 0;

  const drop = (): void => {
    for (const entry of entries.values()) {
      if (bytes <= capacity) return;
      if (entry.holds > 0) continue;
      entry.linked.unlink();
      entries.delete(entry.symbol);
      bytes -= entry.bytes;
    }
  };

  const produce = async (
    { name, from, contract }: NativeOrder,
    symbol: string,
  ): Promise<{ object: Uint8Array; result: ResultType; source: "disk" | "compiled" }> => {
    const own = "origin" in from && isOwnModule(from.origin.module);
    const text = async () => {
      if ("text" in from) return { ir: from.text.replace("@kernel(", `@${symbol}(`), result: from.result };
      const built = await buildFromOrigin(from.origin, name);
      return { ir: printLlvm(built, symbol, { contract }), result: resultType(built) };
    };
    const written = own ? undefined : await text();
    const identity = written?.ir ?? [packageVersion(), symbol];
    const key = JSON.stringify(["object code 2", ...versions, name, identity]);
    const kept = cache.read(key);
    if (kept) return { object: kept.subarray(1), result: resultTypes[kept[0]!]!, source: "disk" };
    const { ir, result } = written ?? (await text());
    const object = compiler.assemble(ir);
    cache.write(key, Buffer.concat([Uint8Array.of(resultTypes.indexOf(result)), object]));
    return { object, result, source: "compiled" };
  };

  const symbolOf = ({ name, from, contract }: NativeOrder): string => {
    const identity =
      "text" in from ? from.text : JSON.stringify([from.origin.module, from.origin.builder, contract]);
    return `${name}.${createHash("sha256").update(identity).digest("hex").slice(0, 32)}`;
  };

  return {
    async hold(order) {
      const symbol = symbolOf(order);
      let entry = entries.get(symbol);
      let source: NativeCode["source"] = "process";
      if (entry === undefined) {
        const produced = await produce(order, symbol);
        source = produced.source;
        const linked = compiler.link(produced.object, symbol);
        entry = { symbol, result: produced.result, bytes: produced.object.length, linked, holds: 0 };
        bytes += entry.bytes;
      }
      entries.delete(symbol);
      entries.set(symbol, entry);
      entry.holds++;
      drop();
      return { target: "llvm", symbol, address: entry.linked.address, result: entry.result, source };
    },
    release(symbol) {
      const entry = entries.get(symbol);
      if (entry === undefined || entry.holds === 0) return;
      entry.holds--;
      drop();
    },
  };
}
