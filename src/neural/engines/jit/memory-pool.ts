/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65536;

/** Memories that were given back, by their pages; a memory keeps its address space until the engine collects it. */
const idle = new Map<number, WebAssembly.Memory[]>();

/** Bytes after the last that a kernel may be given: vectors are read whole. */
const GUARD = 256;

/** A zeroed shared memory of at least so many bytes, for kernels. One that was given back serves again. */
export function takeMemory(bytes: number): WebAssembly.Memory {
  const pages = 2 ** Math.ceil(Math.log2(Math.ceil((bytes + GUARD) / PAGE)));
  const known = idle.get(pages)?.pop();
  if (known === undefined) return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Uint8Array(known.buffer).fill(0);
  return known;
}

/** Gives a memory back, which nobody may use any more. */
export function returnMemory(memory: WebAssembly.Memory): void {
  const pages = memory.buffer.byteLength / PAGE;
  const others = idle.get(pages) ?? [];
  others.push(memory);
  idle.set(pages, others);
}
