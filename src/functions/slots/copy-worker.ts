/** The thread that copies marked rows of keyed state in the background, slowly enough to leave slots the memory's bandwidth. */
import { workerData } from "node:worker_threads";
import { avoidProcessors } from "../../system/index.js";
import { createRowCopies, type SharedCopies } from "./row-copies.js";
import { type CopyControl, copyWord } from "./slot-checkpoint.js";

const { memory, shared, control, processor } = workerData as {
  memory: WebAssembly.Memory;
  shared: SharedCopies;
  control: CopyControl;
  processor: number | undefined;
};
if (processor !== undefined) avoidProcessors([processor]);
const copies = createRowCopies(memory.buffer, shared);
const clock = new Int32Array(new SharedArrayBuffer(4));
/** Behind each chunk of 64 KiB, which takes some 10 µs: about 0.5 GB/s at most. */
const pause_ms = 0.05;

for (let epoch = 0; ; ) {
  Atomics.wait(control, copyWord.asked, epoch);
  if (Atomics.load(control, copyWord.ending) === 1) break;
  epoch = Atomics.load(control, copyWord.asked);
  while (Atomics.load(shared.left, 0) > 0) {
    // Again from the start where a slot thread has ended and what it had claimed is marked again.
    for (let next = copies.copyNext(0); next >= 0; next = copies.copyNext(next))
      Atomics.wait(clock, 0, 0, pause_ms);
    Atomics.wait(clock, 0, 0, pause_ms);
  }
  Atomics.store(control, copyWord.done, epoch);
  Atomics.notify(control, copyWord.done);
}
