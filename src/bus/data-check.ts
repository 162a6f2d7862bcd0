/**
 * Checks a data file before LMDB maps it: LMDB takes every page as it is, so that one damaged pointer, or the missing end of a
 * file, would end the process by a signal instead of an error, and a damaged key would hide an entry.
 *
 * Invariants, in a file that passes:
 * 1. Every page that the newest meta page leads to is there, says that it is the page that it was asked for, is led to
 *    once, and is not listed as free.
 * 2. Every tree has the depth, pages and entries that its root says, its keys ascend, and each is within the bounds that
 *    the pages above it set: so whatever is there is found, and nothing is there that was not.
 * 3. Every entry matches its checksum.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { corruptData, isIntact } from "./data-file.js";

/** Pages as liblmdb lays them out in version 2 of its format, little-endian. */
const pageHeaderBytes = 24;
const nodeHeaderBytes = 8;
const [branchFlag, leafFlag, overflowFlag, metaFlag, overflowNode] = [1, 2, 4, 8, 1];
const [magic, formatVersion] = [0xbeefc0de, 2];
const metaPages = 2;
const smallestPage_bytes = 512;
const largestPage_bytes = 65536;
const noPage = 2n ** 64n - 1n;
const largestMap_bytes = 2 ** 46;
const mostPages = 2 ** 31;

interface Tree {
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  readonly root: bigint;
}

interface Meta {
  readonly flags: number;
  readonly pageBytes: number;
  readonly free: Tree;
  readonly main: Tree;
  readonly lastPage: number;
  readonly transaction: number;
}

interface Counts {
  branchPages: number;
  leafPages: number;
  overflowPages: number;
  entries: number;
}

type Compare = (one: Buffer, other: Buffer) => number;

/** @throws NeuroranError STORE_CORRUPT, with the page that is wrong. */
export function checkDataFile(path: string): void {
  const file = openSync(path, "r");
  try {
    check(path, file);
  } finally {
    closeSync(file);
  }
}

function check(path: string, file: number): void {
  const refuse = (what: string): never => {
    throw corruptData(path, what);
  };
  const meta = newestMeta(file, refuse);
  const { pageBytes, lastPage, transaction } = meta;
  if (lastPage < metaPages - 1 || lastPage > mostPages) refuse(`names page ${lastPage} as its last`);
  const isSeen = new Uint8Array(lastPage + 1);

  function see(page: number, whose: string): void {
    if (page < metaPages || page > lastPage) refuse(`${whose} leads to page ${page}, beyond the last`);
    if (isSeen[page] !== 0) refuse(`${whose} leads to page ${page}, which something else has`);
    isSeen[page] = 1;
  }

  function read(page: number, pages: number): Buffer {
    const buffer = Buffer.allocUnsafe(pages * pageBytes);
    if (readSync(file, buffer, 0, buffer.length, page * pageBytes) < buffer.length) {
      refuse(`is cut off before page ${page} ends`);
    }
    if (readPage(buffer, 0) !== page) refuse(`has another page in the place of page ${page}`);
    if (readPage(buffer, 8) > transaction) refuse(`has a page ${page} of a transaction to come`);
    return buffer;
  }

  function overflowValue(node: Buffer, size: number, page: number, counts: Counts): Buffer {
    if (node.length < pageHeaderBytes) refuse(`has a damaged entry on page ${page}`);
    const first = readPage(node, 0);
    const pages = readPage(node, 16);
    if (pages !== Math.ceil((pageHeaderBytes + size) / pageBytes))
      refuse(`has a damaged entry on page ${page}`);
    for (let index = 0; index < pages; index++) see(first + index, `page ${page}`);
    const buffer = read(first, pages);
    if (buffer.readUInt16LE(18) !== overflowFlag || buffer.readUInt32LE(20) !== pages) {
      refuse(`has a damaged page ${first}`);
    }
    counts.overflowPages += pages;
    return buffer.subarray(pageHeaderBytes, pageHeaderBytes + size);
  }

  function walk(
    tree: Tree,
    compare: Compare,
    visit: (key: Buffer, value: Buffer, page: number) => void,
  ): void {
    const counts: Counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };

    function descend(page: number, depth: number, from: Buffer | undefined, to: Buffer | undefined): void {
      const damaged = (): never => refuse(`has a damaged page ${page}`);
      const buffer = read(page, 1);
      const isLeaf = depth === tree.depth;
      if (buffer.readUInt16LE(18) !== (isLeaf ? leafFlag : branchFlag)) damaged();
      const [lower, upper] = [buffer.readUInt16LE(20), buffer.readUInt16LE(22)];
      if (lower > upper || (lower & 1) !== 0 || upper > pageBytes - pageHeaderBytes) damaged();
      const nodes = lower >> 1;
      if (nodes < (isLeaf ? 1 : 2)) damaged();
      isLeaf ? counts.leafPages++ : counts.branchPages++;

      let [previous, child, childFrom] = [from, -1, from];
      for (let index = 0; index < nodes; index++) {
        const offset = buffer.readUInt16LE(pageHeaderBytes + 2 * index);
        const start = pageHeaderBytes + offset;
        if (offset < upper || start + nodeHeaderBytes > pageBytes) damaged();
        const keyEnd = start + nodeHeaderBytes + buffer.readUInt16LE(start + 6);
        if (keyEnd > pageBytes) damaged();
        const key = buffer.subarray(start + nodeHeaderBytes, keyEnd);
        // The first key of a branch page stands for all that are lower, and means nothing.
        if (isLeaf || index > 0) {
          const order = previous === undefined ? 1 : compare(key, previous);
          const isFirst = index === (isLeaf ? 0 : 1);
          if (isFirst && isLeaf ? order < 0 : order <= 0) damaged();
          if (to !== undefined && compare(key, to) >= 0) damaged();
          previous = key;
        }
        if (isLeaf) {
          counts.entries++;
          const [flags, size] = [buffer.readUInt16LE(start + 4), buffer.readUInt32LE(start)];
          if (flags === 0 && keyEnd + size > pageBytes) damaged();
          if (flags !== 0 && flags !== overflowNode) damaged();
          const value =
            flags === 0
              ? buffer.subarray(keyEnd, keyEnd + size)
              : overflowValue(buffer.subarray(keyEnd, keyEnd + pageHeaderBytes), size, page, counts);
          visit(key, value, page);
        } else {
          if (child >= 0) descend(child, depth + 1, childFrom, key);
          if (index > 0) childFrom = key;
          child = buffer.readUInt32LE(start) + buffer.readUInt16LE(start + 4) * 2 ** 32;
          see(child, `page ${page}`);
        }
      }
      if (!isLeaf) descend(child, depth + 1, childFrom, to);
    }

    if (tree.root !== noPage) {
      see(Number(tree.root), "its root");
      if (tree.depth < 1 || tree.depth > 32) refuse("has a damaged root");
      descend(Number(tree.root), 1, undefined, undefined);
    }
    const names = ["branchPages", "leafPages", "overflowPages", "entries"] as const;
    for (const name of names) {
      if (counts[name] !== tree[name]) refuse(`has ${counts[name]} ${name} where ${tree[name]} are recorded`);
    }
  }

  walk(meta.main, Buffer.compare, (key, value, page) => {
    if (!isIntact(key, value)) {
      refuse(`has an entry on page ${page} that does not match its checksum: ${printable(key)}`);
    }
  });
  const freed: { first: number; count: number }[] = [];
  walk(meta.free, compareNumbers, (key, value, page) => {
    if (key.length !== 8 || value.length < 8) refuse(`has a damaged entry on page ${page}`);
    const ids = readPage(value, 0);
    if (ids > value.length / 8 - 1) refuse(`has a damaged entry on page ${page}`);
    for (let index = 1; index <= ids; index++) {
      const id = Number(value.readBigInt64LE(8 * index));
      if (id === 0) continue;
      // A negative number says how many pages follow from the number behind it.
      if (id < 0 && ++index > ids) refuse(`has a damaged entry on page ${page}`);
      freed.push(id > 0 ? { first: id, count: 1 } : { first: readPage(value, 8 * index), count: -id });
    }
  });
  // When both trees are known, as pages of either must not be free.
  for (const { first, count } of freed) {
    if (count > lastPage) refuse(`lists ${count} pages from page ${first} as free`);
    for (let index = 0; index < count; index++) see(first + index, "the list of free pages");
  }
}

