import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { embeddedBus, systemClock } from "../../../bus/index.js";
import { memoryStore } from "../../../bus/memory-store.js";
import type { Address } from "../../../functions/turns/address.js";
import { createCommitDomain } from "../../../functions/turns/index.js";
import { createProgramGenerator } from "./generator.js";
import { layerOne, layerThree, layerTwo } from "./interpreter.js";
import { createModel } from "./model.js";
import { addressOf, addressText, type Count, type ProgramReply } from "./program.js";

const longestDelay_ms = 300;
const unsealed = { seal: (plain: Uint8Array) => plain, open: (sealed: Uint8Array) => sealed };

describe("stateful functions that interpret random programs", () => {
  it("count and reply what the model says (seed 5)", async () => {
    const [programs, keys] = [3000, 500];
    const functions = [layerOne!, layerTwo!, layerThree!];
    let ids = 0;
    const domain = createCommitDomain({
      store: memoryStore(),
      bus: embeddedBus("node"),
      clock: systemClock,
      uniqueId: () => `id-${ids++}`,
      cipherOf: () => unsealed,
      functions,
      // Keys come and go.
      cache_bytes: 20_000,
    });
    const model = createModel();
    const generate = createProgramGenerator(5, keys, longestDelay_ms);
    const replies: unknown[] = [];
    const wanted: unknown[] = [];
    let next = 0;
    const sendOn = async (): Promise<void> => {
      while (next < programs) {
        const index = next++;
        const { at, program } = generate(index);
        const modelled = model.run({ at, program });
        wanted[index] = modelled.ok ? modelled.total : "HANDLER_FAILED";
        const outcome = await domain.invoke({ target: at, handler: "run", body: program });
        replies[index] = outcome.ok ? (outcome.value as ProgramReply).total : outcome.error.code;
      }
    };
    await Promise.all(Array.from({ length: 50 }, sendOn));
    expect(replies).toEqual(wanted);

    const count = async (target: Address): Promise<Count> => {
      const outcome = await domain.invoke({ target, handler: "read", body: null });
      return outcome.ok ? (outcome.value as Count) : { sum: Number.NaN, times: [] };
    };
    const counts = async (): Promise<Map<string, Count>> => {
      const all = new Map<string, Count>();
      for (let index = 0; index < keys; index++) {
        const at = addressOf(index);
        const counted = await count(at);
        if (counted.sum !== 0) all.set(addressText(at), counted);
      }
      return all;
    };
    // What a timer runs may set the next one.
    const deadline = performance.now() + 5 * longestDelay_ms;
    const sum = (all: ReadonlyMap<string, Count>): number =>
      [...all.values()].reduce((a, one) => a + one.sum, 0);
    while (sum(await counts()) < sum(model.counts) && performance.now() < deadline) await sleep(50);
    expect(await counts()).toEqual(model.counts);
    await domain.close();
  });
});
