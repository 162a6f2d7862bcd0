import { createRequire } from "node:module";
import type { Command } from "commander";
import { availableTargets } from "../compiler/index.js";
import { loadOnnxRuntime } from "../neural/engines/onnxruntime/library.js";
import { builtInModel } from "../neural/models/built-in.js";
import { runtimeCeilings } from "../neural/training/throughput.js";
import { type CycleMeasurement, measureCycles } from "./benchmarks/instance-cycles.js";
import { benchmarkNeural, fasterThanOnnxRuntime, type NeuralMeasurement } from "./benchmarks/neural.js";
import { benchmarkTraining, type TrainingMeasurement } from "./benchmarks/training.js";
import { exitStatus } from "./exit-status.js";
import { bold, fixed, percentage, printJson, table } from "./format.js";
import { describeMachine, machineLine } from "./machine.js";
import { numberOption } from "./options.js";

interface BenchNeuralOptions {
  readonly seconds: number;
  readonly cycles: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** The model whose instances come and go. */
const CYCLED = "llrnet-16qam";

export function addNeuralBenchmark(bench: Command): void {
  bench
    .command("neural")
    .description(
      "inference of small networks by the engines, training beside ONNX Runtime's own rates and jax-js, and what 1,000 instances leave behind",
    )
    .option(
      "--seconds <number>",
      "time for each network and engine",
      numberOption("--seconds", { minimum: 0.05, maximum: 600, unit: "s" }),
      1,
    )
    .option(
      "--cycles <number>",
      "instances that are made, used and released",
      numberOption("--cycles", { minimum: 1, maximum: 1e6, whole: true }),
      1000,
    )
    .option("--seed <number>", "seed of weights and inputs", numberOption("--seed", { whole: true }), 1)
    .option("--json", "print one JSON object a line")
    .addHelpText("after", "\nExample:\n  $ neuroran bench neural --seconds 2 --json")
    .action(async (options: BenchNeuralOptions) => {
      process.exitCode = await run(options);
    });
}

async function run({ seconds, cycles, seed, json = false }: BenchNeuralOptions): Promise<number> {
  // Says what to do where it is not installed, which the next line would not.
  await loadOnnxRuntime();
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  const targets = availableTargets();
  if (!json)
    process.stdout.write(
      `${machineLine(describeMachine())}; ONNX Runtime ${version}\nneuroran bench neural --seconds ${seconds} --cycles ${cycles} --seed ${seed}\n`,
    );
  const kept = async <T extends object>(measurements: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const one of measurements) {
      all.push(one);
      if (json) printJson({ ...one, seed, onnxruntime: version, machine: describeMachine() });
    }
    return all;
  };

  const inference = await kept(benchmarkNeural(targets, seconds, seed));
  if (!json) printInference(inference);
  const ceilings = await runtimeCeilings(seconds);
  const training = await kept(benchmarkTraining(ceilings, seconds, seed));
  if (!json) printTraining(training);
  const left = await kept(
    (async function* () {
      for (const target of ["onnxruntime", ...targets] as const)
        yield await measureCycles(CYCLED, builtInModel(CYCLED).onnx, target, 64, cycles);
    })(),
  );
  if (!json) printCycles(left);
  if (inference.every(({ correct }) => correct)) return exitStatus.success;
  process.stderr.write("neuroran: an engine did not compute what the network says\n");
  return exitStatus.failed;
}

function printInference(measured: readonly NeuralMeasurement[]): void {
  process.stdout.write(`\n${bold("Inference")}\n`);
  process.stdout.write(
    table(
      [
        { title: "Network", align: "left" },
        { title: "Engine", align: "left" },
        { title: "µs p50", align: "right" },
        { title: "p90", align: "right" },
        { title: "p99", align: "right" },
        { title: "GFLOP/s", align: "right" },
        { title: "× ONNX Runtime", align: "right" },
        { title: "calls", align: "right" },
      ],
      measured.map((one) => [
        one.case,
        one.engine === "jit" ? `jit ${one.target}` : one.engine,
        ...[one.p50, one.p90, one.p99].map((time) => fixed(1000 * time, 2)),
        fixed(one.operations / one.p50 / 1e6, 1),
        fixed(fasterThanOnnxRuntime(one, measured), 1),
        String(one.n),
      ]),
    ),
  );
  process.stdout.write(
    "One core, from inputs in memory to outputs in memory. Not measured: loading and compiling, the way to another thread\nand back, inputs that the caches have lost in between.\n",
  );
}

function printTraining(measured: readonly TrainingMeasurement[]): void {
  process.stdout.write(`\n${bold("Training")}\n`);
  process.stdout.write(
    table(
      [
        { title: "Network", align: "left" },
        { title: "batch", align: "right" },
        { title: "samples/s", align: "right" },
        { title: "ms a step", align: "right" },
        { title: "GFLOP/s", align: "right" },
        { title: "ceiling", align: "right" },
        { title: "share", align: "right" },
        { title: "jax-js ms", align: "right" },
      ],
      measured.map((one) => [
        one.case,
        String(one.batch),
        fixed(one.samplesPerSecond, 0),
        fixed(one.step_ms, 2),
        fixed(one.gigaflops, 1),
        fixed(one.ceiling, 1),
        percentage(one.gigaflops / one.ceiling),
        one.jax_ms === undefined ? "–" : fixed(one.jax_ms, 2),
      ]),
    ),
  );
  process.stdout.write(
    "Steps of Adam on one thread, means of processor time. The ceiling is what ONNX Runtime reaches on a product of 512 × 512\nmatrices, or a 3 × 3 convolution of 64 channels with constant weights. Not measured: making the data.\n",
  );
}

function printCycles(measured: readonly CycleMeasurement[]): void {
  process.stdout.write(`\n${bold("Instances made, used and released")}\n`);
  process.stdout.write(
    table(
      [
        { title: "Model", align: "left" },
        { title: "Target", align: "left" },
        { title: "cycles", align: "right" },
        { title: "ms each", align: "right" },
        { title: "MB before", align: "right" },
        { title: "MB more after", align: "right" },
      ],
      measured.map((one) => [
        one.case,
        one.target,
        String(one.cycles),
        fixed(one.cycle_ms, 2),
        ...[one.before_bytes, one.growth_bytes].map((bytes) =>
          bytes === undefined ? "–" : fixed(bytes / 1e6, 1),
        ),
      ]),
    ),
  );
}
