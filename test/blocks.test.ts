import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataflowData, FunctionData } from "../src/functions/index.js";
import { ciphering, deciphering } from "../src/transceiver/ciphering/function.js";
import { decoding, encoding } from "../src/transceiver/coding/function.js";
import { analogToDigital, digitalToAnalog } from "../src/transceiver/conversion/function.js";
import { crcAttachment, crcCheck } from "../src/transceiver/crc/function.js";
import { equalization } from "../src/transceiver/equalization/function.js";
import { estimation, referenceSignals } from "../src/transceiver/estimation/function.js";
import { extraction, insertion } from "../src/transceiver/extraction/function.js";
import { deinterleaving, interleaving } from "../src/transceiver/interleaving/function.js";
import { demapping, mapping } from "../src/transceiver/mapping/function.js";
import { advance, synchronization } from "../src/transceiver/synchronization/function.js";
import { uplink } from "../src/transceiver/uplink.js";
import { uplinkTransmit } from "../src/transceiver/uplink-transmit.js";

const blocks: Record<string, readonly FunctionData[]> = {
  conversion: [analogToDigital, digitalToAnalog],
  synchronization: [synchronization, advance],
  extraction: [extraction, insertion],
  estimation: [estimation, referenceSignals],
  equalization: [equalization],
  mapping: [demapping, mapping],
  interleaving: [deinterleaving, interleaving],
  coding: [decoding, encoding],
  crc: [crcCheck, crcAttachment],
  ciphering: [deciphering, ciphering],
};

describe("the ten functional blocks", () => {
  it("are a folder each, of one shape", () => {
    const folders = readdirSync(resolve("src/transceiver"), { withFileTypes: true }).filter((e) =>
      e.isDirectory(),
    );
    // Beside the blocks: what the standard derives from a grant, what it asks of all blocks together, three blocks as
    // one function, and links that are learned as a whole.
    const others = ["pusch", "conformance", "detection", "link"];
    const names = folders.map((entry) => entry.name).filter((name) => !others.includes(name));
    expect(names.sort()).toEqual(Object.keys(blocks).sort());
    for (const name of names)
      expect(existsSync(resolve("src/transceiver", name, "function.ts")), name).toBe(true);
  });

  it("keep state in four of them, in both directions: the grant, the modulation, the code and the cipher", () => {
    const stateful = Object.entries(blocks).filter(([, functions]) =>
      functions.some((f) => Object.keys(f.state).length > 0),
    );
    expect(stateful.map(([name]) => name)).toEqual(["extraction", "mapping", "coding", "ciphering"]);
    const states = stateful.map(([, functions]) => functions.map((f) => Object.keys(f.state)));
    expect(states).toEqual([
      [["schedulingGrant"], ["schedulingGrant"]],
      [["modulationScheme"], ["modulationScheme"]],
      // Soft bits of transport blocks that are not decoded yet are the receiver's alone.
      [["codingScheme", "harqProcesses", "softBits"], ["codingScheme"]],
      [["cipher"], ["cipher"]],
    ]);
  });

  it("receive with these parameters", () => {
    const parameters = Object.fromEntries(
      Object.entries(blocks).map(([name, [receiving]]) => [name, Object.keys(receiving!.parameters)]),
    );
    expect(parameters).toEqual({
      conversion: ["basebandSamplingFrequency"],
      synchronization: ["signalType"],
      // The shape that a variant is prepared for; what a slot is processed under is state.
      extraction: ["configuration"],
      estimation: ["signalType", "pilotPosition"],
      // The channel estimate arrives as a tensor each slot.
      equalization: ["signalType", "modulationOrder"],
      mapping: [],
      interleaving: ["interleavingScheme"],
      // How far and how long to decode; the code itself is state.
      coding: ["maximumIterations", "earlyStop", "lastPosition"],
      crc: ["blockLength", "crcScheme"],
      ciphering: ["key", "encryptionScheme"],
    });
  });

  it("name the clause that they implement and have an implementation", () => {
    for (const f of Object.values(blocks).flat()) {
      expect(f.implementations.size, f.name).toBeGreaterThan(0);
      if (f.name !== "analogToDigital" && f.name !== "digitalToAnalog")
        expect(f.clause, f.name).toMatch(/^TS 3/);
    }
  });

  it("are joined by the flows uplink and uplinkTransmit", () => {
    const of = (flow: DataflowData): string[] =>
      flow.graph.nodes.flatMap(({ definition }) => {
        const [first] = definition.implementations.values();
        return first && "flow" in first ? of(first.flow) : [definition.name];
      });
    expect(of(uplink)).toEqual([
      "analogToDigital",
      "synchronization",
      "extraction",
      "estimation",
      "equalization",
      "demapping",
      "deinterleaving",
      "decoding",
      "crcCheck",
      "deciphering",
    ]);
    expect(of(uplinkTransmit)).toEqual([
      "ciphering",
      "crcAttachment",
      "encoding",
      "interleaving",
      "mapping",
      "referenceSignals",
      "insertion",
      "advance",
      "digitalToAnalog",
    ]);
    expect(uplink.graph.feedback.map((edge) => edge.name)).toEqual(["tracking"]);
  });
});
