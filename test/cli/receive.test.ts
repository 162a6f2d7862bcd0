import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom, type SampleFormat, writeRecording } from "../../src/radio/index.js";
import { parseCarrier, slotSamples } from "../../src/transceiver/pusch/index.js";
import { createSimulatedCell } from "../../src/transceiver/simulated-cell.js";
import { hasReferenceData, neuroran, objectsOf, referenceFile, temporaryFolder } from "./command.js";

const folder = temporaryFolder();
const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 24, carrierFrequency: 3.5e9 });
const grant = { physCellId: 5, rnti: 4711, rbStart: 2, rbSize: 20, mcsIndex: 7 };
const lead = 500;
const antennas = 2;
/** Slots that follow one another over the end of a frame. */
const slots = [18, 19, 0];
const described = ["--carrier-prbs", "24", "--scs", "30"];
const raw = ["--sample-rate", "15.36e6", "--carrier-frequency", "3.5e9", ...described];

/** A recording of the slots above on two antennas, noise before and behind them. */
function simulateRecording(): { samples: Float32Array; payloads: string[] } {
  const guard = 64;
  const cell = createSimulatedCell({
    carrier,
    grant,
    receiveAntennas: antennas,
    guard,
    profile: "TDL-A",
    delaySpread_s: 30e-9,
    snr_db: 25,
    cfo_hz: 80,
    seed: 20,
  });
  const length = slotSamples(carrier, 0);
  const count = lead + slots.length * length + lead;
  const samples = new Float32Array(2 * antennas * count).map((_, i) => 0.005 * Math.sin(i * i));
  const payloads: string[] = [];
  for (let number = 0; number <= 20; number++) {
    const slot = cell.next();
    if (number < 18) continue;
    for (let antenna = 0; antenna < antennas; antenna++) {
      const from = 2 * (antenna * cell.inputSamples + guard);
      // Small enough for 16 bits to hold the peaks.
      const scaled = slot.samples.slice(from, from + 2 * length).map((value) => value / 64);
      samples.set(scaled, 2 * (antenna * count + lead + (number - 18) * length));
    }
    payloads.push(Buffer.from(slot.payload).toString("hex"));
  }
  cell.close();
  return { samples, payloads };
}

let payloads: string[];
let grants: string;
const single = (slot: number): string => folder.write("single.json", { ...grant, slot });
const sigmf = (format: SampleFormat): string => folder.path(`${format}.sigmf-meta`);

beforeAll(() => {
  const recording = simulateRecording();
  payloads = recording.payloads;
  const options = { sampleRate: carrier.sampleRate, carrierFrequency: 3.5e9, channels: antennas };
  for (const format of ["cf32_le", "ci16_le"] as const) {
    writeRecording(sigmf(format), recording.samples, { ...options, format });
  }
  writeRecording(folder.path("two.cf32"), recording.samples, options);
  grants = folder.write(
    "grants.json",
    slots.map((slot) => ({ ...grant, slot })),
  );
});

describe("receive", () => {
  it.each(["cf32_le", "ci16_le"] as const)(
    "receives all slots of a SigMF recording of %s",
    async (format) => {
      const words = [
        "receive",
        sigmf(format),
        "--grant",
        grants,
        ...described,
        "--start",
        String(lead),
        "--json",
      ];
      const { status, stdout, stderr } = await neuroran(words);
      expect(stderr).toBe("");
      const objects = objectsOf(stdout);
      expect(objects.map(({ slot, crc, payload }) => ({ slot, crc, payload }))).toEqual(
        slots.map((slot, i) => ({ slot, crc: true, payload: payloads[i] })),
      );
      for (const one of objects) {
        expect(Object.keys(one).slice(0, 6)).toEqual([
          "slot",
          "crc",
          "payload",
          "snr_db",
          "cfo_hz",
          "timing_s",
        ]);
        expect(Math.abs((one.cfo_hz as number) - 80)).toBeLessThan(60);
        expect(Math.abs(one.timing_s as number)).toBeLessThan(200e-9);
        expect(one.snr_db).toBeGreaterThan(15);
      }
      expect(status).toBe(0);
    },
  );

  it("finds the slot itself and writes what it received", async () => {
    const output = folder.path("blocks.bin");
    const words = ["receive", folder.path("two.cf32"), "--grant", grants, ...raw, "--antennas", "2"];
    const { status, stdout, stderr } = await neuroran([...words, "--output", output]);
    expect(stderr).toBe("");
    expect(stdout.match(/CRC ok/g)).toHaveLength(3);
    expect(stdout).toContain("3 of 3 transport blocks received");
    const start = Number(/^slot 18 at sample (\d+)/.exec(stdout)?.[1]);
    expect(Math.abs(start - lead)).toBeLessThan(5);
    expect(readFileSync(output).toString("hex")).toBe(payloads.join(""));
    expect(status).toBe(0);
  });

  it("ends with status 1 where a CRC fails, and does not write that block", async () => {
    const output = folder.path("rest.bin");
    const wrong = folder.write("wrong.json", [
      { ...grant, slot: 18 },
      { ...grant, slot: 19, dataScramblingId: 6 },
    ]);
    const words = ["receive", sigmf("cf32_le"), "--grant", wrong, ...described, "--start", String(lead)];
    const { status, stdout } = await neuroran([...words, "--json", "--output", output]);
    expect(objectsOf(stdout).map(({ crc }) => crc)).toEqual([true, false]);
    expect(readFileSync(output).toString("hex")).toBe(payloads[0]);
    expect(status).toBe(1);
  });

  it("ends with status 1 where the search finds no slot", async () => {
    const random = createRandom(4);
    const noise = Float32Array.from({ length: 2 * 20_000 }, () => random.gaussian());
    writeRecording(folder.path("noise.cf32"), noise);
    const words = ["receive", folder.path("noise.cf32"), "--grant", single(18), ...raw, "--json"];
    const { status, stdout, stderr } = await neuroran(words);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/slot 18 was not found by its DM-RS/);
    expect(stderr).toContain('"code":"SLOT_NOT_FOUND"');
    expect(status).toBe(1);
  });
});

