/** Orders native code and ends the process after so many milliseconds: a process of its own for tests. */
import { llvmTarget } from "../../src/compiler/index.js";
import { addKernel } from "./built-elsewhere.js";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
for (let k = 0; k < 50; k++) llvmTarget().compileInBackground!(addKernel(k, 100), memory);
const end = performance.now() + Number(process.argv[2]);
while (performance.now() < end);
if (process.argv[3] !== undefined) process.exit(Number(process.argv[3]));
