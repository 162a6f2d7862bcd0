/** The public interface of the package. */

/** What requests and replies are checked by: modules that take it from here need not bring it along. */
export { z } from "zod";
export * from "./compiler/index.js";
export { InputError, NeuroranError } from "./errors.js";
export * from "./functions/index.js";
export * from "./neural/index.js";
export * from "./radio/index.js";
export * from "./server/index.js";
export * from "./transceiver/index.js";
