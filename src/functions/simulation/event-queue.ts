/** Something that happens at a time of the simulation. */
export interface SimulatedEvent {
  readonly time_ms: number;
  /** Events of one time happen in the order of these numbers. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Events in the order of their times. */
export interface EventQueue {
  readonly size: number;
  push(time_ms: number, run: () => void): SimulatedEvent;
  /** The next event that is not cancelled, taken out; undefined where there is none. */
  pop(): SimulatedEvent | undefined;
}

/** A binary heap. */
export function createEventQueue(): EventQueue {
  const heap: SimulatedEvent[] = [];
  let pushed = 0;

  function before(a: SimulatedEvent, b: SimulatedEvent): boolean {
    return a.time_ms < b.time_ms || (a.time_ms === b.time_ms && a.order < b.order);
  }

  function rise(from: number): void {
    let index = from;
    const event = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  function sink(event: SimulatedEvent): void {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, event)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }

  function take(): SimulatedEvent | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) sink(last);
    return first;
  }

  return {
    get size() {
      return heap.length;
    },
    push(time_ms, run) {
      const event = { time_ms, order: pushed++, run, cancelled: false };
      heap.push(event);
      rise(heap.length - 1);
      return event;
    },
    pop() {
      let event = take();
      while (event?.cancelled) event = take();
      return event;
    },
  };
}