describe("what cannot be received", () => {
  const slotBytes = 8 * 7680;
  const numbers = (value: number, at: number): Uint8Array => {
    const values = new Float32Array(slotBytes / 4).fill(0.1);
    values[at] = value;
    return new Uint8Array(values.buffer);
  };
  const files: readonly (readonly [name: string, content: () => string | Uint8Array, sentence: RegExp])[] = [
    ["empty.cf32", () => new Uint8Array(0), /empty file/],
    ["short.cf32", () => new Uint8Array(slotBytes - 8), /slot 18.*7679 samples/],
    ["cut.cf32", () => new Uint8Array(slotBytes + 3), /byte 61440/],
    ["nan.cf32", () => numbers(Number.NaN, 4000), /sample 2000 \(byte 16000\): NaN/],
    ["infinite.cf32", () => numbers(Number.NEGATIVE_INFINITY, 4001), /sample 2000 \(byte 16004\): -Infinity/],
    ["picture.cf32", () => Buffer.from("\x89PNG\r\n\x1a\n".padEnd(slotBytes), "latin1"), /PNG picture/],
    ["text.cf32", () => "slot,power\n".repeat(slotBytes / 8), /text/],
    ["recording.dat", () => new Uint8Array(slotBytes), /its name must end/],
    ["unnamed.sigmf-meta", () => "{", /SigMF metadata.*JSON/],
  ];

  it.each(files)("%s is refused, naming what is wrong", async (name, content, sentence) => {
    const path = folder.write(name, content());
    const output = folder.path(`${name}.bin`);
    const words = [
      "receive",
      path,
      "--grant",
      single(18),
      ...raw,
      "--start",
      "0",
      "--output",
      output,
      "--json",
    ];
    const { status, stdout, stderr } = await neuroran(words);
    expect(stderr.split("\n")[0]).toMatch(sentence);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(JSON.parse(stderr.split("\n")[1]!)).toMatchObject({ error: { code: "INPUT_INVALID" } });
    expect(stdout).toBe("");
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(dirname(output)).filter((one) => one.endsWith(".partial"))).toEqual([]);
    expect(status).toBe(2);
  });

  const impossible: readonly (readonly [grant: string | object, sentence: RegExp])[] = [
    ["{", /--grant.*JSON/],
    ["\x00\x01\x02", /--grant.*JSON/],
    [[], /--grant.*empty/],
    ["7", /--grant: 7/],
    [{ ...grant }, /slot: nothing is given; give a whole number/],
    [{ ...grant, slot: 20 }, /slot: 20.*0 to 19/],
    [{ ...grant, slot: 18, rbSize: 23 }, /rbSize: 23.*at most 22/],
    [{ ...grant, slot: 18, rbsize: 2 }, /rbsize.*is it rbSize/],
    [{ ...grant, slot: 18, mcsIndex: 29 }, /mcsIndex: 29.*reserved/],
    [{ ...grant, slot: 18, transformPrecoding: true, nrOfLayers: 2 }, /nrOfLayers: 2.*give 1/],
    [{ ...grant, slot: 18, dmrsSymbPos: [15] }, /dmrsSymbPos/],
    [{ ...grant, slot: 18, nrOfSymbols: 1, dmrsSymbPos: [2] }, /dmrsSymbPos|nrOfSymbols/],
    [{ ...grant, slot: 18, subcarrierSpacing: 15 }, /subcarrierSpacing: 15.*30/],
    [
      [
        { ...grant, slot: 18 },
        { ...grant, slot: 19, rnti: 0 },
      ],
      /\[1\]\.rnti: 0/,
    ],
  ];

  it("an impossible grant is refused, naming the field", async () => {
    for (const [index, [content, sentence]] of impossible.entries()) {
      const path = folder.write(`impossible-${index}.json`, content);
      const words = ["receive", sigmf("cf32_le"), "--grant", path, ...described, "--start", "500"];
      const { status, stdout, stderr } = await neuroran(words);
      expect(stderr).toMatch(sentence);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(stdout).toBe("");
      expect(status).toBe(2);
    }
  });

  const contradictions: readonly (readonly [words: readonly string[], sentence: RegExp])[] = [
    [["--sample-rate", "30.72e6"], /sampleRate: 30720000.*metadata say 15360000/],
    [["--carrier-frequency", "3.6e9"], /carrierFrequency.*metadata say 3500000000/],
    [["--antennas", "1"], /channels: 1.*metadata say 2/],
    [["--format", "cf64"], /--format.*cf32, ci16, sigmf, oran/],
    [["--start", "1000000"], /slot 18.*the recording has/],
    [["--output", "/no/such/folder/blocks"], /cannot be written/],
    [["--use", "decoding=magic"], /decoding.*min-sum/],
  ];

  it("options that contradict the recording are refused", async () => {
    for (const [more, sentence] of contradictions) {
      const start = more[0] === "--start" ? [] : ["--start", "500"];
      const words = ["receive", sigmf("cf32_le"), "--grant", single(18), ...described, ...start, ...more];
      const { status, stdout, stderr } = await neuroran(words);
      expect(stderr).toMatch(sentence);
      expect(stdout).toBe("");
      expect(status).toBe(2);
    }
  });

  it("a raw recording needs a rate that fits, and a frequency", async () => {
    const path = folder.path("two.cf32");
    for (const [more, sentence] of [
      [["--carrier-frequency", "3.5e9"], /--sample-rate: nothing/],
      [["--sample-rate", "15.36e6"], /--carrier-frequency: nothing/],
      [["--sample-rate", "20e6", "--carrier-frequency", "3.5e9"], /sampleRate: 20000000/],
      [["--sample-rate", "7.68e6", "--carrier-frequency", "3.5e9"], /sampleRate: 7680000.*at least/],
    ] as const) {
      const words = ["receive", path, "--antennas", "2", "--grant", single(18), ...described, "--start", "0"];
      const { status, stderr } = await neuroran([...words, ...more]);
      expect(stderr).toMatch(sentence);
      expect(status).toBe(2);
    }
  });

  it("O-RAN text that is none is refused by line and column", async () => {
    const path = folder.write("prbs.txt", "00 11 2x\n");
    const words = ["receive", path, "--format", "oran", "--grant", single(18), ...described];
    const { status, stderr } = await neuroran(words);
    expect(stderr).toMatch(/line 1, column 8/);
    expect(status).toBe(2);
  });
});

