import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import { InputError, type NeuroranError } from "../../errors.js";
import { isModelPath } from "../../functions/choice.js";
import { wilsonInterval } from "../../neural/measured.js";
import type { ArmReport, CanaryReport } from "../../server/canary.js";
import type { NodeClient } from "../../server/node-client.js";
import { exitStatus } from "../exit-status.js";
import { duration, percentage, printJson, table } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { addConnectionOptions, type ConnectionOptions } from "../node/connection.js";
import { withNode } from "../node/state.js";
import { flowOf, modelReference, swapText } from "../node/swap.js";
import { numberOption } from "../options.js";
import { createProgress } from "../progress.js";
import { lookAtModels, shortVersion } from "./registry-options.js";

interface DeployModelOptions extends ConnectionOptions {
  readonly flow?: string;
  readonly function?: string;
  readonly canary?: number;
  readonly slots: number;
  readonly promote?: boolean;
  readonly rollback?: boolean;
}

const interval_ms = 500;

export function addDeployModel(model: Command): void {
  addConnectionOptions(
    model
      .command("deploy")
      .summary("put a model into a running flow of slots, beside what is there at first")
      .description(
        "Puts a model into a flow of slots that runs on a node, in the place of an implementation, between two slots and with none lost. With --canary it gets a share of the slots first, evenly spread, on the state that both have; block errors, fallbacks and latency of both are counted. After --slots slots of its own it is promoted unless it is worse in one of them outside of 95 % intervals, or its p99 leaves no room in the deadline; where it is clearly worse it is rolled back before. The node decides, whether this command waits or not; Ctrl-C rolls back. A node that is started anew has what was there before, until the model was promoted. The exit status is 1 where it was rolled back.",
      )
      .argument("[model]", "name, name@alias, name@version or the path of a directory")
      .option("--flow <name>", "of the flow of slots (the only one)")
      .option("--function <name>", "that the model stands for (what it says itself)")
      .option("--canary <percent>", "share of the slots that it gets at first: 10%", percentOption)
      .option(
        "--slots <number>",
        "slots of the canary after which it is decided",
        numberOption("--slots", { minimum: 1, maximum: 1e9, whole: true }),
        1000,
      )
      .option("--promote", "give the canary of the flow all slots now")
      .option("--rollback", "take the canary of the flow away now"),
    "print one JSON object a report as it comes",
  )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran model deploy my-demapper --canary 10% --slots 1000\n  $ neuroran model deploy my-demapper@best --flow cell --function demapping\n  $ neuroran model deploy --rollback --flow cell",
    )
    .action(async (reference: string | undefined, options: DeployModelOptions) => {
      const { promote, rollback } = options;
      if (promote && rollback)
        throw new InputError("--promote", undefined, "give one of --promote and --rollback");
      const decides = promote === true || rollback === true;
      if (decides === (reference !== undefined) || (decides && options.canary !== undefined))
        throw new InputError("model", reference, "name one to deploy, or give --promote or --rollback alone");
      process.exitCode = await withNode(options, (node) => {
        if (reference === undefined) return decide(node, options);
        if (options.canary === undefined) return replace(node, reference, options);
        return follow(node, reference, options.canary, options);
      });
    });
}

/** A share from a percentage. @throws InputError where it is none above 0 and below 100. */
function percentOption(text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?) ?%?$/.exec(text)?.[1] ?? Number.NaN);
  if (percent > 0 && percent < 100) return percent / 100;
  throw new InputError("--canary", text, "give a percentage above 0 and below 100, such as 10%");
}

async function chosenFlow(node: NodeClient, { flow, function: name }: DeployModelOptions): Promise<string> {
  if (flow !== undefined) return flow;
  const flows = (await node.flows()).filter(({ slots }) => slots !== null);
  if (name !== undefined) return flowOf(name, flows);
  if (flows.length === 1) return flows[0]!.name;
  const names = flows.map((one) => one.name).join(", ");
  throw new InputError("--flow", undefined, names === "" ? "no flow of slots runs" : `name one of ${names}`);
}

async function decide(node: NodeClient, options: DeployModelOptions): Promise<number> {
  const flow = await chosenFlow(node, options);
  const report = await node.decideCanary(flow, options.promote ? "promote" : "rollback");
  print(report, options);
  const wanted = options.promote ? "promoted" : "rolled back";
  return report.phase === wanted ? exitStatus.success : exitStatus.failed;
}

/** Without a canary. */
async function replace(node: NodeClient, reference: string, options: DeployModelOptions): Promise<number> {
  const named = modelReference(reference);
  const name = options.function ?? (await functionOf(named, options));
  const flow = await chosenFlow(node, { ...options, function: name });
  const report = await node.swap(flow, { [name]: named }, {});
  if (options.json) printJson(report);
  else process.stdout.write(swapText(name, reference, report));
  return report.outcome?.kept === false ? exitStatus.failed : exitStatus.success;
}

