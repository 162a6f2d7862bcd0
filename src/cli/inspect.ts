import { join } from "node:path";
import type { Command } from "commander";
import type { Kernel } from "../compiler/index.js";
import { countOperations } from "../compiler/text.js";
import { InputError } from "../errors.js";
import { makeDirectory } from "../system/make-directory.js";
import { sampleKernels } from "../transceiver/kernels.js";
import { duration, fixed, printJson, table } from "./format.js";
import { belowOneAnother, besideOneAnother, fitBeside } from "./inspection/columns.js";
import { chooseName } from "./inspection/kernel-choice.js";
import { inspectKernel, type KernelReport, type View, viewNames, views } from "./inspection/kernel-report.js";
import { describeMachine, machineLine } from "./machine.js";
import { numberOption } from "./options.js";
import { writeOutput } from "./output-file.js";

interface InspectOptions {
  readonly view?: readonly View[];
  readonly sideBySide?: boolean;
  readonly seconds: number;
  readonly output?: string;
  readonly json?: boolean;
}

const shownViews: readonly View[] = ["ir", "mlir", "wasm", "assembly"];

export function addInspect(program: Command): void {
  program
    .command("inspect")
    .summary("show what a kernel is compiled to, and its time")
    .description(
      "Shows a kernel of the transceiver as operations (IR), MLIR, WebAssembly and assembly language of this processor, with its size, compile time and time per call on each target. Kernels are representative specializations; their names are listed where none is given.",
    )
    .argument("[kernel]", "name of a kernel, or a part of it that no other has")
    .option(
      "--view <names>",
      `what to show, of ${viewNames.join(", ")} (${shownViews.join(",")}; with --json or --output all)`,
      viewOption,
    )
    .option("--side-by-side", "columns, also where the terminal is not wide enough to suggest them")
    .option(
      "--seconds <number>",
      "time of measuring on each target",
      numberOption("--seconds", { minimum: 0.001, maximum: 3600, unit: "s" }),
      0.5,
    )
    .option("--output <folder>", "write the views, the WebAssembly module and the object file as files")
    .option("--json", "print one JSON object; without a kernel, one a kernel")
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran inspect\n  $ neuroran inspect ldpc_iterate_bg2_z52 --view ir,assembly --side-by-side | less -S",
    )
    .action((text: string | undefined, options: InspectOptions) => {
      const kernels = sampleKernels();
      if (text === undefined) listKernels(kernels, options.json ?? false);
      else inspect(kernels, text, options);
    });
}

/** @throws InputError when a name is none of a view, or is given twice. */
function viewOption(text: string): View[] {
  const chosen = text.split(",").map((name) => {
    const found = viewNames.find((one) => one === name.trim());
    if (found === undefined) throw new InputError("--view", name, `give some of ${viewNames.join(",")}`);
    return found;
  });
  return [...new Set(chosen)];
}

function listKernels(kernels: readonly Kernel[], json: boolean): void {
  const counted = kernels.map((kernel) => ({ kernel: kernel.name, operations: countOperations(kernel) }));
  if (json) {
    for (const one of counted) printJson(one);
    return;
  }
  process.stdout.write(
    table(
      [
        { title: "Kernel", align: "left" },
        { title: "Operations", align: "right" },
      ],
      counted.map(({ kernel, operations }) => [kernel, String(operations)]),
    ),
  );
}

function inspect(kernels: readonly Kernel[], text: string, options: InspectOptions): void {
  const name = chooseName(
    kernels.map((kernel) => kernel.name),
    text,
  );
  const report = inspectKernel(kernels.find((kernel) => kernel.name === name)!, options.seconds);
  const chosen = options.view ?? (options.json || options.output !== undefined ? viewNames : shownViews);
  const there = chosen.filter((view) => report.views[view] !== undefined);
  const written = options.output === undefined ? [] : writeViews(report, there, options.output);
  if (options.json) {
    const { binaries: _, ...told } = report;
    printJson({ ...told, views: Object.fromEntries(there.map((view) => [view, report.views[view]])) });
    return;
  }
  process.stdout.write(summary(report));
  if (options.output !== undefined) process.stdout.write(`\n${written.join("\n")}\n`);
  else process.stdout.write(`\n${texts(report, there, options.sideBySide ?? false)}`);
}

function summary({ kernel, arguments: given, operations, targets }: KernelReport): string {
  const rows = targets
    .filter(({ reason }) => reason === null)
    .map((one) => [
      one.name,
      String(one.bytes),
      String(one.instructions),
      duration(one.compile_ms!),
      fixed(one.call_ns!, 0),
      fixed(one.idle_ns!, 0),
    ]);
  const called = given.map(({ text, value }) =>
    value === null ? text : `${text} = ${Number(value.toFixed(3))}`,
  );
  return [
    `${machineLine(describeMachine())}\n\n`,
    `${kernel}: ${operations} operations\n`,
    `called with ${called.join(", ")}\n\n`,
    table(
      [
        { title: "Target", align: "left" },
        { title: "Bytes", align: "right" },
        { title: "Instructions", align: "right" },
        { title: "Compiled in", align: "right" },
        { title: "ns a call", align: "right" },
        { title: "empty call", align: "right" },
      ],
      rows,
    ),
    ...targets.flatMap(({ reason }) => (reason === null ? [] : [`Left out: ${reason}\n`])),
    "Medians of calls from JavaScript; an empty call is of a kernel that takes the same and does nothing.\n",
  ].join("");
}

function texts(report: KernelReport, chosen: readonly View[], sideBySide: boolean): string {
  const titled = chosen.map((view) => ({ title: views[view].title, text: report.views[view]! }));
  const { columns } = process.stdout;
  const suggested = columns !== undefined && titled.length > 1 && fitBeside(titled.length, columns);
  return sideBySide || suggested ? besideOneAnother(titled, columns) : belowOneAnother(titled);
}

/** Writes the views and binaries as files of the folder, which is made. @returns their names */
function writeViews(report: KernelReport, chosen: readonly View[], folder: string): string[] {
  try {
    makeDirectory(folder);
  } catch (cause) {
    throw new InputError("--output", folder, "give a folder that exists or can be made", { cause });
  }
  const files: [string, Uint8Array][] = [
    ...chosen.map((view): [string, Uint8Array] => [views[view].extension, Buffer.from(report.views[view]!)]),
    ...Object.entries(report.binaries),
  ];
  return files.map(([extension, bytes]) => {
    const path = join(folder, `${report.kernel}.${extension}`);
    writeOutput(path, bytes);
    return path;
  });
}
