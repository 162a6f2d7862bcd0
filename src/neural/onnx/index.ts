export { type ReadOptions, readOnnx } from "./read.js";
export { writeOnnx } from "./write.js";
