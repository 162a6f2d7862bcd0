/**
 * How many bits of information a second does the LDPC decoder decode on one core?
 *
 *     npm run build && node dist/bench/ldpc.js [--target wasm] [--seconds 5] [--json]
 */
process.argv.splice(2, 0, "bench", "ldpc");
await import("../src/cli/main.js");
