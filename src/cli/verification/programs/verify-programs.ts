import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bad, good, properties } from "../../format.js";
import { deployTo, freePort, nodeHeaders, startNodeProcess } from "../../load/node-process.js";
import { type ProgramsReport, runPrograms } from "./driver.js";
import type { StartedNode } from "./verified-node.js";

/** What `neuroran verify programs` is asked for. */
export interface ProgramsOptions {
  readonly seed: number;
  readonly programs: number;
  readonly progress?: (replied: number, kills: number) => void;
  readonly signal?: AbortSignal;
}

/** The report, and where the node's data lies, which is kept where the run failed. */
export interface NodeProgramsReport extends ProgramsReport {
  readonly data: string | null;
}

const longestDelay_ms = 1000;
const patience_ms = 30_000;
/** A kill every few seconds, at the rate at which programs run on a small machine. */
const programsBetweenKills = 4000;
const leastKills = 4;

/**
 * Runs so many random programs over as many keys on a node of its own, in a temporary folder, that is killed every few thousand
 * programs, and compares all counters and replies with a model. See `runPrograms`.
 * @throws NeuroranError NODE_FAILED, DEPLOY_FAILED (rejections)
 */
export async function verifyPrograms(options: ProgramsOptions): Promise<NodeProgramsReport> {
  const { seed, programs, ...rest } = options;
  const data = mkdtempSync(join(tmpdir(), "neuroran-verify-"));
  let failed = false;
  try {
    const address = { host: "127.0.0.1", port: await freePort() };
    const place = { data, address };
    const first = startNodeProcess(place);
    try {
      await first.ready;
      await deployTo(data, fileURLToPath(new URL("./interpreter.js", import.meta.url)));
    } finally {
      await first.kill();
    }
    const report = await runPrograms(
      { address, headers: nodeHeaders(data), start: (): StartedNode => startNodeProcess(place) },
      {
        seed,
        programs,
        keys: programs,
        kills: Math.max(leastKills, Math.ceil(programs / programsBetweenKills)),
        longestDelay_ms,
        patience_ms,
        ...rest,
      },
    );
    failed = !(report.passed || rest.signal?.aborted);
    return { ...report, data: failed ? data : null };
  } finally {
    if (!failed) rmSync(data, { recursive: true, force: true });
  }
}

/** The report for people. */
export function programsText(report: NodeProgramsReport): string {
  const { operations, mistakes, stuck, data } = report;
  const kinds = Object.entries(operations).map(([name, count]) => `${count} ${name}`);
  const lines = properties([
    ["seed", String(report.seed)],
    [
      "programs",
      `${report.replies} of ${report.programs} replied, ${report.failedPrograms} failed as they should`,
    ],
    ["keys", String(report.keys)],
    ["operations", kinds.join(", ")],
    ["kills", `${report.kills}; the slowest start took ${(report.slowestStart_ms / 1000).toFixed(2)} s`],
    ["requests", `${report.requests}, of which ${report.resent} were sent again after a loss`],
    ["same replies", `${report.compared} asked for again and compared`],
    ["duration", `${report.duration_s.toFixed(1)} s`],
  ]);
  const verdict = report.passed
    ? `${good("passed")}: counters and replies are those of the model`
    : `${bad("failed")}:\n${mistakes.map((mistake) => `  ${mistake}\n`).join("")}`;
  const kept = data === null ? [] : [`the node's data is kept in ${data}`];
  return `${lines}\n${[verdict.trimEnd(), ...stuck, ...kept].join("\n")}\n`;
}
