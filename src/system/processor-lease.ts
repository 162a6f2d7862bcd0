/**
 * Processors that are set apart for threads which process slots.
 *
 * Invariants:
 * 1. A processor has at most one holder among all processes of a network namespace: who holds it has bound the abstract
 *    Unix socket of its name, which the kernel frees with the process, however that ends.
 * 2. The lowest processor of a process is never leased, so that one is left for everything else.
 */
import { readFileSync } from "node:fs";
import { affinityProblem, processProcessors } from "./processors.js";
import { openSystemLibrary, type SystemLibrary } from "./system-library.js";

/** A processor that no other slot thread has, or why there is none. */
export interface ProcessorLease {
  readonly processor: number | undefined;
  /** Why none could be had. */
  readonly problem: string | undefined;
  /** Gives it back. Harmless when repeated. */
  release(): void;
}

const socketName = "neuroran/processor/";
const [unixFamily, datagram, closeOnExec] = [1, 2, 0o2000000];

/** The highest processor that the process may use and nobody has leased. */
export function leaseProcessor(): ProcessorLease {
  const problem = affinityProblem();
  if (problem !== undefined) return without(problem);
  const [, ...others] = processProcessors() ?? [];
  if (others.length === 0) return without("the process has a single processor");
  const library = openSystemLibrary() as SystemLibrary;
  const closeSocket = library.functions.func("close", "int", ["int"]);
  for (const processor of others.reverse()) {
    const socket = bindName(library, `${socketName}${processor}`);
    if (socket < 0) continue;
    let held = true;
    const release = (): void => {
      if (held) closeSocket(socket);
      held = false;
    };
    return { processor, problem: undefined, release };
  }
  return without("other slot threads have all processors but the first");
}

function without(problem: string): ProcessorLease {
  return { processor: undefined, problem, release() {} };
}

/** A socket that is bound to an abstract name; -1 where another is, or sockets are forbidden. */
function bindName({ functions }: SystemLibrary, name: string): number {
  const socket: number = functions.func("socket", "int", ["int", "int", "int"])(
    unixFamily,
    datagram | closeOnExec,
    0,
  );
  // struct sockaddr_un: the family in native order, then a name that begins with 0 and has no end mark.
  const address = Buffer.concat([
    new Uint8Array(Uint16Array.of(unixFamily).buffer),
    Buffer.from(`\0${name}`),
  ]);
  const bind = functions.func("bind", "int", ["int", "void *", "uint32_t"]);
  if (socket < 0 || bind(socket, address, address.length) === 0) return socket;
  functions.func("close", "int", ["int"])(socket);
  return -1;
}

/** The processors that slot threads of any process have leased, in ascending order; none where Linux is not. */
export function leasedProcessors(): number[] {
  let sockets: string;
  try {
    sockets = readFileSync("/proc/net/unix", "utf8");
  } catch {
    return [];
  }
  const names = sockets.matchAll(new RegExp(`@${socketName}(\\d+)$`, "gm"));
  return [...names].map(([, processor]) => Number(processor)).sort((one, other) => one - other);
}
