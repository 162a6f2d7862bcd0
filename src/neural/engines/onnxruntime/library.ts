import { NeuroranError } from "../../../errors.js";

/** ONNX Runtime's package for Node. */
export type OnnxRuntime = typeof import("onnxruntime-node");

/**
 * Loads ONNX Runtime, an optional dependency, when it is needed for the first time.
 * @throws NeuroranError ENGINE_MISSING where it is not installed or has no library for this platform.
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    // Its install script would download hundreds of megabytes for graphics processors.
    const remedy = "install it with npm install onnxruntime-node --ignore-scripts";
    const problem = `ONNX Runtime cannot be loaded on ${process.platform} ${process.arch}`;
    throw new NeuroranError("ENGINE_MISSING", `${problem}: ${remedy}`, { cause });
  }
}
