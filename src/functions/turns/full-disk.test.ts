import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { mountSmallDisk, needsRoot, type SmallDisk } from "../../../test/bus/small-disk.js";
import { embeddedBus, openLmdbStore, type Store, systemClock } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { field, stateSchema } from "../schema/index.js";
import { createCommitDomain, handler, statefulFunction } from "./index.js";

const root = mkdtempSync(join(tmpdir(), "neuroran-domain-"));
let disk: SmallDisk | undefined;
beforeAll(() => {
  disk = mountSmallDisk(join(root, "mount"), 32);
});
afterAll(() => {
  disk?.unmount();
  rmSync(root, { recursive: true });
});

const notebook = statefulFunction("notebook", stateSchema({ count: field.float64(), text: field.text() }), {
  note: handler({ request: z.string(), reply: z.number() }, ({ state }, text) => {
    state.text = text;
    return ++state.count;
  }),
});
const target = { function: "notebook", key: "a" };
const long = "x".repeat(60_000);

let ids = 0;
function domainOver(store: Store) {
  return createCommitDomain({
    store,
    bus: embeddedBus("n1"),
    clock: systemClock,
    uniqueId: () => `id-${++ids}`,
    cipherOf: () => ({ seal: (bytes) => bytes, open: (bytes) => bytes }),
    functions: [notebook],
  });
}

describe("a commit domain on a full disk", () => {
  // Invariant 4 of the domain.
  it("fails requests that are not durable, runs repeated ones once, and goes on when there is room", async ({
    skip,
  }) => {
    if (disk === undefined) return skip(needsRoot);
    const directory = join(disk.path, "store");
    let store = await openLmdbStore(directory);
    let domain = domainOver(store);
    const session = await domain.openSession(60_000);
    disk.fill();
    let failed = 0;
    let last = 0;
    for (let sequence = 1; failed === 0 || sequence <= last + 20; sequence++) {
      expect(sequence).toBeLessThan(1000);
      for (;;) {
        const invocation = { target, handler: "note", body: long };
        const identification = { session: { session, sequence, acknowledged: sequence - 1 } };
        try {
          expect(await domain.invoke(invocation, identification)).toEqual({ ok: true, value: sequence });
          break;
        } catch (error) {
          if (!(error instanceof NeuroranError)) throw error;
          expect(error).toMatchObject({
            code: "COMMIT_FAILED",
            message: expect.stringContaining("make room"),
          });
          failed++;
          last = sequence;
          expect(await domain.stateOf(target)).toMatchObject({ count: sequence - 1 });
          if (failed === 5) disk.free();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    }
    expect(failed).toBeGreaterThanOrEqual(5);
    await domain.close();
    await store.close();

    store = await openLmdbStore(directory);
    domain = domainOver(store);
    expect(await domain.stateOf(target)).toMatchObject({ count: last + 20 });
    const repeated = { session: { session, sequence: last + 20, acknowledged: 0 } };
    expect(await domain.invoke({ target, handler: "note", body: long }, repeated)).toEqual({
      ok: true,
      value: last + 20,
    });
    await domain.close();
    await store.close();
  }, 20_000);
});