function newestMeta(file: number, refuse: (what: string) => never): Meta {
  const first = readMeta(file, 0, refuse);
  const second = readMeta(file, first.pageBytes, refuse);
  if (first.pageBytes !== second.pageBytes || first.flags !== second.flags)
    refuse("has two meta pages that do not belong together");
  // Transactions write them in turn, so that a number that was changed shows.
  const [even, odd] = [first.transaction, second.transaction];
  const isNew = even === 0 && odd === 0;
  if (!isNew && (Math.abs(even - odd) !== 1 || even % 2 !== 0)) {
    refuse("has two meta pages that do not belong together");
  }
  return even > odd ? first : second;
}

function readMeta(file: number, offset: number, refuse: (what: string) => never): Meta {
  const name = offset === 0 ? 0 : 1;
  const page = Buffer.alloc(168);
  if (readSync(file, page, 0, page.length, offset) < page.length) refuse(`is cut off in meta page ${name}`);
  const pageBytes = page.readUInt32LE(48);
  const isMeta = page.readUInt16LE(18) === metaFlag && readPage(page, 0) === name;
  const isKnown = page.readUInt32LE(24) === magic && page.readUInt32LE(28) === formatVersion;
  const isSize =
    pageBytes >= smallestPage_bytes && pageBytes <= largestPage_bytes && (pageBytes & (pageBytes - 1)) === 0;
  if (!isMeta || !isKnown || !isSize) refuse(`has a damaged meta page ${name}`);
  // Without flags, entries of the main tree are plain; the file is mapped where the kernel likes.
  const mapBytes = readPage(page, 40);
  const isPlain = page.readUInt16LE(100) === 0 && page.readBigUInt64LE(32) === 0n;
  const isMapped = mapBytes >= (readPage(page, 144) + 1) * pageBytes && mapBytes < largestMap_bytes;
  if (!isPlain || !isMapped) refuse(`has a damaged meta page ${name}`);
  return {
    pageBytes,
    flags: page.readUInt16LE(52),
    free: readTree(page, 48),
    main: readTree(page, 96),
    lastPage: readPage(page, 144),
    transaction: readPage(page, 152),
  };
}

function readTree(page: Buffer, offset: number): Tree {
  return {
    depth: page.readUInt16LE(offset + 6),
    branchPages: readPage(page, offset + 8),
    leafPages: readPage(page, offset + 16),
    overflowPages: readPage(page, offset + 24),
    entries: readPage(page, offset + 32),
    root: page.readBigUInt64LE(offset + 40),
  };
}

/** A number of 64 bits, of which numbers beyond 2^53 are wrong in any case. */
function readPage(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * 2 ** 32;
}

function compareNumbers(one: Buffer, other: Buffer): number {
  if (one.length !== 8 || other.length !== 8) return -1;
  return readPage(one, 0) - readPage(other, 0);
}

function printable(key: Buffer): string {
  return JSON.stringify(key.toString().replaceAll("\0", "/"));
}
