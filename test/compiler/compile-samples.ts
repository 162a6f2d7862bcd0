/** Compiles some kernels for a target, runs one, and prints what came of it: a process of its own for tests. */
import {
  argument,
  arith,
  buffer,
  kernel,
  memref,
  openTarget,
  type TargetName,
} from "../../src/compiler/index.js";
import { arenaMemory } from "../../src/functions/index.js";
import {
  combinationKernel,
  placementKernel,
} from "../../src/transceiver/interleaving/deinterleaving-kernel.js";

const memory = arenaMemory(4096);
const target = openTarget(process.argv[2] as TargetName);

// Those of the program are found by name on every target, those of somebody else by their text in native code.
const [place, combine] = [placementKernel(16), combinationKernel(16)].map((one) =>
  target.compile(one, memory),
);
const bytes = new Int8Array(memory.buffer);
bytes.fill(21, 64, 128);
place!(64, 256, 50);
combine!(64, 256, 50);
let result = [...bytes.subarray(256, 307)].reduce((sum, byte) => sum + byte) / 50;

if (target.name === "llvm") {
  const addTo = (what: number) =>
    kernel(`add_${what}`, { to: buffer("i32", 4), n: argument("i32") }, ({ to, n }) => {
      const sum = arith.addi(n, what);
      memref.store(sum, to, 0);
      return sum;
    });
  const results = [20, 30, 40].map((what) => target.compile(addTo(what), memory)(64, 42 - what));
  if (results.some((one) => one !== 42)) result = Number.NaN;
}
const { compiled, loaded } = target.counts();
process.stdout.write(JSON.stringify({ compiled, loaded, result }));
