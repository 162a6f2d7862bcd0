/**
 * One shared memory of fixed size in which all tensors of a tenant lie.
 *
 * Invariants:
 * 1. No two live tensors overlap; each begins at a multiple of 64 and never at 0.
 * 2. At least 64 bytes behind every tensor belong to no other tensor and lie inside the memory.
 * 3. Releasing a region gives back all its bytes, and free neighbours become one.
 */
import { NeuroranError } from "../errors.js";
import { bytesPerElement, type DataType, viewOf } from "./data-type.js";
import { createFreeList } from "./free-list.js";
import { createLastingTensors, type LastingPart, type LastingTensors, type Part } from "./lasting.js";
import type { Tensor } from "./tensor.js";

const alignment = 64;
const page = 65536;
const canary = 0xc5;

/** Zeros are copied: engines fill shared memory byte by byte, and copy it by words. */
const zeros = new Uint8Array(page);

/** A tensor with its padding: bytes that the free list gave. */
interface Block {
  readonly tensor: Tensor;
  readonly begin: number;
  readonly end: number;
}

/** Tensors that are released together, such as those of one prepared variant. */
export interface Region {
  readonly name: string;
  /**
   * A new zeroed tensor. A size of 0 gives a tensor without elements.
   * @throws NeuroranError ARENA_FULL saying what was asked and what is free; SHAPE_INVALID for sizes that are not
   * whole numbers from 0.
   */
  tensor<D extends DataType>(name: string, dtype: D, shape: readonly number[]): Tensor<D>;
  /** Gives the memory of all its tensors back; their views must not be used any more. Harmless when repeated. */
  release(): void;
}

/** A shared memory and what is taken of it. */
export interface Arena {
  /** Never grows, so that views stay valid. */
  readonly memory: WebAssembly.Memory;
  /** Where state and feedback edges go in an arena that shares them with another thread's; elsewhere they go into a region. */
  readonly lasting: LastingTensors | undefined;
  /** A new region; its name stands in messages only. */
  region(name: string): Region;
  /** Bytes that are free, and the largest tensor block that would still fit. */
  available(): { readonly bytes: number; readonly largest: number };
  /**
   * Looks whether someone wrote beside a live tensor; does nothing in an arena without canaries.
   * @throws NeuroranError CANARY_OVERWRITTEN naming the tensor, its region and the byte.
   */
  checkCanaries(): void;
}

/**
 * A shared memory for an arena with room for `bytes` bytes, in whole pages of 64 KiB; one page more is a guard
 * behind the last tensor, where reads past its end come to no harm.
 */
export function arenaMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil((bytes + alignment) / page) + 1;
  if (!(bytes > 0) || pages > 65536) {
    const problem = `an arena of ${bytes} bytes is impossible`;
    throw new NeuroranError("ARENA_SIZE", `${problem}: ask for more than 0 and less than 4 GiB`);
  }
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/**
 * An arena with room for `bytes` bytes of tensors and their padding, in a memory of its own; or over a `memory` made by
 * `arenaMemory`, or a part of it, as a worker thread does. With canaries, known bytes stand around each tensor
 * and `checkCanaries` tells who wrote on them.
 */
export function createArena(
  options:
    | { readonly bytes: number; readonly canaries?: boolean }
    | {
        readonly memory: WebAssembly.Memory;
        /** Multiples of 64; the whole memory unless given. */
        readonly part?: Part;
        readonly lasting?: LastingPart;
        readonly canaries?: boolean;
      },
): Arena {
  const memory = "memory" in options ? options.memory : arenaMemory(options.bytes);
  const { canaries = false } = options;
  const { buffer } = memory;
  const bytes = new Uint8Array(buffer);
  const all = { begin: 0, end: buffer.byteLength - page };
  const part = "memory" in options ? (options.part ?? all) : all;
  const freeList = createFreeList(Math.max(alignment, part.begin), part.end);
  const shared = "memory" in options ? options.lasting : undefined;
  const lasting = shared === undefined ? undefined : createLastingTensors(memory, shared);
  const live = new Set<{ readonly name: string; readonly blocks: readonly Block[] }>();

  const region = (regionName: string): Region => {
    const blocks: Block[] = [];
    const own = { name: regionName, blocks };
    let released = false;
    return {
      name: regionName,
      tensor<D extends DataType>(name: string, dtype: D, shape: readonly number[]): Tensor<D> {
        if (released)
          throw new NeuroranError("REGION_RELEASED", `region ${regionName} was released; ask for another`);
        const elements = elementsOf(`${regionName}.${name}`, shape);
        const byteLength = elements * bytesPerElement[dtype];
        const front = canaries ? alignment : 0;
        const size = front + (Math.ceil(byteLength / alignment) + 1) * alignment;
        const begin = freeList.take(size);
        if (begin === undefined)
          throw full(`${regionName}.${name}`, size, freeList.free(), freeList.largest());
        const offset = begin + front;
        const end = begin + size;
        clear(bytes, begin, end);
        if (canaries) {
          bytes.fill(canary, begin, offset);
          bytes.fill(canary, offset + byteLength, end);
        }
        const view = viewOf(dtype, buffer, offset, elements);
        const tensor: Tensor<D> = { name, dtype, shape: [...shape], offset, byteLength, view };
        blocks.push({ tensor, begin, end });
        live.add(own);
        return tensor;
      },
      release() {
        released = true;
        for (const { begin, end } of blocks) freeList.give(begin, end - begin);
        blocks.length = 0;
        live.delete(own);
      },
    };
  };

  return {
    memory,
    lasting,
    region,
    available: () => ({ bytes: freeList.free(), largest: freeList.largest() }),
    checkCanaries() {
      if (!canaries) return;
      for (const { name, blocks } of live) for (const block of blocks) checkCanary(bytes, name, block);
    },
  };
}

function checkCanary(bytes: Uint8Array, region: string, { tensor, begin, end }: Block): void {
  const { name, offset, byteLength } = tensor;
  for (let at = begin; at < end; at++) {
    if (at === offset) at += byteLength;
    if (bytes[at] === canary) continue;
    const where =
      at < offset
        ? `${offset - at} bytes before its begin`
        : `${at - offset - byteLength} bytes past its end`;
    throw new NeuroranError(
      "CANARY_OVERWRITTEN",
      `tensor ${name} of ${region} was overrun: a write ${where}`,
    );
  }
}

function clear(bytes: Uint8Array, begin: number, end: number): void {
  let at = begin;
  for (; at + zeros.length <= end; at += zeros.length) bytes.set(zeros, at);
  bytes.set(zeros.subarray(0, end - at), at);
}

function elementsOf(place: string, shape: readonly number[]): number {
  let elements = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      const text = `${place} cannot have the shape [${shape.join(", ")}]`;
      throw new NeuroranError("SHAPE_INVALID", `${text}: sizes are whole numbers from 0`);
    }
    elements *= size;
  }
  return elements;
}

function full(place: string, asked: number, free: number, largest: number): NeuroranError {
  const room = `${free} bytes are free, the largest piece has ${largest}`;
  const remedy = "make the arena larger or keep fewer prepared variants";
  return new NeuroranError("ARENA_FULL", `${place} asks for ${asked} bytes; ${room}: ${remedy}`);
}
