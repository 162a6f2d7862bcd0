import type { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { NeuroranError } from "../../../errors.js";
import type { ValueType } from "../../graph/graph.js";
import { type ElementType, elementTypes, type Tensor } from "../../graph/tensor.js";
import type { NamedTensors } from "../engine.js";
import { loadOnnxRuntime } from "./library.js";

/** A session of ONNX Runtime in the calling thread, which a run blocks. One processor, and none is kept busy between runs. */
export interface Session {
  /** Types as the file declares them; what it does not name is "". */
  readonly inputs: Readonly<Record<string, ValueType>>;
  readonly outputs: Readonly<Record<string, ValueType>>;
  /**
   * Computes the outputs. It reads the inputs' memory where it is, but copies what is shared between threads.
   * @param into outputs are written into these tensors, which must fit and lie in memory that is not shared; the others
   * into new ones. A tensor must not be input and output of one run.
   * @throws NeuroranError INFERENCE_FAILED with ONNX Runtime's own words.
   */
  run(inputs: NamedTensors, into?: NamedTensors): Promise<NamedTensors>;
  /**
   * A run on the same tensors again and again, which it reads and writes where they are: none may lie in memory that is
   * shared. `into` has all outputs.
   */
  bind(inputs: NamedTensors, into: NamedTensors): () => Promise<void>;
  /** Gives memory back. Not during a run. */
  release(): Promise<void>;
}

/**
 * Opens a session for the bytes of an ONNX file. It computes in the calling thread and without hops between threads: for
 * worker threads that have nothing else to do.
 * @throws NeuroranError ENGINE_MISSING, or MODEL_REFUSED with ONNX Runtime's own words.
 */
export async function openSession(bytes: Uint8Array): Promise<Session> {
  const runtime = await loadOnnxRuntime();
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      executionMode: "sequential",
      // A pool of one thread is the calling thread: there is nobody to spin.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // One block for all values of a run: measured to take twice the memory of the arena alone, and to be no quicker.
      enableMemPattern: false,
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw new NeuroranError("MODEL_REFUSED", `ONNX Runtime refuses the model: ${textOf(cause)}`, { cause });
  }
  let inputs: Session["inputs"];
  let outputs: Session["outputs"];
  try {
    [inputs, outputs] = [typesOf(session.inputMetadata), typesOf(session.outputMetadata)];
  } catch (error) {
    await session.release();
    throw error;
  }
  const toRuntime = ({ elementType, shape, data }: Tensor): RuntimeTensor => {
    const own = data.buffer instanceof SharedArrayBuffer ? data.slice() : data;
    return new runtime.Tensor(elementType as "float32", own as Float32Array, shape);
  };
  const mapped = (tensors: NamedTensors): Record<string, RuntimeTensor> => {
    const made: Record<string, RuntimeTensor> = {};
    for (const name of Object.keys(tensors)) made[name] = toRuntime(tensors[name]!);
    return made;
  };
  return {
    inputs,
    outputs,
    async run(given, into) {
      try {
        const feeds = mapped(given);
        const fetches: Record<string, RuntimeTensor | null> = {};
        for (const name of session.outputNames) fetches[name] = null;
        if (into !== undefined) Object.assign(fetches, mapped(into));
        const results = await session.run(feeds, fetches);
        const computed: Record<string, Tensor> = {};
        for (const name of session.outputNames) computed[name] = into?.[name] ?? fromRuntime(results[name]!);
        return computed;
      } catch (cause) {
        throw failure(cause);
      }
    },
    bind(given, into) {
      const [feeds, fetches] = [mapped(given), mapped(into)];
      return async () => {
        try {
          await session.run(feeds, fetches);
        } catch (cause) {
          throw failure(cause);
        }
      };
    },
    release: () => session.release(),
  };
}

function fromRuntime({ type, dims, data }: RuntimeTensor): Tensor {
  const elementType = elementTypeOf(type);
  // Node from 24 on has an array type of its own for float16.
  const { buffer, byteOffset, length } = data as Uint16Array;
  return {
    elementType,
    shape: [...dims],
    data: elementType === "float16" ? new Uint16Array(buffer, byteOffset, length) : (data as Float32Array),
  };
}

function elementTypeOf(type: string): ElementType {
  const found = elementTypes.find((one) => one === type);
  if (found === undefined) throw new NeuroranError("MODEL_REFUSED", `tensors of ${type} are not supported`);
  return found;
}

function typesOf(values: readonly InferenceSession.ValueMetadata[]): Record<string, ValueType> {
  return Object.fromEntries(
    values.map((value) => {
      if (!value.isTensor)
        throw new NeuroranError("MODEL_REFUSED", `${value.name} of the model is not a tensor`);
      return [value.name, { elementType: elementTypeOf(value.type), shape: value.shape }];
    }),
  );
}

function failure(cause: unknown): NeuroranError {
  return new NeuroranError("INFERENCE_FAILED", `ONNX Runtime failed: ${textOf(cause)}`, { cause });
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
