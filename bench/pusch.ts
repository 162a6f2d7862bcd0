/**
 * How long does one core take to receive a PUSCH slot, from samples to the checked transport block?
 *
 *     npm run build && node dist/bench/pusch.js [--target wasm] [--seconds 5] [--json]
 */
process.argv.splice(2, 0, "bench", "pusch");
await import("../src/cli/main.js");
