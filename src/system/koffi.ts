import { createRequire } from "node:module";

/** What calls functions of shared libraries, an optional dependency. */
export type Koffi = typeof import("koffi").default;

/** Loads koffi. @throws what `require` throws where it is not installed or has no binary for this platform. */
export function loadKoffi(): Koffi {
  return createRequire(import.meta.url)("koffi") as Koffi;
}
