import { openTarget, type TargetName } from "../compiler/index.js";
import { InputError } from "../errors.js";
import {
  type ConformanceResult,
  measureConformance,
  REQUIRED_THROUGHPUT,
} from "../transceiver/conformance/measurement.js";
import { type Requirement, requirements } from "../transceiver/conformance/requirements.js";
import { exitStatus } from "./exit-status.js";
import { bad, fixed, good, printJson, table } from "./format.js";
import { onInterrupt } from "./interrupt.js";
import { createProgress } from "./progress.js";

/** What `simulate --conformance` is asked for. */
export interface ConformanceCommand {
  /** A table's number, 8.2.1.2-1 or 1; all tables unless given. */
  readonly table?: string | undefined;
  /** A row's number in each of the tables; all rows unless given. */
  readonly row?: string | undefined;
  /** Transport blocks a row. */
  readonly transportBlocks: number;
  readonly seed: number;
  readonly implementations?: Readonly<Record<string, string>> | undefined;
  readonly target?: TargetName | undefined;
  readonly json: boolean;
}

/** Measures the rows asked for and prints them. @returns the exit status: failed where a row fails. */
export async function runConformance(command: ConformanceCommand): Promise<number> {
  const { transportBlocks, seed, implementations, json } = command;
  const rows = chosenRows(command);
  const target = openTarget(command.target);
  const results: ConformanceResult[] = [];
  const interrupt = onInterrupt();
  const progress = createProgress("measuring", rows.length * transportBlocks);
  try {
    for (const [index, requirement] of rows.entries()) {
      const note = `${requirement.table} row ${requirement.row}`;
      const result = await measureConformance(
        { requirement, transportBlocks, seed, implementations, target },
        (done) => progress.update(index * transportBlocks + done, note),
        interrupt.signal,
      );
      if (result) {
        results.push(result);
        if (json) printJson(resultJson(result, seed));
      }
      if (interrupt.signal.aborted) break;
    }
  } finally {
    progress.stop();
    interrupt.restore();
  }
  if (!json && results.length > 0) printResults(results, command);
  if (interrupt.signal.aborted) {
    process.stderr.write("neuroran: interrupted; what is shown was measured until then\n");
    return exitStatus.interrupted;
  }
  return results.every(({ passed }) => passed) ? exitStatus.success : exitStatus.failed;
}

function chosenRows({ table, row }: ConformanceCommand): Requirement[] {
  const tables = [...new Set(requirements.map((requirement) => requirement.table))];
  const named = table?.includes("-") === false ? `8.2.1.2-${table}` : table;
  if (named !== undefined && !tables.includes(named)) {
    throw new InputError("--table", table, `give one of ${tables.join(", ")}`);
  }
  const inTable = requirements.filter((requirement) => named === undefined || requirement.table === named);
  const chosen = inTable.filter((requirement) => row === undefined || requirement.row === row);
  if (chosen.length === 0) {
    const known = [...new Set(inTable.map((requirement) => requirement.row))];
    throw new InputError("--row", row, `give one of ${known.join(", ")}`);
  }
  return chosen;
}

function resultJson({ requirement, ...result }: ConformanceResult, seed: number): object {
  const { margin_db } = result;
  return {
    table: requirement.table,
    row: requirement.row,
    reference_channel: requirement.referenceChannel,
    scs_khz: requirement.subcarrierSpacing,
    prbs: requirement.prbs,
    profile: requirement.profile,
    doppler_hz: requirement.maximumDoppler_hz,
    transmit_antennas: requirement.transmitAntennas,
    receive_antennas: requirement.receiveAntennas,
    required_snr_db: requirement.snr_db,
    throughput: result.throughput,
    // JSON has no infinity: the threshold lies beyond the points.
    margin_db: Number.isFinite(margin_db) ? margin_db : null,
    passed: result.passed,
    transport_blocks: result.transportBlocks,
    points: result.points,
    seed,
  };
}

function printResults(results: readonly ConformanceResult[], { transportBlocks, seed }: ConformanceCommand) {
  process.stdout.write(
    table(
      [
        { title: "Table", align: "left" },
        { title: "row", align: "right" },
        { title: "channel", align: "left" },
        { title: "antennas", align: "right" },
        { title: "reference", align: "left" },
        { title: "PRB", align: "right" },
        { title: "SNR dB", align: "right" },
        { title: "throughput", align: "right" },
        { title: "margin dB", align: "right" },
        { title: "", align: "left" },
      ],
      results.map(({ requirement, throughput, margin_db, passed, points }) => [
        requirement.table,
        requirement.row,
        `${requirement.profile}-${requirement.maximumDoppler_hz}`,
        `${requirement.transmitAntennas}×${requirement.receiveAntennas}`,
        requirement.referenceChannel,
        String(requirement.prbs),
        fixed(requirement.snr_db, 1),
        `${fixed(100 * throughput, 1)} %`,
        marginText(margin_db, requirement, points),
        passed ? good("passed") : bad("failed"),
      ]),
    ),
  );
  const failed = results.filter(({ passed }) => !passed).length;
  process.stdout.write(
    `\nTS 38.104 8.2.1.2: ${100 * REQUIRED_THROUGHPUT} % of the maximum throughput, at most 4 transmissions; ${failed === 0 ? "all rows passed" : `failed: ${failed} of ${results.length}`}\n` +
      `${transportBlocks} transport blocks a row, each with a channel of its own that goes on in time for its retransmissions, seed ${seed}\n`,
  );
}

/** The margin, or the bound of it where the threshold lies beyond the points. */
function marginText(margin_db: number, { snr_db }: Requirement, points: ConformanceResult["points"]): string {
  if (Number.isFinite(margin_db)) return fixed(margin_db, 1);
  const edge = margin_db > 0 ? points[0]! : points.at(-1)!;
  return `${margin_db > 0 ? "over" : "under"} ${fixed(snr_db - edge.snr_db, 1)}`;
}
