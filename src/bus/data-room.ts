import { closeSync, fstatSync, ftruncateSync, openSync, statfsSync, writeSync } from "node:fs";

/** What LMDB says of a data file: the pages of its tree, and the last page of the file that it has ever used. */
export interface DataPages {
  readonly pageSize: number;
  readonly treeDepth: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly lastPageNumber: number;
}

export type Writes = ReadonlyMap<string, Uint8Array | undefined>;

/** Node, checksum and, for a value that lies on pages of its own, the number of the first. */
const nodeOverhead_bytes = 24;
const pageHeader_bytes = 24;
/** For the list of free pages, and both ends of everything that is rounded. */
const fewPages = 64;

/**
 * Sees that a data file has the room that a transaction may need, by writing zeros behind its end, where LMDB's next pages will
 * be. LMDB must not find the disk full by itself: it makes its report of that in memory that is too short for it, which ends
 * the process sooner or later, and writes it on the terminal.
 * @throws ENOSPC, and the file is as it was; other errors of the file system.
 */
export function reserveRoom(path: string, pages: DataPages, writes: Writes): void {
  const end_bytes = (pages.lastPageNumber + 1 + mostNewPages(pages, writes)) * pages.pageSize;
  const file = openSync(path, "r+");
  try {
    const { size } = fstatSync(file);
    if (size >= end_bytes) return;
    const { bavail, bsize } = statfsSync(path);
    // Others on the disk are not to find it full for a moment as well.
    if (bavail * bsize < end_bytes - size) throw noRoom();
    const zeros = Buffer.alloc(Math.min(2 ** 20, end_bytes - size));
    try {
      for (let at = size; at < end_bytes; at += zeros.length) {
        if (writeSync(file, zeros, 0, zeros.length, at) < zeros.length) throw noRoom();
      }
    } catch (error) {
      ftruncateSync(file, size);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

/** Pages that a transaction may write at most: copies of those it changes, halves of those that it splits, long values. */
function mostNewPages(pages: DataPages, writes: Writes): number {
  const { pageSize, treeDepth, treeBranchPageCount, treeLeafPageCount, lastPageNumber } = pages;
  let [ownPages, shared_bytes] = [0, 0];
  for (const [key, value] of writes) {
    const node_bytes = nodeOverhead_bytes + Buffer.byteLength(key);
    const length = value?.length ?? 0;
    const isLong = node_bytes + length > pageSize / 2 - pageHeader_bytes;
    if (isLong) ownPages += Math.ceil((pageHeader_bytes + nodeOverhead_bytes + length) / pageSize);
    shared_bytes += isLong ? node_bytes : node_bytes + length;
  }
  const copies =
    Math.min(writes.size, treeLeafPageCount) + Math.min(writes.size * treeDepth, treeBranchPageCount);
  // Pages that were split are half full, and what is put between two of them may be split from both.
  const splits = Math.ceil((4 * shared_bytes) / pageSize);
  return copies + splits + ownPages + Math.ceil(lastPageNumber / 256) + fewPages;
}

function noRoom(): Error {
  return Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
}
