/**
 * The thread that infers for a thread that must not wait longer than it wants (invariants in inference-protocol.ts). It
 * sleeps between questions.
 */
import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { describeError } from "../../errors.js";
import { type HelperStart, helperWord, runOn, setRealTime, whileBusy } from "../../system/index.js";
import { openSession, type Session } from "../engines/onnxruntime/session.js";
import { elementArray, elementCount, type Tensor, tensor } from "../graph/tensor.js";
import { holdsNumbers } from "./finite.js";
import {
  type InferenceReply,
  type InferenceRequest,
  outcome,
  type SharedTensor,
  type SharedTensors,
  word,
} from "./inference-protocol.js";

const { words, port } = workerData as HelperStart;

interface Mailbox {
  readonly session: Session;
  /** From the shared inputs to the session's own, computation, and back. */
  answer(): Promise<number>;
}

const mailboxes = new Map<number, Mailbox>();

function sharedView({ elementType, shape, buffer }: SharedTensor): Tensor["data"] {
  const Elements = elementArray(elementType, 0).constructor as new (
    buffer: SharedArrayBuffer,
    offset: number,
    length: number,
  ) => Tensor["data"];
  return new Elements(buffer, 0, elementCount(shape));
}

function mapTensors<T>(
  from: Readonly<Record<string, T>>,
  change: (one: T) => Tensor,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(from).map(([name, one]) => [name, change(one)]));
}

async function open({
  mailbox,
  bytes,
  inputs,
}: Extract<InferenceRequest, { kind: "open" }>): Promise<SharedTensors> {
  const session = await openSession(bytes);
  try {
    const own = mapTensors(inputs, ({ elementType, shape }) => tensor(elementType, shape));
    // The first run says the sizes that the file does not, and brings memory to its place.
    const results = mapTensors(await session.run(own), ({ elementType, shape }) =>
      tensor(elementType, shape),
    );
    const run = session.bind(own, results);
    const shared = Object.fromEntries(
      Object.entries(results).map(([name, { elementType, shape, data }]) => [
        name,
        { elementType, shape, buffer: new SharedArrayBuffer(data.byteLength) },
      ]),
    );
    const ins = Object.keys(own).map((name) => ({ from: sharedView(inputs[name]!), to: own[name]!.data }));
    const outs = Object.keys(results).map((name) => ({
      from: results[name]!,
      to: sharedView(shared[name]!),
    }));
    mailboxes.set(mailbox, {
      session,
      async answer() {
        for (const { from, to } of ins) to.set(from as never);
        await run();
        let isGood = true;
        for (const { from, to } of outs) {
          isGood = isGood && holdsNumbers(from);
          to.set(from.data as never);
        }
        return isGood ? outcome.done : outcome.notFinite;
      },
    });
    return shared;
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function serve(request: InferenceRequest): Promise<void> {
  if (request.kind === "release") {
    const mailbox = mailboxes.get(request.mailbox);
    mailboxes.delete(request.mailbox);
    await mailbox?.session.release();
    return;
  }
  let reply: InferenceReply;
  try {
    reply = { kind: "opened", outputs: await open(request) };
  } catch (error) {
    reply = { kind: "refused", error: describeError(error) };
  }
  port.postMessage(reply);
}

/** Follows the asking thread. */
function place(): void {
  const processor = Atomics.load(words, word.processor);
  if (processor >= 0) runOn([processor]);
  // Elsewhere it would keep all others from some processor as long as a network takes.
  setRealTime(processor >= 0 && Atomics.load(words, word.realTime) === 1, "second");
}

// Once beforehand: what it calls is loaded with the first call, which takes milliseconds.
await whileBusy(words, async () => place());
let placements = 0;
let served = 0;
let answered = 0;
while (Atomics.load(words, helperWord.stop) === 0) {
  const signal = Atomics.load(words, helperWord.signal);
  if (Atomics.load(words, word.requests) !== served) {
    await whileBusy(words, async () => {
      for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port)) {
        await serve(one.message);
        served = (served + 1) | 0;
      }
    });
    Atomics.store(words, word.served, served);
    Atomics.notify(words, word.served);
  } else if (Atomics.load(words, word.asked) !== answered) {
    answered = Atomics.load(words, word.asked);
    const mailbox = mailboxes.get(Atomics.load(words, word.mailbox));
    const came = await whileBusy(words, async () => {
      if (Atomics.load(words, word.placements) !== placements) {
        placements = Atomics.load(words, word.placements);
        place();
      }
      return await mailbox?.answer().catch(() => outcome.failed);
    });
    Atomics.store(words, word.outcome, came ?? outcome.failed);
    Atomics.store(words, word.answered, answered);
    Atomics.notify(words, word.answered);
  } else Atomics.wait(words, helperWord.signal, signal);
}
for (const { session } of mailboxes.values()) await session.release();
port.close();
