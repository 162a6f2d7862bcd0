import { describe, expect, it } from "vitest";
import { memoryStore } from "../bus/index.js";
import { createNodeKey, openEncryption } from "../functions/encryption/index.js";
import { ciphersOf, nodeOwner } from "./node-ciphers.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (found: Uint8Array): string => new TextDecoder().decode(found);

describe("a node's ciphers", () => {
  it("open what was sealed before the function had a key of its own, and after", async () => {
    const encryption = openEncryption(memoryStore(), createNodeKey());
    await encryption.prepare([nodeOwner]);
    const cipherOf = ciphersOf(encryption);
    const before = cipherOf("later").seal(bytes("before"), "entry");
    await encryption.prepare(["later"]);
    const after = cipherOf("later").seal(bytes("after"), "entry");
    expect(text(cipherOf("later").open(before, "entry"))).toBe("before");
    expect(text(cipherOf("later").open(after, "entry"))).toBe("after");
    // What has a key is sealed under it, not under the node's.
    expect(() => encryption.forFunction(nodeOwner).open(after, "entry")).toThrow();
  });

  it("open nothing that was changed, belongs elsewhere, or to another function", async () => {
    const encryption = openEncryption(memoryStore(), createNodeKey());
    await encryption.prepare([nodeOwner, "one", "other"]);
    const cipherOf = ciphersOf(encryption);
    const sealed = cipherOf("one").seal(bytes("secret"), "entry");
    expect(() => cipherOf("one").open(sealed, "elsewhere")).toThrow(/STATE_CORRUPT|changed/);
    expect(() => cipherOf("other").open(sealed, "entry")).toThrow(/other/);
    const changed = Uint8Array.from(sealed);
    changed[changed.length - 1]! ^= 1;
    expect(() => cipherOf("one").open(changed, "entry")).toThrow(/changed/);
  });
});
