/** Checkpoints of a slot executor: the state as of a slot number, copied while slots go on. */
import { Worker } from "node:worker_threads";
import { InputError, NeuroranError } from "../../errors.js";
import { rowsTaken } from "../keyed-rows.js";
import type { KeyedDescription } from "../keyed-shape.js";
import { type TensorDescription, withView } from "../tensor.js";
import { createSharedCopies, markWritten, type SharedCopies, takeCopies } from "./row-copies.js";
import type { RowBytes, SlotKeys } from "./slot-keys.js";
import { barrierState, type KeptTensor, type SharedRing, word } from "./slot-protocol.js";
import { ownerOf, type ThreadIndex, wake } from "./swap.js";

/** What a state held; bytes in the order of the machine, little-endian, of the layout that the state declares. */
export type CheckpointPart =
  | { readonly kind: "tensor"; readonly name: string; readonly bytes: Uint8Array }
  /** The rows of one key in all states that it chooses the row of. */
  | { readonly kind: "row"; readonly name: string; readonly key: number; readonly bytes: RowBytes };

/** The state as of all slots before one. */
export interface Checkpoint {
  /** The first slot that is not in it, counted from 0 and modulo 2^32. */
  readonly slot: number;
  /**
   * All state that is not keyed and feedback edges, and the rows written since the checkpoint before. Bytes of rows stay until
   * the next checkpoint is asked for.
   */
  readonly parts: readonly CheckpointPart[];
  /** Says that the parts are stored: what was not written since may leave its rows. */
  stored(): void;
  /** Says that they could not be stored: the rows are in the next checkpoint again. */
  discarded(): void;
}

/** What the executor and the copying thread tell each other. */
export type CopyControl = Int32Array<SharedArrayBuffer>;
export const copyWord = { asked: 0, done: 16, ending: 32 } as const;

export interface SlotCheckpoints {
  readonly shared: SharedCopies;
  /** @throws NeuroranError CHECKPOINT_UNDERWAY, or why the executor ended. */
  take(): Promise<Checkpoint>;
  /** Puts back parts; slots must not be underway. @throws NeuroranError CHECKPOINT_UNDERWAY, KEYED_STATE_FULL; InputError */
  restore(parts: readonly CheckpointPart[]): void;
  /** Puts back what was restored before there was a tensor for it. */
  restoreLate(): void;
  end(error: NeuroranError): Promise<void>;
}

/**
 * @param places where a thread copies, at a barrier, what is not keyed
 * @param next the number of the next slot to be submitted
 * @param lasting tensors that the serving thread's instance uses
 */
