import { type Koffi, loadKoffi } from "./koffi.js";

/** The C library that this process runs on, to ask the operating system what Node does not offer. */
export interface SystemLibrary {
  readonly koffi: Koffi;
  readonly functions: ReturnType<Koffi["load"]>;
}

let opened: SystemLibrary | false | undefined;

/** The system's library; undefined where koffi is not installed, on Windows, and where pointers have 32 bits. */
export function openSystemLibrary(): SystemLibrary | undefined {
  opened ??= load() ?? false;
  return opened || undefined;
}

function load(): SystemLibrary | undefined {
  if (process.platform === "win32") return undefined;
  try {
    const koffi = loadKoffi();
    return koffi.sizeof("void *") === 8 ? { koffi, functions: koffi.load(null) } : undefined;
  } catch {
    return undefined;
  }
}
