/**
 * The thread on which slots run. It sleeps between slots and never returns to the event loop, so that nothing but
 * slots and the requests of its executor run here (invariants in slot-protocol.ts).
 */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type ConnectionEnd, useConnection } from "../compiler/index.js";
import { describeError, NeuroranError } from "../errors.js";
import { runOn } from "../system/index.js";
import { createArena } from "./arena.js";
import type { DataType } from "./data-type.js";
import type { FlowInstance, Variant } from "./flow-instance.js";
import type { FlowFactory } from "./slot-executor.js";
import type { TensorDescriptions, WorkerStart } from "./slot-protocol.js";
import { outcome, type Reply, type Request, ringCapacity, sharedRing, word } from "./slot-protocol.js";
import type { Tensor, TensorDescription } from "./tensor.js";

const { start, port, compiler } = workerData as {
  start: WorkerStart;
  port: MessagePort;
  compiler: ConnectionEnd;
};
useConnection(compiler);
const pinned = start.processor !== undefined && runOn([start.processor]);

function reply(message: Reply): void {
  port.postMessage(message);
}

function describe<D extends DataType>(tensor: Tensor<D>): TensorDescription<D> {
  const { name, dtype, shape, offset, byteLength } = tensor;
  return { name, dtype, shape, offset, byteLength };
}

function describeAll(tensors: Readonly<Record<string, Tensor>>): TensorDescriptions {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, describe(tensor)]));
}

async function createInstance(): Promise<FlowInstance> {
  const module: Record<string, unknown> = await import(start.module);
  const factory = module[start.factory];
  if (typeof factory !== "function") {
    const exported = Object.keys(module).join(", ") || "nothing";
    const problem = `${start.module} exports no function ${start.factory}, but ${exported}`;
    throw new NeuroranError("FACTORY_MISSING", `${problem}: export a function that creates a flow instance`);
  }
  return (factory as FlowFactory)({ arena: createArena({ memory: start.memory }), options: start.options });
}

function run(instance: FlowInstance): void {
  const { words, variants: entries, outcomes } = sharedRing(start.ring);
  const variants = new Map<number, Variant>();
  let requests = 0;
  let completed = 0;
  /** Of the kernels, when the executor was told. */
  let changes = 0;

  /** Does all requests that have come; true when the last of them is to stop. */
  const serve = (): boolean => {
    let received = receiveMessageOnPort(port);
    while (received !== undefined) {
      const request: Request = received.message;
      if (request.kind === "close") return true;
      if (request.kind === "prepare") prepare(request);
      else release(request.variant);
      received = receiveMessageOnPort(port);
    }
    return false;
  };

  const release = (number: number): void => {
    const variant = variants.get(number);
    if (variant !== undefined) instance.release(variant.key);
    variants.delete(number);
  };

  const prepare = ({ variant: number, configuration }: Extract<Request, { kind: "prepare" }>): void => {
    try {
      const variant = instance.prepare(configuration);
      variants.set(number, variant);
      const [inputs, outputs] = [describeAll(variant.inputs), describeAll(variant.outputs)];
      reply({ kind: "prepared", variant: number, inputs, outputs, kernels: instance.kernels() });
    } catch (error) {
      reply({ kind: "preparation failed", variant: number, error: describeError(error) });
    }
  };

  for (;;) {
    const signal = Atomics.load(words, word.signal);
    if (Atomics.load(words, word.requests) !== requests) {
      requests = Atomics.load(words, word.requests);
      if (serve()) return;
    }
    if (completed === Atomics.load(words, word.submitted)) {
      const now = instance.poll();
      if (now !== changes) {
        changes = now;
        reply({ kind: "kernels", kernels: instance.kernels() });
      } else Atomics.wait(words, word.signal, signal);
      continue;
    }
    const entry = completed & (ringCapacity - 1);
    try {
      (variants.get(entries[entry]) as Variant).process();
      outcomes[entry] = outcome.processed;
    } catch (error) {
      reply({ kind: "slot failed", slot: completed, error: describeError(error) });
      outcomes[entry] = outcome.failed;
    }
    completed = (completed + 1) | 0;
    Atomics.store(words, word.completed, completed);
    Atomics.notify(words, word.completed);
  }
}

const instance = await createInstance().catch((error: unknown) => {
  reply({ kind: "start failed", error: describeError(error) });
});
if (instance !== undefined) {
  const { functions, maximumVariants, timingTensors } = instance;
  const [counts, durations] = [describe(timingTensors.counts), describe(timingTensors.durations)];
  reply({ kind: "started", functions, counts, durations, maximumVariants, pinned });
  run(instance);
}
port.close();
