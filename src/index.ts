/** The public interface of the package. */
export * from "./compiler/index.js";
export { InputError, NeuroranError } from "./errors.js";
export * from "./functions/index.js";
export * from "./radio/index.js";
export * from "./transceiver/index.js";