export function createSlotCheckpoints(
  memory: WebAssembly.Memory,
  ring: SharedRing,
  keyed: readonly KeyedDescription[],
  keys: SlotKeys,
  processor: number | undefined,
  places: (index: ThreadIndex) => readonly KeptTensor[],
  next: () => number,
  lasting: () => readonly TensorDescription[],
): SlotCheckpoints {
  const { words } = ring;
  const shared = createSharedCopies(keyed);
  const control: CopyControl = new Int32Array(new SharedArrayBuffer(256));
  const late = new Map<string, Uint8Array>();
  let worker: Worker | undefined;
  let failure: NeuroranError | undefined;
  let underway = false;

  const startWorker = (): Worker => {
    const started = new Worker(new URL("./copy-worker.js", import.meta.url), {
      workerData: { memory, shared, control, processor },
    });
    started.unref();
    started.on("error", (cause) => {
      const problem = `the thread that copies state died: ${cause instanceof Error ? cause.message : cause}`;
      fail(new NeuroranError("CHECKPOINT_FAILED", problem, { cause }));
    });
    return started;
  };
  const fail = (error: NeuroranError): void => {
    failure ??= error;
    Atomics.notify(words, word.barrier);
    Atomics.notify(control, copyWord.done);
  };
  /** Waits until a word is what it must become. */
  const become = async (array: Int32Array, index: number, value: number): Promise<void> => {
    for (;;) {
      if (failure !== undefined) throw failure;
      const now = Atomics.load(array, index);
      if (now === value) return;
      const change = Atomics.waitAsync(array, index, now);
      if (change.async) await change.value;
    }
  };

  const take = async (): Promise<Checkpoint> => {
    const slot = next();
    keys.beginEpoch();
    Atomics.store(words, word.barrierSlot, slot | 0);
    Atomics.store(words, word.barrier, barrierState.asked);
    wake(words, ownerOf(words));
    try {
      worker ??= startWorker();
      await become(words, word.barrier, barrierState.done);
      const epoch = Atomics.add(control, copyWord.asked, 1) + 1;
      Atomics.notify(control, copyWord.asked);
      const by = Atomics.load(words, word.barrierBy) as ThreadIndex;
      const tensors = places(by).map(({ of, kept }): CheckpointPart => {
        const { view } = withView(memory, kept);
        return {
          kind: "tensor",
          name: of.name,
          bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice(),
        };
      });
      await become(control, copyWord.done, epoch);
      // Without a store a row may have gone to another key meanwhile; what it held is gone then, from here as well.
      const copied = takeCopies(shared).filter(({ kind, row }) => keys.kinds[kind].givenAway[row] === 0);
      const rows = copied.map(({ kind, row, bytes }): CheckpointPart => {
        const { name, table } = keys.kinds[kind];
        return { kind: "row", name, key: table.keyOf(row), bytes };
      });
      return {
        slot: slot >>> 0,
        parts: [...tensors, ...rows],
        stored: () => keys.endEpoch(copied),
        discarded: () => markWritten(shared, copied),
      };
    } finally {
      Atomics.store(words, word.barrier, barrierState.none);
    }
  };

  const putTensor = (name: string, bytes: Uint8Array): boolean => {
    const found = lasting().find((one) => one.name === name);
    if (found === undefined) return false;
    const { view } = withView(memory, found);
    if (view.byteLength !== bytes.length) {
      const remedy = `give the ${view.byteLength} bytes of ${found.dtype}[${found.shape.join(", ")}]`;
      throw new InputError(`parts.${name}`, `${bytes.length} bytes`, remedy);
    }
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
    return true;
  };

  return {
    shared,
    async take() {
      if (failure !== undefined) throw failure;
      if (underway) throw copying();
      underway = true;
      try {
        return await take();
      } finally {
        underway = false;
      }
    },
    restore(parts) {
      if (underway) throw copying();
      for (const part of parts) {
        if (part.kind === "tensor") {
          if (!putTensor(part.name, part.bytes)) late.set(part.name, part.bytes.slice());
          continue;
        }
        const kind = keys.kinds.find(({ name }) => name === part.name);
        if (kind === undefined) throw new InputError("parts", part.name, "give parts of this flow");
        const row = keys.assign(kind, part.key);
        if (row < 0) throw rowsTaken(kind.name, kind.table.capacity);
        for (const { name, rows } of kind.states) {
          const bytes = part.bytes[name];
          if (bytes === undefined) continue;
          if (bytes.length !== rows[row].length)
            throw new InputError(
              `parts.${name}`,
              `${bytes.length} bytes`,
              `give ${rows[row].length} bytes a row`,
            );
          rows[row].set(bytes);
        }
      }
    },
    restoreLate() {
      for (const [name, bytes] of late) if (putTensor(name, bytes)) late.delete(name);
    },
    async end(error) {
      fail(error);
      Atomics.store(control, copyWord.ending, 1);
      Atomics.add(control, copyWord.asked, 1);
      Atomics.notify(control, copyWord.asked);
      await worker?.terminate();
    },
  };
}

function copying(): NeuroranError {
  const problem = "a checkpoint is being copied";
  return new NeuroranError("CHECKPOINT_UNDERWAY", `${problem}: wait until it is there, then ask again`);
}
