/**
 * What does it cost a slot to have another thread infer, beside inferring itself?
 *
 *     npm run build && node dist/bench/slot-inference.js [--runs 3000] [--pause 1] [--real-time] [--json]
 *
 * A dense network of 2, 16 and 8 neurons over 64 samples. "awake": questions follow each other at once. "asleep": the thread
 * that asks sleeps --pause ms before each, as slots come, so that caches are cold and the other thread has to be woken; "bare
 * asleep" is a session in the asking thread that slept as long. Not measured: what a network of megabytes does to the caches of
 * the functions that follow it.
 */
import { parseArgs } from "node:util";
import { openSession } from "../src/neural/engines/onnxruntime/session.js";
import { onnxModel } from "../src/neural/graph/graph.js";
import { tensor } from "../src/neural/graph/tensor.js";
import { networkBuilder } from "../src/neural/network/builder.js";
import { writeOnnx } from "../src/neural/onnx/index.js";
import { openMailbox } from "../src/neural/slot/inference-thread.js";
import { leaseProcessor, openClock, runOn, setRealTime } from "../src/system/index.js";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3000" },
    pause: { type: "string", default: "1" },
    "real-time": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const samples = 64;

const network = networkBuilder("demapper");
const x = network.input("x", "float32", [samples, 2]);
const hidden = network.add("Relu", [
  network.add("Gemm", [
    x,
    network.constant(tensor("float32", [2, 16])),
    network.constant(tensor("float32", [16])),
  ]),
]);
const weights = [network.constant(tensor("float32", [16, 8])), network.constant(tensor("float32", [8]))];
network.output("y", network.add("Gemm", [hidden, ...weights]), [samples, 8]);
const bytes = writeOnnx(onnxModel(network.graph()));

const mailbox = openMailbox(bytes.slice(), { x: { elementType: "float32", shape: [samples, 2] } });
const session = await openSession(bytes);
const bare = session.bind({ x: tensor("float32", [samples, 2]) }, { y: tensor("float32", [samples, 8]) });

const lease = leaseProcessor();
const pinned = lease.processor !== undefined && runOn([lease.processor]);
const problem = values["real-time"] ? setRealTime(true) : undefined;
const readClock = openClock();
const times = new Float64Array(2);
const sleep = new Int32Array(new SharedArrayBuffer(4));
const forever = Float64Array.of(Number.POSITIVE_INFINITY);

interface Row {
  readonly what: string;
  readonly p50_us: number;
  readonly p90_us: number;
  readonly p99_us: number;
}

async function measure(what: string, call: () => unknown, pause_ms: number): Promise<Row> {
  const all = new Float64Array(runs);
  for (let run = -500; run < runs; run++) {
    if (pause_ms > 0) Atomics.wait(sleep, 0, 0, pause_ms);
    readClock(times, 0);
    const result = call();
    if (result instanceof Promise) await result;
    else if (result !== "done") throw new Error(`the mailbox says ${String(result)}`);
    readClock(times, 1);
    if (run >= 0) all[run] = 1000 * (times[1]! - times[0]!);
  }
  all.sort();
  const at = (share: number): number => Number(all[Math.floor(share * (runs - 1))]!.toFixed(1));
  return { what, p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99) };
}

const pause = Number(values.pause);
const rows = [
  await measure("bare awake", bare, 0),
  await measure("mailbox awake", () => mailbox.ask(forever), 0),
  await measure("bare asleep", bare, pause),
  await measure("mailbox asleep", () => mailbox.ask(forever), pause),
];
setRealTime(false);
mailbox.release();
await session.release();
lease.release();
const setting = { runs, pause_ms: pause, pinned, real_time: values["real-time"] && problem === undefined };
if (values.json) process.stdout.write(`${JSON.stringify({ ...setting, rows })}\n`);
else {
  process.stdout.write(`${JSON.stringify(setting)}\n`);
  for (const { what, p50_us, p90_us, p99_us } of rows)
    process.stdout.write(`${what.padEnd(16)} p50 ${p50_us} µs, p90 ${p90_us} µs, p99 ${p99_us} µs\n`);
}
