/**
 * Trains models of the package from seed 1, each by its command, into models/, and says in README.md how long it took:
 * `npm run models -- detnet-qpsk-4x8`; all of the package without a name. Ctrl-C, and the same command go on from the checkpoints in
 * `--checkpoints`, a folder of the system's for temporary files unless given.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { builtInNames } from "../src/neural/models/built-in.js";
import { learnedSystem, learnedSystems } from "../src/transceiver/learned-systems.js";
import { machineAndDay, markdownTable, type Row, readSection, rowsOf, writeSection } from "./readme.js";

const SECTION = "neural trainings";
const COLUMNS = ["model", "steps", "minutes", "allowed", "version", "as before", "machine and day"];

const { values, positionals } = parseArgs({
  options: { checkpoints: { type: "string", default: join(tmpdir(), "neuroran-trainings") } },
  allowPositionals: true,
});
const program = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const models = fileURLToPath(new URL("../../models/", import.meta.url));
const packaged = builtInNames();
// In this order: some begin from the models of others.
const names = learnedSystems
  .map(({ name }) => name)
  .filter((name) =>
    (positionals.length === 0 ? packaged : positionals.map((one) => learnedSystem(one).name)).includes(name),
  );
mkdirSync(values.checkpoints, { recursive: true });

async function train(name: string): Promise<Row> {
  const registry = mkdtempSync(join(tmpdir(), "neuroran-training-"));
  const words = [
    ...["model", "train", name, "--seed", "1", "--checkpoint", join(values.checkpoints, `${name}.state`)],
    ...["--export", join(models, name), "--data", registry, "--json"],
  ];
  const graph = (): Buffer => readFileSync(join(models, name, "model.onnx"));
  const before = packaged.includes(name) ? graph() : undefined;
  try {
    const child = spawn(process.execPath, [program, ...words], { stdio: ["ignore", "pipe", "inherit"] });
    const printed = await child.stdout.setEncoding("utf8").toArray();
    const status = child.exitCode ?? (await new Promise<number | null>((end) => child.once("exit", end)));
    if (status !== 0) throw new Error(`neuroran ${words.join(" ")} ended with ${status}`);
    const [result] = rowsOf(printed.join("")) as [Row & { seconds: number; version: string }];
    return {
      model: name,
      steps: result.steps!,
      minutes: result.seconds / 60,
      allowed: learnedSystem(name).minutes,
      version: result.version.slice(0, 12),
      "as before": before === undefined ? "new" : before.equals(graph()) ? "yes" : "no",
      "machine and day": machineAndDay(),
    };
  } finally {
    rmSync(registry, { recursive: true });
  }
}

/** The rows of the table as it stands, by model. */
const rows = new Map(
  readSection(SECTION)
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith(`| ${COLUMNS[0]}`))
    .map((line): [string, Row] => {
      const cells = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [cells[0]!, Object.fromEntries(COLUMNS.map((column, index) => [column, cells[index]!]))];
    }),
);
for (const name of names) {
  rows.set(name, await train(name));
  const text = [
    "Trained from seed 1 by `npm run models -- <model>`, minutes on all processors of the machine; where a model was there before, whether the",
    "training gave the same bits again:",
    "",
    markdownTable(
      [...rows.values()].sort((one, other) => String(one.model).localeCompare(String(other.model))),
      COLUMNS,
    ),
  ];
  writeSection(SECTION, text.join("\n"));
}
