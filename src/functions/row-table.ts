/**
 * Which row of keyed state each key has. Keys are whole numbers from 0 to 2^31 - 1. Nothing is allocated after creation.
 *
 * Invariants:
 * 1. A key has at most one row, and a row at most one key.
 * 2. Every key that has a row is found from its place in the hash table on without passing an empty place.
 * 3. The rows that have a key stand in a list, the one used least recently first.
 * 4. A row that is held, or is not clean where that counts, keeps its key.
 */
export interface RowTable {
  readonly capacity: number;
  /** Rows that have a key. */
  readonly size: number;
  /** The row of a key, or -1. */
  find(key: number): number;
  /** The key of a row, or -1. */
  keyOf(row: number): number;
  /** Makes a row the one used last. */
  touch(row: number): void;
  /**
   * A row for a key that has none: a free one, else the one used least recently that may be taken; -1 where there is none.
   * @param cleanOnly whether rows that are not clean keep their keys
   */
  take(key: number, cleanOnly: boolean): number;
  /** How often each row is held. */
  readonly held: Int32Array;
  /** 1: what the row holds is nowhere else. */
  readonly dirty: Uint8Array;
}

const none = -1;

export function createRowTable(capacity: number): RowTable {
  const places = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)));
  const mask = places - 1;
  /** Row of each place, or none. */
  const table = new Int32Array(places).fill(none);
  const keys = new Int32Array(capacity).fill(none);
  const before = new Int32Array(capacity + 1);
  const after = new Int32Array(capacity + 1);
  // The last element closes the list to a ring.
  const ends = capacity;
  before[ends] = ends;
  after[ends] = ends;
  const held = new Int32Array(capacity);
  const dirty = new Uint8Array(capacity);
  let size = 0;

  const placeOf = (key: number): number => {
    const mixed = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d);
    return (mixed ^ (mixed >>> 13)) & mask;
  };
  const unlink = (row: number): void => {
    after[before[row]] = after[row];
    before[after[row]] = before[row];
  };
  const append = (row: number): void => {
    before[row] = before[ends];
    after[row] = ends;
    after[before[ends]] = row;
    before[ends] = row;
  };
  const insert = (key: number, row: number): void => {
    let place = placeOf(key);
    while (table[place] !== none) place = (place + 1) & mask;
    table[place] = row;
    keys[row] = key;
    append(row);
  };
  const remove = (row: number): void => {
    let gap = placeOf(keys[row]);
    while (table[gap] !== row) gap = (gap + 1) & mask;
    table[gap] = none;
    // What comes behind moves up where it would not be found any more.
    for (let place = (gap + 1) & mask; table[place] !== none; place = (place + 1) & mask) {
      const wanted = placeOf(keys[table[place]]);
      if (((place - wanted) & mask) < ((place - gap) & mask)) continue;
      table[gap] = table[place];
      table[place] = none;
      gap = place;
    }
    keys[row] = none;
    unlink(row);
  };

  return {
    capacity,
    get size() {
      return size;
    },
    held,
    dirty,
    find(key) {
      let place = placeOf(key);
      while (table[place] !== none) {
        if (keys[table[place]] === key) return table[place];
        place = (place + 1) & mask;
      }
      return none;
    },
    keyOf: (row) => keys[row],
    touch(row) {
      unlink(row);
      append(row);
    },
    take(key, cleanOnly) {
      let row = none;
      if (size < capacity) row = size++;
      else {
        row = after[ends];
        while (row !== ends && (held[row] > 0 || (cleanOnly && dirty[row] === 1))) row = after[row];
        if (row === ends) return none;
        remove(row);
      }
      insert(key, row);
      dirty[row] = 0;
      return row;
    },
  };
}
