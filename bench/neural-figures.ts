/**
 * Measures neural networks, engines first and then every model of the package beside its baselines, and writes the figures of
 * README.md: `npm run figures:neural`. `-- --effort 0.1` takes a tenth of the draws. Receivers of others are measured where their files
 * are.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { EvaluationTable, EvaluationTarget } from "../src/neural/index.js";
import type { Measured } from "../src/neural/measured.js";
import { builtInNames } from "../src/neural/models/built-in.js";
import { machineAndDay, markdownTable, type Row, rowsOf, writeSection } from "./readme.js";

const { values } = parseArgs({ options: { effort: { type: "string", default: "1" } } });
const program = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

function run(...words: readonly string[]): Promise<Row[]> {
  process.stderr.write(`measuring: neuroran ${words.join(" ")}\n`);
  return new Promise((resolve, reject) => {
    const command = [program, ...words, "--json"];
    execFile(process.execPath, command, { encoding: "utf8", maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      // 1: a target is missed, which the rows say.
      if (error !== null && error.code !== 1)
        reject(new Error(`${words.join(" ")} ended with ${error.code}: ${stderr}`, { cause: error }));
      else resolve(rowsOf(stdout));
    });
  });
}

/** Results of tasks, as many at a time as there are processors: rates of errors do not depend on the time they take. */
async function inParallel<R>(tasks: readonly (() => Promise<R>)[]): Promise<R[]> {
  const results: R[] = [];
  const waiting = tasks.entries();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (const [index, task] of waiting) results[index] = await task();
    }),
  );
  return results;
}

const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";

function text({ value, interval, count }: Measured): string {
  const range = interval === undefined ? "" : ` (${short(interval[0])} to ${short(interval[1])})`;
  return `${short(value)}${range}${count === undefined ? "" : ` #${count}`}`;
}

interface EvaluatedModel {
  readonly model: string;
  readonly seed: number;
  readonly tables: readonly EvaluationTable[];
  readonly targets: readonly EvaluationTarget[];
}

async function evaluate(...words: readonly string[]): Promise<EvaluatedModel> {
  const [row] = await run("model", "evaluate", ...words, "--effort", values.effort);
  return row as unknown as EvaluatedModel;
}

const bench = await run("bench", "neural", "--seconds", "5", "--cycles", "1000");
const inference = bench.filter(({ benchmark }) => benchmark === "neural");
const reference = (row: Row): number =>
  Number(inference.find((one) => one.engine === "onnxruntime" && one.case === row.case)!.p50);

const data = mkdtempSync(join(tmpdir(), "neuroran-figures-"));
const foreign = Object.entries({ aerial: "aerial-receiver", "sionna-rk": "sionna-rk-receiver" }).flatMap(
  ([name, system]) => {
    const file = new URL(
      `../../../shared/data/onnx/${name.replace("-", "_")}_neural_receiver.onnx`,
      import.meta.url,
    );
    return existsSync(file) ? [{ name: `${name}-neural-receiver`, system, path: fileURLToPath(file) }] : [];
  },
);
for (const { name, path } of foreign) await run("model", "import", path, "--name", name, "--data", data);
const evaluated: EvaluatedModel[] = [];
// Demapping is timed, too, and goes alone.
const isTimed = (name: string): boolean => name.startsWith("llrnet");
for (const name of builtInNames().filter(isTimed)) evaluated.push(await evaluate(name));
evaluated.push(
  ...(await inParallel([
    ...foreign.map(
      ({ name, system }) =>
        () =>
          evaluate(name, "--system", system, "--data", data),
    ),
    ...builtInNames()
      .filter((name) => !isTimed(name))
      .map((name) => () => evaluate(name)),
  ])),
);
rmSync(data, { recursive: true });

writeSection(
  "neural figures",
  [
    `Machine: ${machineAndDay()}. Inference on one core from inputs in memory to outputs in memory, times in µs; not measured: loading,`,
    "compiling, other threads.",
    "",
    markdownTable(
      inference.map((row) => ({
        network: row.case!,
        engine: row.engine === "jit" ? `jit, ${row.target}` : row.engine!,
        ...Object.fromEntries(["p50", "p90", "p99"].map((name) => [name, 1000 * Number(row[name])])),
        "GFLOP/s": Number(row.operations) / Number(row.p50) / 1e6,
        "× ONNX Runtime": reference(row) / Number(row.p50),
        calls: row.n!,
      })),
      ["network", "engine", "p50", "p90", "p99", "GFLOP/s", "× ONNX Runtime", "calls"],
    ),
    "",
    "Training, steps of Adam on one thread in processor time; the ceiling is what ONNX Runtime reaches on a matrix product of 512 ×",
    "512, or a 3 × 3 convolution of 64 channels, with constant weights (GFLOP/s). Not measured: making the data.",
    "",
    markdownTable(
      bench
        .filter(({ benchmark }) => benchmark === "training")
        .map((row) => ({
          network: row.case!,
          batch: row.batch!,
          "samples/s": row.samplesPerSecond!,
          "ms a step": row.step_ms!,
          "GFLOP/s": row.gigaflops!,
          ceiling: row.ceiling!,
          share: `${Math.round((100 * Number(row.gigaflops)) / Number(row.ceiling))} %`,
          "jax-js ms": row.jax_ms ?? "–",
        })),
      ["network", "batch", "samples/s", "ms a step", "GFLOP/s", "ceiling", "share", "jax-js ms"],
    ),
    "",
    "Instances made, used once and released, and the memory of the process that stays behind:",
    "",
    markdownTable(
      bench
        .filter(({ benchmark }) => benchmark === "cycles")
        .map((row) => ({
          model: row.case!,
          target: row.target!,
          cycles: row.cycles!,
          "ms each": row.cycle_ms!,
          "MB before": Number(row.before_bytes) / 1e6,
          "MB more after": Number(row.growth_bytes) / 1e6,
        })),
      ["model", "target", "cycles", "ms each", "MB before", "MB more after"],
    ),
    "",
    `What the models of the package reach, by \`neuroran model evaluate <name> --effort ${values.effort}\`: values with 95 % intervals, behind # the`,
    "errors or draws counted.",
    "",
    markdownTable(
      evaluated.flatMap(({ model, targets }) =>
        targets.map(({ name, measured, required, isMet }) => ({
          model: model.split("@")[0]!,
          target: name,
          measured: text(measured),
          required,
          "": isMet ? "met" : "missed",
        })),
      ),
      ["model", "target", "measured", "required", ""],
    ),
    ...evaluated.flatMap(({ model, seed, tables }) =>
      tables.flatMap(({ title, condition, columns, rows }) => [
        "",
        `${title} (${model.split("@")[0]}, seed ${seed}):`,
        "",
        markdownTable(
          rows.map((row) => ({
            [condition]: row.condition,
            ...Object.fromEntries(columns.map((column, index) => [column, text(row.values[index]!)])),
          })),
          [condition, ...columns],
        ),
      ]),
    ),
  ].join("\n"),
);
