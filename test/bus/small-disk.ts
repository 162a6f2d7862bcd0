import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Why tests on a small disk are skipped. */
export const needsRoot = "only root can mount a small file system";

/** A file system in memory, of so many MiB, that can be filled. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the room that is left but for so many bytes (0), in pages of 4 kB. */
  fill(left_bytes?: number): void;
  /** Gives back what `fill` took. */
  free(): void;
  unmount(): void;
}

/** Undefined where this process may not mount. */
export function mountSmallDisk(path: string, size_mib: number): SmallDisk | undefined {
  mkdirSync(path, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size_mib}m`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const ballast = join(path, "ballast");
  return {
    path,
    fill(left_bytes = 0) {
      try {
        writeFileSync(ballast, Buffer.alloc(2 ** 27));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        truncateSync(ballast, statSync(ballast).size - left_bytes);
        return;
      }
      throw new Error(`${path} is larger than what was to fill it`);
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync("umount", ["--lazy", path]),
  };
}
