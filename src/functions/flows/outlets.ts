import { NeuroranError } from "../../errors.js";
import { type Codec, codecOf, type Schema } from "../schema/index.js";
import { keyGroupOf, keyGroups } from "../turns/address.js";
import type { InputData } from "./declaration.js";
import type { OperatorTask, Outlet } from "./operator-task.js";
import { type Edge, replicaOfGroup } from "./plan.js";
import { largestRecord, messageTag, type RingProducer } from "./ring.js";
import { wake } from "./worker-protocol.js";

/** One channel as its sender sees it. */
export interface ChannelEnd {
  send(message: unknown, key: string | undefined): void;
  barrier(epoch: number, full: boolean): void;
}

/** A channel to a task of the same thread: a call. */
export function localChannel(target: OperatorTask, channel: number): ChannelEnd {
  return {
    send: (message, key) => target.message(channel, message, key),
    barrier: (epoch, full) => target.barrier(channel, epoch, full),
  };
}

/** A channel through a ring, and what the ring had no room for. */
export interface RingChannel extends ChannelEnd {
  /** Records that wait for room. */
  overflow(): number;
  /** Writes those that there is room for; true where there was any. */
  flush(): boolean;
}

const barrierBytes = [Uint8Array.of(0), Uint8Array.of(1)] as const;

export function ringChannel(
  ring: RingProducer,
  ringBytes: number,
  codec: Codec,
  consumer: Int32Array<SharedArrayBuffer>,
): RingChannel {
  const overflow: { readonly bytes: Uint8Array; readonly tag: number }[] = [];
  const put = (bytes: Uint8Array, tag: number): void => {
    if (overflow.length > 0 || !ring.write(bytes, tag)) overflow.push({ bytes, tag });
    else wake(consumer);
  };
  return {
    send(message) {
      const bytes = codec.encode(message);
      if (bytes.length > largestRecord(ringBytes)) {
        const limit = `a message has ${bytes.length} bytes and the ring takes ${largestRecord(ringBytes)}`;
        throw new NeuroranError("MESSAGE_TOO_LARGE", `${limit}: deploy the flow with larger ringBytes`);
      }
      put(bytes, messageTag);
    },
    barrier: (epoch, full) => put(barrierBytes[full ? 1 : 0], epoch),
    overflow: () => overflow.length,
    flush() {
      let written = 0;
      while (written < overflow.length && ring.write(overflow[written].bytes, overflow[written].tag))
        written++;
      if (written === 0) return false;
      overflow.splice(0, written);
      wake(consumer);
      return true;
    },
  };
}

/** The outlet over an edge: by key group where the input has keys, else in turn. */
export function edgeOutlet(edge: Edge, input: InputData, ends: readonly ChannelEnd[]): Outlet {
  const keyOf = input.key as ((message: unknown) => unknown) | undefined;
  const barrier = (epoch: number, full: boolean): void => {
    for (const end of ends) end.barrier(epoch, full);
  };
  if (ends.length === 1) {
    const [only] = ends;
    // What receives it looks for the key: the message may go through a ring first, where a key is of no use.
    return { send: (message) => only.send(message, undefined), barrier };
  }
  if (keyOf === undefined) {
    let turn = 0;
    return {
      send(message) {
        ends[turn].send(message, undefined);
        turn = (turn + 1) % ends.length;
      },
      barrier,
    };
  }
  const replicas = Uint8Array.from({ length: keyGroups }, (_, group) =>
    replicaOfGroup(group, edge.channels.length),
  );
  return {
    send(message) {
      const key = String(keyOf(message));
      ends[replicas[keyGroupOf(key)]].send(message, key);
    },
    barrier,
  };
}

/** Outputs of a thread's tasks on their way to the main thread, in a row. */
export interface OutputBatch {
  outlet(output: number, message: Schema, epochOf: () => number): Outlet;
  /** What was gathered since the last call. */
  take(): { readonly heads: readonly number[]; readonly bytes: Uint8Array } | undefined;
  bytes(): number;
}

export function createOutputBatch(): OutputBatch {
  let heads: number[] = [];
  let chunks: Uint8Array[] = [];
  let total = 0;
  return {
    outlet(output, message, epochOf) {
      const codec: Codec = codecOf(message) as Codec;
      return {
        send(value) {
          const bytes = codec.encode(value);
          heads.push(output, epochOf(), bytes.length);
          chunks.push(bytes);
          total += bytes.length;
        },
        barrier() {},
      };
    },
    take() {
      if (heads.length === 0) return undefined;
      const taken = { heads, bytes: new Uint8Array(total) };
      let at = 0;
      for (const chunk of chunks) {
        taken.bytes.set(chunk, at);
        at += chunk.length;
      }
      heads = [];
      chunks = [];
      total = 0;
      return taken;
    },
    bytes: () => total,
  };
}
