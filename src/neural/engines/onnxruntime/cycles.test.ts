import { describe, expect, it } from "vitest";
import { residentMemory } from "../../../system/index.js";
import { onnxModel } from "../../graph/graph.js";
import { tensor } from "../../graph/tensor.js";
import { networkBuilder } from "../../network/builder.js";
import type { Instance } from "../engine.js";
import { onnxruntime } from "./engine.js";

/** A dense layer whose weights take 1 MiB. */
const network = networkBuilder("wide");
const x = network.input("x", "float32", ["batch", 512]);
const weight = network.constant(tensor("float32", [512, 512], new Float32Array(2 ** 18).fill(0.01)));
network.output("y", network.add("MatMul", [x, weight]), ["batch", 512]);
const wide = onnxModel(network.graph());

/**
 * By how many bytes each cycle leaves the process larger: between the second quarter and the last, of each the most, as files
 * that were read stay until the collector of garbage comes.
 */
async function growth(cycles: number, release: (instance: Instance) => Promise<void>): Promise<number> {
  const resident: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const instance = await onnxruntime.instantiate(wide, { dimensions: { batch: 16 } });
    await instance.run({ x: tensor("float32", [16, 512]) });
    await release(instance);
    resident.push(residentMemory(process.pid)!.anonymous_bytes);
  }
  const quarter = Math.floor(cycles / 4);
  const most = (from: number): number => Math.max(...resident.slice(from, from + quarter));
  return (most(cycles - quarter) - most(quarter)) / (cycles - 2 * quarter);
}

describe.skipIf(process.platform !== "linux")(
  "instantiating, inferring and releasing again and again",
  () => {
    /** A quarter of what a cycle would leave that keeps its weights. */
    const tolerated = 2 ** 20 / 4;

    it("leaves no memory behind", async () => {
      expect(await growth(400, (instance) => instance.release())).toBeLessThan(tolerated);
    });

    it("would be seen to leave it where instances are kept", async () => {
      const kept: Instance[] = [];
      expect(await growth(100, async (instance) => void kept.push(instance))).toBeGreaterThan(tolerated);
      await Promise.all(kept.map((instance) => instance.release()));
    });
  },
);
