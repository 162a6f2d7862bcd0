/** A thread that holds sessions and runs them, one request after the other. */
import { workerData } from "node:worker_threads";
import { describeError } from "../../../errors.js";
import { avoidProcessors, type HelperStart, leasedProcessors, whileBusy } from "../../../system/index.js";
import { elementArray, type Tensor } from "../../graph/tensor.js";
import type { NamedTensors } from "../engine.js";
import type { SessionAnswer, SessionRequest } from "./protocol.js";
import { openSession, type Session } from "./session.js";

const { words, port } = workerData as HelperStart;
const sessions = new Map<number, Session>();

async function answer(request: SessionRequest): Promise<SessionAnswer> {
  const { number } = request;
  switch (request.kind) {
    case "open": {
      // Slots may have got processors since the last session was opened.
      avoidProcessors(leasedProcessors());
      const session = await openSession(request.bytes);
      sessions.set(request.session, session);
      return { number, kind: "opened", inputs: session.inputs, outputs: session.outputs };
    }
    case "run": {
      const outputs = await sessions.get(request.session)!.run(request.inputs);
      return { number, kind: "computed", outputs: ownTensors(outputs) };
    }
    case "release":
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return { number, kind: "released" };
  }
}

/** An output that is an input, or a constant, may lie in memory that cannot be given away. */
function ownTensors(outputs: NamedTensors): NamedTensors {
  const seen = new Set<ArrayBufferLike>();
  const own: Record<string, Tensor> = {};
  for (const [name, one] of Object.entries(outputs)) {
    const { elementType, shape, data } = one;
    const isWhole = data.byteLength === data.buffer.byteLength && !seen.has(data.buffer);
    seen.add(data.buffer);
    if (isWhole) own[name] = one;
    else {
      const copy = elementArray(elementType, data.length);
      copy.set(data as never);
      own[name] = { elementType, shape, data: copy };
    }
  }
  return own;
}

let latest: Promise<unknown> = Promise.resolve();
port.on("message", (request: SessionRequest) => {
  latest = latest.then(async () => {
    const { number } = request;
    const said = await whileBusy(words, () =>
      answer(request).catch(
        (error): SessionAnswer => ({ number, kind: "failed", error: describeError(error) }),
      ),
    );
    if (said === undefined) return;
    port.postMessage(
      said,
      said.kind === "computed"
        ? Object.values(said.outputs).map(({ data }) => data.buffer as ArrayBuffer)
        : [],
    );
  });
});
