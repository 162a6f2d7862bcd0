/** What is due at times, by name: the earliest first, of equal times the one that was put in first. */
export interface DueQueue {
  /** Replaces what has this name. */
  set(name: string, due_ms: number): void;
  /** Harmless where there is none. */
  delete(name: string): void;
  has(name: string): boolean;
  /** The earliest time; undefined when empty. */
  earliest(): number | undefined;
  /** Takes the earliest out if it is due at `now_ms`, else undefined. */
  take(now_ms: number): string | undefined;
  clear(): void;
  readonly size: number;
  /** Items that take memory. */
  readonly held: number;
}

interface Item {
  readonly name: string;
  readonly due_ms: number;
  readonly order: number;
}

/** What was replaced or deleted may take as much room as what is there, and this much more. */
const mostStale = 64;

/** An empty queue. A binary heap, in which what was replaced stays until it comes up, or is too much. */
export function createDueQueue(): DueQueue {
  const heap: Item[] = [];
  const valid = new Map<string, Item>();
  let order = 0;

  const before = (one: Item, other: Item): boolean =>
    one.due_ms < other.due_ms || (one.due_ms === other.due_ms && one.order < other.order);

  const push = (item: Item): void => {
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  };

  const pop = (): void => {
    const item = heap.pop() as Item;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], item)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  };

  const rebuild = (): void => {
    heap.length = 0;
    for (const item of valid.values()) push(item);
  };

  const first = (): Item | undefined => {
    while (heap.length > 0 && valid.get(heap[0].name) !== heap[0]) pop();
    return heap[0];
  };

  return {
    set(name, due_ms) {
      const item = { name, due_ms, order: order++ };
      valid.set(name, item);
      if (heap.length < 2 * valid.size + mostStale) push(item);
      else rebuild();
    },
    delete: (name) => void valid.delete(name),
    has: (name) => valid.has(name),
    earliest: () => first()?.due_ms,
    take(now_ms) {
      const item = first();
      if (item === undefined || item.due_ms > now_ms) return undefined;
      pop();
      valid.delete(item.name);
      return item.name;
    },
    clear() {
      heap.length = 0;
      valid.clear();
    },
    get size() {
      return valid.size;
    },
    get held() {
      return heap.length;
    },
  };
}
