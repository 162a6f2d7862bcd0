import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Why tests on a small disk are skipped. */
export const needsRoot = "only root can mount a small file system";

/** A file system in memory, of so many MiB, that can be filled. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the room that is left. */
  fill(): void;
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
    fill() {
      try {
        writeFileSync(ballast, Buffer.alloc(2 ** 27));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
        throw error;
      }
      throw new Error(`${path} is larger than what was to fill it`);
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync("umount", ["--lazy", path]),
  };
}
