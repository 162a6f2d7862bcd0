import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** The folder of reference data that stands next to the repository. */
export const dataFolder = resolve(process.cwd(), "..", "shared", "data");

/** False where the reference data is absent; tests that need it then skip. */
export const hasData = existsSync(dataFolder);

/** Text of a file of the reference data, by its path below the folder. */
export function readText(path: string): string {
  return readFileSync(resolve(dataFolder, path), "utf8");
}

/** Little-endian float32 file as numbers. */
export function readFloats(path: string): number[] {
  const bytes = readFileSync(resolve(dataFolder, path));
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
}

/** The first `count` bits, most significant first, of hexadecimal text. */
export function hexToBits(hex: string, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const digit = Number.parseInt(hex[Math.floor(index / 4)] ?? "", 16);
    return (digit >> (3 - (index % 4))) & 1;
  });
}
