import { describe, expect, it } from "vitest";
import { wasmTarget } from "../src/compiler/index.js";
import { prepareFunction } from "../src/functions/index.js";
import { digitalToAnalog } from "../src/transceiver/conversion/function.js";
import { type Carrier, parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";

const seed = 4;
const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23.04e6 });

interface Converter {
  readonly carrier?: Carrier;
  readonly rate: number;
  readonly bits?: number;
  /** Full scale over the signal's power in one component, dB. */
  readonly backoff_db?: number;
  readonly snr_db: number;
  readonly mcsIndex: number;
  readonly slots?: number;
}

/** Slots of a simulated cell at a converter's rate and level: which were lost, and the mean SNR that was found. */
function throughConverter({ carrier: of = carrier, rate, bits, ...air }: Converter) {
  const { backoff_db = 12, snr_db, mcsIndex, slots = 5 } = air;
  const receiver = createUplinkReceiver({
    carrier: of,
    receiveAntennas: 1,
    converterRate: rate,
    ...(bits ? { implementations: { analogToDigital: `${bits}-bit` } } : {}),
  });
  const grant = { physCellId: 1, rnti: 4711, rbStart: 0, rbSize: of.carrierPrbs, mcsIndex };
  const guard = Math.round((receiver.guard * of.sampleRate) / rate);
  const simulated = { carrier: of, grant, receiveAntennas: 1, guard, profile: "awgn", snr_db, seed } as const;
  const cell = createSimulatedCell(simulated);
  const toAnalog = prepareFunction(digitalToAnalog, "float", {
    dimensions: { antenna: 1, sample: cell.inputSamples, converterSample: receiver.inputSamples },
    parameters: { basebandSamplingFrequency: of.sampleRate },
    target: wasmTarget(),
  });
  const lost: number[] = [];
  let snr = 0;
  for (let slot = 0; slot < slots; slot++) {
    const { configuration, samples, payload } = cell.next();
    toAnalog.inputs.samples.view.set(samples);
    toAnalog.process();
    const analog = toAnalog.outputs.analog.view;
    const power = analog.reduce((sum, value) => sum + value * value, 0) / analog.length;
    const gain = 10 ** (-backoff_db / 20) / Math.sqrt(power);
    const result = receiver.receive(
      analog.map((value) => gain * value),
      configuration.grant,
    );
    if (!result.crc || Buffer.compare(result.payload, payload) !== 0) lost.push(slot);
    snr += result.snr_db / slots;
  }
  toAnalog.release();
  cell.close();
  receiver.close();
  return { lost, snr };
}

describe(`a receiver behind a converter (seed ${seed})`, () => {
  it.each([20.48e6, 23.04e6, 25e6, 30.72e6, 61.44e6, 122.88e6])("decodes at %d samples a second", (rate) => {
    const { lost, snr } = throughConverter({ rate, snr_db: 22, mcsIndex: 22 });
    expect(lost).toEqual([]);
    expect(Math.abs(snr - 22)).toBeLessThan(0.3);
  });

  it("decodes at other subcarrier spacings", () => {
    const wide = parseCarrier({ subcarrierSpacing: 15, carrierPrbs: 106, sampleRate: 23.04e6 });
    const short = parseCarrier({ subcarrierSpacing: 60, carrierPrbs: 24, sampleRate: 23.04e6 });
    for (const [of, rate] of [
      [wide, 25e6],
      [wide, 30.72e6],
      [short, 30.72e6],
    ] as const)
      expect(throughConverter({ carrier: of, rate, snr_db: 22, mcsIndex: 22 }).lost).toEqual([]);
  });

  it.each([16, 14, 12, 10, 8])("decodes 64QAM at rate 0.89 from %i bits, 12 dB below full scale", (bits) => {
    const { lost, snr } = throughConverter({ rate: 30.72e6, bits, snr_db: 35, mcsIndex: 27 });
    expect(lost).toEqual([]);
    expect(snr).toBeGreaterThan(bits === 8 ? 33 : 34.5);
  });

  it.each([
    [12, 6],
    [12, 40],
    [8, 6],
    [8, 24],
  ])(
    "decodes 64QAM at rate 0.65 from %i bits %i dB below full scale, clipped or coarse",
    (bits, backoff_db) => {
      const { lost } = throughConverter({ rate: 30.72e6, bits, backoff_db, snr_db: 30, mcsIndex: 22 });
      expect(lost).toEqual([]);
    },
  );

  it("refuses a rate at which a slot and its guards are no whole numbers of samples", () => {
    const short = parseCarrier({ subcarrierSpacing: 60, carrierPrbs: 24, sampleRate: 23.04e6 });
    for (const converterRate of [25e6, 23.04e6 * Math.PI, 0, -1, Number.NaN])
      expect(() => createUplinkReceiver({ carrier: short, receiveAntennas: 1, converterRate })).toThrow(
        /converterRate/,
      );
  });
});
