import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createLog, logFile_bytes, logPaths, openLogFiles, readLog } from "./log.js";
import { encodeRecord, sizeOfWrites } from "./log-record.js";
import type { Write } from "./store.js";

const seed = 20261121;
const root = mkdtempSync(join(tmpdir(), "neuroran-log-"));
afterAll(() => rmSync(root, { recursive: true }));
const directory = join(root, "log");
mkdirSync(directory);
createLog(directory);
const blank = readFileSync(logPaths(directory)[0]);
const salt = 77;
const sector_bytes = 512;

interface Written {
  readonly sequence: number;
  readonly file: 0 | 1;
  readonly start: number;
  readonly end: number;
}

/** What the two files hold after records of these sizes, the file being changed before some of them. */
function filesOf(records: readonly { size: number; isSwitch: boolean }[]): {
  files: Buffer[];
  written: Written[];
  applied: number;
} {
  const files = [Buffer.from(blank), Buffer.from(blank)];
  const written: Written[] = [];
  let [file, position, applied] = [0 as 0 | 1, 0, 0];
  let switchedAt = 0;
  records.forEach(({ size, isSwitch }, index) => {
    if (isSwitch && position > 0) {
      // What the other file held must have been drained.
      applied = switchedAt;
      switchedAt = index;
      file = file === 0 ? 1 : 0;
      position = 0;
    }
    const batch: Write[] = [{ key: `key ${index}`, value: Buffer.alloc(size, index + 1) }];
    const { bytes } = encodeRecord([batch], sizeOfWrites(batch), index + 1, salt);
    bytes.copy(files[file]!, position);
    written.push({ sequence: index + 1, file, start: position, end: position + bytes.length });
    position += bytes.length;
  });
  return { files, written, applied };
}

const history = fc.array(
  fc.record({
    size: fc.nat({ max: 3000 }),
    isSwitch: fc.integer({ min: 0, max: 4 }).map((number) => number === 0),
  }),
  { minLength: 1, maxLength: 20 },
);

function read(files: readonly Buffer[], applied: number): number[] {
  logPaths(directory).forEach((path, index) => {
    // No history is longer; what is behind stays blank.
    const file = openSync(path, "r+");
    writeSync(file, files[index]!, 0, 2 ** 17, 0);
    closeSync(file);
  });
  return readLog(directory, applied, salt).map((record) => record.sequence);
}

const numbersFrom = (applied: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - applied) }, (_, index) => applied + 1 + index);

describe("the log", () => {
  it("gives the records that are not applied, in order, whatever file they lie in", () => {
    fc.assert(
      fc.property(history, fc.nat(), (records, number) => {
        const { files, written, applied } = filesOf(records);
        const atLeast = applied + (number % (written.length - applied + 1));
        expect(read(files, atLeast)).toEqual(numbersFrom(atLeast, written.length));
      }),
      { seed, numRuns: 60 },
    );
  });

  // Invariant 1.
  it("drops a last record of which some sectors never reached the disk, and nothing else", () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.boolean()), (records, isLost) => {
        const { files, written, applied } = filesOf(records);
        const last = written.at(-1)!;
        const before = filesOf(records.slice(0, -1)).files[last.file]!;
        const file = files[last.file]!;
        let lost = false;
        for (let at = last.start - (last.start % sector_bytes); at < last.end; at += sector_bytes) {
          if (!isLost.next().value) continue;
          const sector = before.subarray(at, at + sector_bytes);
          if (sector.compare(file, at, at + sector.length) !== 0) lost = true;
          sector.copy(file, at);
        }
        expect(read(files, applied)).toEqual(numbersFrom(applied, lost ? last.sequence - 1 : last.sequence));
      }),
      { seed, numRuns: 60 },
    );
  });

  it("reports damage to any other record that is not applied, and to none that is", () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (records, which, bit) => {
        const { files, written, applied } = filesOf(records);
        const victim = written[which % written.length]!;
        const at = victim.start + ((bit >> 3) % (victim.end - victim.start));
        // What a later record lies on is no damage to it.
        fc.pre(
          written.every(
            (one) =>
              one.sequence <= victim.sequence ||
              one.file !== victim.file ||
              one.start >= victim.end ||
              one.end <= victim.start,
          ),
        );
        files[victim.file]![at]! ^= 1 << (bit & 7);
        if (victim.sequence <= applied)
          expect(read(files, applied)).toEqual(numbersFrom(applied, written.length));
        else if (victim.sequence === written.length) {
          expect(read(files, applied)).toEqual(numbersFrom(applied, written.length - 1));
        } else expect(() => read(files, applied)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
      }),
      { seed, numRuns: 80 },
    );
  });

  it("has no trace of a record that was taken back, and the room back that only it needed", async () => {
    const recordOf = (sequence: number, length: number): Buffer => {
      const batch = [{ key: `key ${sequence}`, value: Buffer.alloc(length, sequence) }];
      return encodeRecord([batch], sizeOfWrites(batch), sequence, salt).bytes;
    };
    for (const length of [0, 5000, logFile_bytes]) {
      createLog(directory);
      const log = openLogFiles(directory);
      const [first, second, short] = [recordOf(1, length), recordOf(2, 3000), recordOf(2, 10)];
      await log.write(1, first, 0);
      await log.takeBack(1, first, 0);
      expect(readLog(directory, 0, salt)).toEqual([]);
      expect(statSync(logPaths(directory)[1]).size).toBe(logFile_bytes);
      await log.write(0, recordOf(1, length), 0);
      await log.write(0, second, first.length);
      expect(readLog(directory, 0, salt)).toHaveLength(2);
      await log.takeBack(0, second, first.length);
      expect(readLog(directory, 0, salt)).toHaveLength(1);
      await log.write(0, short, first.length);
      expect(readLog(directory, 0, salt).map((record) => record.end)).toEqual([
        first.length,
        first.length + short.length,
      ]);
      log.close();
    }
  });

  it("takes records of another store, and such as lie in values, for none", async () => {
    createLog(directory);
    const inner = [{ key: "inner", value: Buffer.from("x") }];
    const foreign = encodeRecord([inner], sizeOfWrites(inner), 2, salt + 1).bytes;
    const batch = [{ key: "outer", value: foreign }];
    const { bytes } = encodeRecord([batch], sizeOfWrites(batch), 1, salt);
    const log = openLogFiles(directory);
    await log.write(0, bytes, 0);
    await log.write(0, foreign, bytes.length);
    log.close();
    const records = readLog(directory, 0, salt);
    expect(records.map((record) => record.writes.map((write) => write.key))).toEqual([["outer"]]);
    expect(readLog(directory, 0, salt + 2)).toEqual([]);
  });
});
