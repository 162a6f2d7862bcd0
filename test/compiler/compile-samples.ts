/** Compiles some kernels for the native target, runs one, and prints what came of it: a process of its own for tests. */
import { argument, arith, buffer, kernel, llvmTarget, memref } from "../../src/compiler/index.js";
import { arenaMemory } from "../../src/functions/index.js";

const memory = arenaMemory(4096);
const target = llvmTarget();
const addTo = (what: number) =>
  kernel(`add_${what}`, { to: buffer("i32", 4), n: argument("i32") }, ({ to, n }) => {
    const sum = arith.addi(n, what);
    memref.store(sum, to, 0);
    return sum;
  });
const results = [20, 30, 40].map((what) => target.compile(addTo(what), memory)(64, 42 - what));
const agreed = results.every((result) => result === results[0]) ? results[0] : Number.NaN;
const { compiled, loaded } = target.counts();
process.stdout.write(JSON.stringify({ compiled, loaded, result: agreed }));
