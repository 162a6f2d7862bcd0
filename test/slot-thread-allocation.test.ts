import { describe, expect, it } from "vitest";
import { startSlotExecutor } from "../src/functions/index.js";
import { type accountFlow, askForHeap } from "./slot-flow.js";

/** Far below 16 bytes a slot, the least that could be allocated. */
const noise = 24_576;
const slots = 20_000;

/** Bytes by which the heap of the slot thread grows over some slots of keyed state. */
async function growth(
  whileRunning: "serving" | "on probation" | "copying" | "taking turns",
): Promise<{ grown: number; checkpoints: number }> {
  const executor = await startSlotExecutor<typeof accountFlow>({
    module: new URL("./slot-flow.js", import.meta.url),
    factory: "createAccountFlow",
    options: { account: 16, width: 200 },
    arenaBytes: 1 << 20,
  });
  try {
    const variant = await executor.prepare({ key: "only", dimensions: { place: 2 } });
    const { view } = variant.inputs.added;
    const run = async (count: number): Promise<void> => {
      view[0] = 1;
      for (let slot = 0; slot < count; slot += 100)
        await Promise.all(
          Array.from({ length: 100 }, (_, k) => executor.submit(variant, { account: { writes: [k % 16] } })),
        );
    };
    const heap = async (): Promise<number> => {
      view[0] = askForHeap;
      await executor.submit(variant);
      return variant.outputs.sums.view[0]!;
    };
    await run(200);
    if (whileRunning === "on probation")
      await executor.swap({ implementations: { accounts: "fragile" }, fallback: { slots: 10 * slots } });
    if (whileRunning === "taking turns")
      await executor.swap({
        implementations: { accounts: { present: "plain", canary: "fragile", share: 0.3 } },
        fallback: { slots: 1 },
      });
    await run(slots);
    // What the thread compiles it compiles by then; a collection may come in between, and then it is measured again.
    for (let attempt = 0; ; attempt++) {
      const before = await heap();
      let checkpoints = 0;
      let running = whileRunning === "copying";
      const copying = (async () => {
        while (running) {
          (await executor.checkpoint()).stored();
          checkpoints++;
        }
      })();
      await run(slots);
      running = false;
      await copying;
      const grown = (await heap()) - before;
      if (Math.abs(grown) < noise || attempt === 5) return { grown, checkpoints };
    }
  } finally {
    await executor.close();
  }
}

describe("the thread of the slots", () => {
  it.each(["serving", "on probation", "copying", "taking turns"] as const)(
    `allocates nothing while %s, over ${slots} slots of keyed state`,
    async (what) => {
      const { grown, checkpoints } = await growth(what);
      console.log(`${what}: the heap grew by ${grown} bytes, ${checkpoints} checkpoints`);
      expect(Math.abs(grown)).toBeLessThan(noise);
      expect(checkpoints > 0).toBe(what === "copying");
    },
    30_000,
  );
});
