import { InputError } from "../../errors.js";
import { commitDomainRuntime } from "./commit-domain-runtime.js";
import type { Scenario, ScheduleResult } from "./scenario.js";
import { snapshotScenario } from "./snapshot-scenario.js";
import { swapScenario } from "./swap-scenario.js";
import { turnScenario } from "./turn-scenario.js";

/** What to simulate. */
export interface SimulationOptions {
  /** Of the first schedule; those that follow count on. */
  readonly seed: number;
  readonly schedules: number;
  /** By name; unless given, a schedule's seed chooses. */
  readonly scenario?: string | undefined;
  /** Ends after so long, however many schedules are left. */
  readonly seconds?: number | undefined;
  /** Told after each schedule. */
  readonly progress?: (done: number, note: string) => void;
  readonly signal?: AbortSignal;
}

/** What all schedules of a scenario did. */
export interface ScenarioReport {
  readonly name: string;
  schedules: number;
  events: number;
  readonly operations: Record<string, number>;
  readonly faults: Record<string, number>;
}

/** A schedule in which an invariant did not hold. */
export interface SimulationFailure {
  readonly scenario: string;
  readonly seed: number;
  readonly invariant: string;
  readonly detail: string;
  /** The fewest kinds of faults found under which this seed fails in the same way. */
  readonly faults: readonly string[];
  /** What happened last before it. */
  readonly tail: readonly string[];
}

export interface SimulationReport {
  readonly seed: number;
  readonly schedules: number;
  readonly seconds: number;
  /** Schedules that were run twice, to equal traces. */
  readonly repeated: number;
  readonly scenarios: readonly ScenarioReport[];
  /** The run ends at the first. */
  readonly failure: SimulationFailure | undefined;
  /** Why the run proves nothing: no work was done, or a kind of fault never occurred. */
  readonly problems: readonly string[];
  readonly passed: boolean;
  /** All that happened, where there was one schedule alone. */
  readonly lines: readonly string[];
}

const scenarios: readonly Scenario[] = [turnScenario(commitDomainRuntime), snapshotScenario, swapScenario];

/** A shorter run may miss a kind of fault by chance. */
const enoughForAllFaults = 500;
const repeatEvery = 50;
const tailLength = 200;

/** The names that `scenario` takes. */
export const scenarioNames: readonly string[] = scenarios.map(({ name }) => name);

/**
 * Runs simulated schedules with consecutive seeds until an invariant does not hold. Equal seeds give equal schedules.
 * @throws InputError for an unknown scenario.
 */
export async function verifySimulation(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, schedules, seconds = Number.POSITIVE_INFINITY, progress, signal } = options;
  const chosen = scenarioNamed(options.scenario);
  const began_ms = performance.now();
  const reports = new Map<string, ScenarioReport>();
  let done = 0;
  let repeated = 0;
  let failure: SimulationFailure | undefined;
  let lines: readonly string[] = [];
  while (done < schedules && failure === undefined && signal?.aborted !== true) {
    if (performance.now() - began_ms > 1000 * seconds) break;
    const own = seed + done;
    const scenario = chosen ?? scenarioOf(own);
    const result = await scenario.run(own, { lines: schedules === 1 });
    if (schedules === 1) lines = result.lines;
    add(reports, scenario, result);
    if (result.violation !== undefined) failure = await describeFailure(scenario, result);
    else if (done % repeatEvery === 0) {
      repeated++;
      if ((await scenario.run(own)).hash !== result.hash) failure = notRepeated(scenario, own);
    }
    done++;
    progress?.(done, `${scenario.name}, seed ${own}`);
  }
  const found = [...reports.values()];
  const problems = failure === undefined ? problemsOf(found) : [];
  return {
    seed,
    schedules: done,
    seconds: (performance.now() - began_ms) / 1000,
    repeated,
    scenarios: found,
    failure,
    problems,
    passed: failure === undefined && problems.length === 0,
    lines,
  };
}

function scenarioNamed(name: string | undefined): Scenario | undefined {
  if (name === undefined) return undefined;
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new InputError("scenario", name, `give one of ${scenarioNames.join(", ")}`);
  return found;
}

/** Turns have the most that can go wrong, and get the most schedules. */
function scenarioOf(seed: number): Scenario {
  const turn = ((seed % 8) + 8) % 8;
  return scenarios[Math.min(Math.max(0, turn - 5), scenarios.length - 1)]!;
}

function add(
  reports: Map<string, ScenarioReport>,
  { name, faultKinds }: Scenario,
  result: ScheduleResult,
): void {
  let report = reports.get(name);
  if (report === undefined) {
    const faults = Object.fromEntries(faultKinds.map((kind) => [kind, 0]));
    report = { name, schedules: 0, events: 0, operations: {}, faults };
    reports.set(name, report);
  }
  report.schedules++;
  report.events += result.events;
  for (const [kind, count] of Object.entries(result.operations)) {
    report.operations[kind] = (report.operations[kind] ?? 0) + count;
  }
  for (const [kind, count] of Object.entries(result.faults)) {
    report.faults[kind] = (report.faults[kind] ?? 0) + count;
  }
}

/** The failed schedule again: with its trace, and with as few kinds of faults as show the same. */
async function describeFailure(scenario: Scenario, result: ScheduleResult): Promise<SimulationFailure> {
  const { seed } = result;
  const { invariant } = result.violation!;
  let faults = result.profile;
  for (const kind of result.profile) {
    const fewer = faults.filter((other) => other !== kind);
    const again = await scenario.run(seed, { profile: fewer });
    if (again.violation?.invariant === invariant) faults = fewer;
  }
  const shown = await scenario.run(seed, { lines: true });
  const { detail } = shown.violation ?? result.violation!;
  return { scenario: scenario.name, seed, invariant, detail, faults, tail: shown.lines.slice(-tailLength) };
}

function notRepeated({ name }: Scenario, seed: number): SimulationFailure {
  const detail = "the schedule went another way when it was run again";
  return {
    scenario: name,
    seed,
    invariant: "equal seeds give equal schedules",
    detail,
    faults: [],
    tail: [],
  };
}

function problemsOf(reports: readonly ScenarioReport[]): string[] {
  if (reports.length === 0) return ["no schedule was run"];
  return reports.flatMap(({ name, schedules, operations, faults }) => {
    const nothing = Object.values(operations).every((count) => count === 0);
    if (nothing) return [`${name}: ${schedules} schedules did no work`];
    if (schedules < enoughForAllFaults) return [];
    const missing = Object.keys(faults).filter((kind) => faults[kind] === 0);
    return missing.map((kind) => `${name}: ${kind} never occurred in ${schedules} schedules`);
  });
}
