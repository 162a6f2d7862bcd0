import { describe, expect, it } from "vitest";
import { builtInModel } from "../../../neural/models/built-in.js";
import { autoencoder } from "./system.js";

describe("the (7,4) autoencoder of the package", () => {
  it("loses hardly more blocks than Hamming (7,4) under maximum likelihood", async () => {
    const { tables } = await autoencoder.evaluate(builtInModel(autoencoder.name).onnx, {
      seed: 21,
      effort: 0.05,
    });
    for (const { values } of tables[0]!.rows) {
      const [network, soft, hard] = values.map(({ value }) => value) as [number, number, number];
      // Some 200 errors a row: the rates are known to about 10 % of each other.
      expect(network / soft).toBeLessThan(1.3);
      expect(network).toBeLessThan(hard);
    }
  });
});
