import { availableParallelism } from "node:os";
import type { NamedTensors } from "../engine.js";
import type { Session } from "./session.js";
import { type SessionThread, startSessionThread } from "./session-thread.js";

/** More would only share the machine's memory bandwidth. */
const MOST_THREADS = 4;

/** A session in a thread of the pool. */
export interface PooledSession extends Pick<Session, "inputs" | "outputs"> {
  /** Runs on inputs whose memory is handed over; runs of one session follow each other. */
  run(inputs: NamedTensors): Promise<NamedTensors>;
  /** Gives memory back when the runs that were asked for are done. */
  release(): Promise<void>;
}

/** The threads of this process that hold sessions, with how many each holds. They start when they are needed. */
const pool: { readonly thread: SessionThread; sessions: number }[] = [];
let numbers = 0;

/** Opens a session in the thread that holds the fewest, for bytes whose memory is handed over. @throws as `openSession`. */
export async function openPooledSession(bytes: Uint8Array): Promise<PooledSession> {
  for (let index = pool.length - 1; index >= 0; index--)
    if (pool[index]!.thread.ended !== undefined) pool.splice(index, 1);
  let place = pool.toSorted((one, other) => one.sessions - other.sessions)[0];
  if (
    place === undefined ||
    (place.sessions > 0 && pool.length < Math.min(MOST_THREADS, availableParallelism()))
  ) {
    place = { thread: startSessionThread(), sessions: 0 };
    pool.push(place);
  }
  const { thread } = place;
  const held = place;
  const number = numbers++;
  held.sessions++;
  try {
    const { inputs, outputs } = await thread.open(number, bytes);
    let released: Promise<void> | undefined;
    const release = async (): Promise<void> => {
      held.sessions--;
      // What a thread held is gone with it.
      if (thread.ended === undefined) await thread.release(number);
    };
    return {
      inputs,
      outputs,
      run: (given) => thread.run(number, given),
      release: () => {
        released ??= release();
        return released;
      },
    };
  } catch (error) {
    held.sessions--;
    throw error;
  }
}