describe.skipIf(!hasReferenceData)("recordings off the air and off the fronthaul", () => {
  const laboratory = ["--sample-rate", "23.04e6", "--carrier-frequency", "3427.5e6", "--carrier-prbs", "51"];
  const common = {
    physCellId: 1,
    rnti: 0x4601,
    rbStart: 3,
    dmrsSymbPos: [2, 7, 11],
    numDmrsCdmGrpsNoData: 2,
  };
  const receive = async (file: string, one: object, ...more: string[]) => {
    const path = folder.write("reference.json", one);
    const { status, stdout, stderr } = await neuroran([
      "receive",
      referenceFile(file),
      "--grant",
      path,
      "--json",
      ...more,
    ]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    return objectsOf(stdout)[0]!;
  };

  it.each(["--start 11052", ""])("receives the laboratory's PUSCH %s", async (start) => {
    const file = "ota/srsran-n78-20MHz_pusch_3426.fc32";
    const one = { ...common, slot: 7, rbSize: 24, mcsIndex: 9 };
    const result = await receive(
      file,
      one,
      ...laboratory,
      "--scs",
      "30",
      ...start.split(" ").filter(Boolean),
    );
    expect(result).toMatchObject({ slot: 7, crc: true });
    expect(result.payload).toHaveLength(4224 / 4);
    expect(Math.abs(result.cfo_hz as number)).toBeLessThan(200);
    expect(Math.abs((result.start as number) - 11052)).toBeLessThan(20);
  });

  it("receives message 3 of random access", async () => {
    const file = "ota/srsran-n78-20MHz_rach_msg3.fc32";
    const one = { ...common, slot: 17, rbSize: 3, mcsIndex: 0 };
    const result = await receive(file, one, ...laboratory, "--scs", "30", "--start", "11052");
    expect(result).toMatchObject({ slot: 17, crc: true });
    expect(result.payload).toHaveLength(22);
  });

  it("receives the PRBs of a radio unit", async () => {
    const result = await receive(
      "fronthaul/pusch_pcap_example.txt",
      {
        slot: 14,
        physCellId: 0,
        rnti: 29500,
        subcarrierSpacing: 30,
        bwpStart: 0,
        bwpSize: 273,
        rbStart: 0,
        rbSize: 8,
        mcsIndex: 0,
        nrOfLayers: 2,
        dmrsPorts: [0, 2],
        dmrsSymbPos: [2],
        numDmrsCdmGrpsNoData: 2,
      },
      "--format",
      "oran",
      "--iq-width",
      "9",
    );
    expect(result).toMatchObject({ slot: 14, crc: true });
  });
});
