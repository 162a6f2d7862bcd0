import type { Command } from "commander";
import { type SimulationReport, scenarioNames, verifySimulation } from "../../functions/simulation/index.js";
import { exitStatus } from "../exit-status.js";
import { bad, good, printJson, properties } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { choiceOption, numberOption } from "../options.js";
import { createProgress } from "../progress.js";

interface SimulationCommand {
  readonly seed: number;
  readonly schedules: number;
  readonly scenario?: string;
  readonly seconds?: number;
  readonly json?: boolean;
}

/** Adds `simulation` to the command `verify`. */
export function addVerifySimulation(verify: Command): void {
  verify
    .command("simulation")
    .summary("the protocols under simulated crashes, losses, delays and disks")
    .description(
      "Runs the protocols over simulated nodes, clocks, networks and disks, in schedules that a seed makes: crashes, delays, losses, partitions, torn writes, full disks, clocks that jump. A schedule alone shows all that happened. The exit status is 1 where an invariant does not hold, or the run proves nothing.",
    )
    .option(
      "--seed <number>",
      "of the first schedule; those that follow count on",
      numberOption("--seed", { whole: true }),
      1,
    )
    .option(
      "--schedules <number>",
      "how many",
      numberOption("--schedules", { minimum: 1, maximum: 1e9, whole: true }),
      10_000,
    )
    .option(
      "--scenario <name>",
      `one of ${scenarioNames.join(", ")} (by the schedule's seed)`,
      choiceOption("--scenario", scenarioNames),
    )
    .option(
      "--seconds <number>",
      "end after so long, however many schedules are left",
      numberOption("--seconds", { minimum: 1, maximum: 86_400, unit: "s" }),
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ neuroran verify simulation --seed 7 --schedules 500")
    .action(runVerifySimulation);
}

async function runVerifySimulation(command: SimulationCommand): Promise<void> {
  const { seed, schedules, scenario, seconds, json } = command;
  const interrupt = onInterrupt();
  const progress = createProgress(`simulation, seed ${seed}`, schedules);
  let report: SimulationReport;
  try {
    report = await verifySimulation({
      seed,
      schedules,
      scenario,
      seconds,
      progress: progress.update,
      signal: interrupt.signal,
    });
  } finally {
    progress.stop();
    interrupt.restore();
  }
  if (json) printJson({ verification: "simulation", ...report });
  else process.stdout.write(simulationText(report));
  process.exitCode = interrupt.signal.aborted
    ? exitStatus.interrupted
    : report.passed
      ? exitStatus.success
      : exitStatus.failed;
}

function simulationText({
  seed,
  schedules,
  seconds,
  repeated,
  scenarios,
  failure,
  problems,
  passed,
  lines,
}: SimulationReport): string {
  const counts = (counted: Readonly<Record<string, number>>): string =>
    Object.entries(counted)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ");
  const about = properties([
    ["seed", String(seed)],
    ["schedules", `${schedules} in ${seconds.toFixed(1)} s; ${repeated} run twice, to equal traces`],
    ...scenarios.flatMap((one): [string, string][] => [
      [one.name, `${one.schedules} schedules, ${one.events} events`],
      ["  operations", counts(one.operations)],
      ["  faults", counts(one.faults)],
    ]),
  ]);
  const told = lines.map((line) => `${line}\n`).join("");
  if (passed) return `${told}${about}\n${good("passed")}: every invariant held\n`;
  if (failure === undefined) return `${told}${about}\n${bad("failed")}: ${problems.join("; ")}\n`;
  const again = `neuroran verify simulation --scenario ${failure.scenario} --seed ${failure.seed} --schedules 1`;
  return `${told}${failure.tail.map((line) => `${line}\n`).join("")}${about}
${bad("failed")}: ${failure.scenario}, seed ${failure.seed}: ${failure.invariant}
  ${failure.detail}
  with faults: ${failure.faults.join(", ") || "none"}
  again: ${again}
`;
}