async function functionOf(reference: string, options: DeployModelOptions): Promise<string> {
  const { readModelDirectory } = await import("../../neural/index.js");
  const { manifest } = isModelPath(reference)
    ? readModelDirectory(reference)
    : await (await lookAtModels(options)).open(reference);
  if (manifest.implements !== undefined) return manifest.implements;
  throw new InputError("--function", undefined, `${manifest.name} does not say what it stands for: name it`);
}

/** Begins a canary and shows what it does until it is decided. */
async function follow(
  node: NodeClient,
  reference: string,
  share: number,
  options: DeployModelOptions,
): Promise<number> {
  const flow = await chosenFlow(node, options);
  const interrupt = onInterrupt();
  let progress: ReturnType<typeof createProgress> | undefined;
  try {
    let report: CanaryReport = await node.startCanary(flow, {
      model: modelReference(reference),
      ...(options.function === undefined ? {} : { function: options.function }),
      share,
      slots: options.slots,
    });
    progress = createProgress(`trying ${shortReference(report.model)}`, options.slots);
    let isGivenUp = false;
    while (!isDecided(report)) {
      if (options.json) printJson(report);
      progress.update(Math.min(report.canary.slots, options.slots), note(report));
      await setTimeout(interval_ms, undefined, { signal: interrupt.signal }).catch(() => undefined);
      if (interrupt.signal.aborted && !isGivenUp) {
        isGivenUp = true;
        // It may just have been decided.
        await node.decideCanary(flow, "rollback").catch((error: NeuroranError) => {
          if (error.code !== "CANARY_DECIDED") throw error;
        });
      }
      report = (await node.canary(flow)) ?? startedAnew(report);
      if (isGivenUp && !isDecided(report)) await setTimeout(interval_ms);
    }
    progress.stop();
    print(report, options);
    if (interrupt.signal.aborted) return exitStatus.interrupted;
    return report.phase === "promoted" ? exitStatus.success : exitStatus.failed;
  } finally {
    progress?.stop();
    interrupt.restore();
  }
}

function isDecided({ phase }: CanaryReport): boolean {
  return phase === "promoted" || phase === "rolled back" || phase === "ended";
}

function startedAnew(report: CanaryReport): CanaryReport {
  return { ...report, phase: "ended", reason: "the flow was started anew, with what it had before" };
}

function note({ present, canary }: CanaryReport): string {
  const rate = (arm: ArmReport): string =>
    arm.blocks === null ? "" : ` ${percentage((arm.blockErrors ?? 0) / arm.blocks)} lost,`;
  const text = (arm: ArmReport): string => `${rate(arm)} p99 ${duration(arm.latency.p99_ms)}`;
  return `now${text(canary)}; before${text(present)}`;
}

function print(report: CanaryReport, { json }: DeployModelOptions): void {
  if (json) {
    printJson(report);
    return;
  }
  const { flow, function: name, present, canary, deadline_ms, lost, phase, reason, model } = report;
  const rows = [
    { title: shownImplementation(present.implementation), arm: present },
    { title: shortReference(model), arm: canary },
  ];
  process.stdout.write(
    table(
      [
        { title: `As ${name} of ${flow}`, align: "left" },
        { title: "slots", align: "right" },
        { title: "blocks lost", align: "right" },
        { title: "late", align: "right" },
        { title: "not finite", align: "right" },
        { title: "not available", align: "right" },
        { title: "p50", align: "right" },
        { title: "p99", align: "right" },
        { title: "slot p99", align: "right" },
      ],
      rows.map(({ title, arm }) => [
        title,
        String(arm.slots),
        lostText(arm),
        ...[arm.late, arm.notFinite, arm.unavailable].map(String),
        duration(arm.latency.p50_ms),
        duration(arm.latency.p99_ms),
        duration(arm.slotLatency.p99_ms),
      ]),
    ),
  );
  const deadline = deadline_ms === null ? "without a deadline" : `deadline ${duration(deadline_ms)}`;
  process.stdout.write(
    `\nIntervals of 95 % in brackets; ${deadline}; ${lost} slots failed or were dropped\n`,
  );
  process.stdout.write(`The model was ${phase === "ended" ? "given up" : phase}: ${reason ?? ""}\n`);
}

function lostText({ blocks, blockErrors }: ArmReport): string {
  if (blocks === null || blockErrors === null) return "–";
  if (blocks === 0) return "0 of 0";
  const [low, high] = wilsonInterval(blockErrors, blocks);
  return `${blockErrors} of ${blocks} (${percentage(low)} to ${percentage(high)})`;
}

function shortReference(reference: string): string {
  const [name, version] = reference.split("@") as [string, string];
  return `${name}@${shortVersion(version)}`;
}

/** A name as it is; of a model's directory the version, by which it is called. */
function shownImplementation(name: string): string {
  return isModelPath(name) ? shortVersion(name.split(/[/\\]/).at(-1)!) : name;
}
