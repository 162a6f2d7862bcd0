/**
 * How many symbols do the detectors get wrong in a system of 15 streams and 25 antennas, and what do they cost?
 *
 *     npm run build && node dist/bench/detectors.js [--errors 2000] [--draws 400000] [--seed 1] [--target wasm] [--json]
 *
 * Gaussian channel, 16-QAM of amplitudes ±1 and ±3, SNR against unit amplitude (test/gaussian-system.ts has the exact
 * definition). Every rate comes from the kernels that receive PUSCH, compiled for this size. Counting ends at so many
 * wrong symbols or draws of the channel. The duration is that of a resource element, all 15 symbols.
 */
import { parseArgs } from "node:util";
import { llvmTarget, wasmTarget } from "../src/compiler/index.js";
import { equalizationDetector, jointDetector, symbolErrorRate } from "../test/gaussian-system.js";

const { values } = parseArgs({
  options: {
    errors: { type: "string", default: "2000" },
    draws: { type: "string", default: "400000" },
    seed: { type: "string", default: "1" },
    target: { type: "string", default: "wasm" },
    json: { type: "boolean", default: false },
  },
});
const limits = {
  errors: wholeNumber("--errors", values.errors),
  draws: wholeNumber("--draws", values.draws),
};
const seed = wholeNumber("--seed", values.seed);
if (values.target !== "wasm" && values.target !== "llvm")
  fail(`--target takes wasm or llvm, not ${values.target}`);
const target = values.target === "llvm" ? llvmTarget() : wasmTarget();

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) fail(`${name} takes a whole number above 0, not ${text}`);
  return value;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

const detectors = {
  "zero-forcing": () => equalizationDetector("zero-forcing", target),
  mmse: () => equalizationDetector("mmse", target),
  "mmse-sic": () => equalizationDetector("mmse-sic", target),
  "k-best": () => jointDetector("k-best", target),
};

if (!values.json) {
  console.log(
    `15 × 25, 16-QAM, target ${target.name}, seed ${seed}: symbol error rate ± standard deviation, symbols`,
  );
}
for (const [name, create] of Object.entries(detectors)) {
  const detector = create();
  for (let snr_db = 8; snr_db <= 13; snr_db++) {
    const { rate, deviation, symbols, errors, duration_us } = symbolErrorRate(detector, snr_db, seed, limits);
    if (values.json) {
      const row = { benchmark: "detectors", case: name, target: target.name, seed, snr_db };
      console.log(
        JSON.stringify({ ...row, symbol_error_rate: rate, deviation, errors, n: symbols, duration_us }),
      );
      continue;
    }
    const figures = [
      `${String(snr_db).padStart(2)} dB`,
      `${rate.toExponential(2)} ± ${deviation.toExponential(0)}`,
      `${symbols} symbols`,
      `${duration_us.toFixed(1)} µs`,
    ];
    console.log(`  ${name.padEnd(12)} ${figures.join("  ")}`);
  }
  detector.release();
}
