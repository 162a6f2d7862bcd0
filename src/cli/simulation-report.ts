import { isModelPath, SLOTS_BEFORE_DEADLINE, type Timing } from "../functions/index.js";
import { slotModel } from "../neural/slot/index.js";
import type { SimulationOptions, SimulationReport } from "../transceiver/simulation.js";
import { confidence } from "./chart.js";
import { bold, duration, fixed, percentage, properties, signed, table } from "./format.js";
import { describeMachine, machineLine } from "./machine.js";
import { shortVersion } from "./model/registry-options.js";
import { targetNote } from "./targets.js";

/** One SNR of a simulation and what came of it. */
export interface SimulatedPoint {
  readonly simulation: SimulationOptions;
  readonly report: SimulationReport;
}

/** How long one block took. */
interface BlockLatency {
  readonly name: string;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** p50 over that of the whole slot's processing. */
  readonly share: number;
}

/** One SNR as an object for programs. */
export function pointJson({ simulation, report }: SimulatedPoint): object {
  const [low, high] = confidence({ errors: report.blockErrors, blocks: report.slots });
  const slot = slotLatency(report);
  return {
    snr_db: simulation.snr_db,
    slots: report.slots,
    errors: report.blockErrors,
    undetected_errors: report.undetectedErrors,
    bler: report.blockErrorRate,
    bler_low: low,
    bler_high: high,
    transport_block_bits: report.transportBlockSize,
    transport_blocks: report.transportBlocks,
    transmissions: report.meanTransmissions,
    throughput_mbit_s: report.throughput_bps / 1e6,
    iterations: report.meanIterations,
    estimated: { snr_db: report.snr_db, cfo_hz: report.cfo_hz, timing_s: report.timing_s },
    simulated: {
      snr_db: simulation.snr_db,
      cfo_hz: simulation.cfo_hz,
      timing_s: simulation.timingOffset_s,
      profile: simulation.profile,
    },
    slot_ms: 1000 * report.slotDuration_s,
    latency: { p50_ms: slot.p50, p99_ms: slot.p99 },
    blocks: blockLatencies(report),
    attempts: attemptsJson(report),
    deadline_ms: report.statistics.pace?.deadline_ms ?? null,
    real_time_factor: report.statistics.pace?.realTimeFactor ?? null,
    kernels: kernelSummary(report),
    slot_thread: {
      processor: report.statistics.processor ?? null,
      problem: report.statistics.processorProblem ?? null,
    },
    seed: simulation.seed,
    interrupted: report.interrupted,
  };
}

/** A simulated cell's report for people. */
export function printCellReport({ simulation, report }: SimulatedPoint): void {
  const { carrier, grant, profile } = simulation;
  const slot_ms = 1000 * report.slotDuration_s;
  const slot = slotLatency(report);
  const [low, high] = confidence({ errors: report.blockErrors, blocks: report.slots });
  const kernels = kernelSummary(report);
  const note = targetNote(simulation.target);
  process.stdout.write(
    `${bold("Cell")}\n${properties([
      [
        "Carrier",
        `${carrier.carrierPrbs} PRB, ${carrier.subcarrierSpacing} kHz, ${carrier.sampleRate / 1e6} Msample/s`,
      ],
      [
        "Grant",
        `${grant.rbSize} PRB, MCS ${grant.mcsIndex} of table ${grant.mcsTable}, ${report.transportBlockSize} bits a slot, layers: ${grant.nrOfLayers}`,
      ],
      ["Channel", `${channelText(simulation, profile)}, receive antennas: ${simulation.receiveAntennas}`],
      ["Slots", `${report.slots} of ${slot_ms} ms, seed ${simulation.seed}`],
    ])}\n${bold("Result")}\n${properties([
      [
        "BLER",
        `${percentage(report.blockErrorRate)} (${report.blockErrors} of ${report.slots}; 95 %: ${percentage(low)} to ${percentage(high)})`,
      ],
      ["Throughput", `${fixed(report.throughput_bps / 1e6, 2)} Mbit/s`],
      ...(simulation.harq
        ? ([["HARQ", `${fixed(report.meanTransmissions, 2)} transmissions a transport block`]] as const)
        : []),
      ["SNR", `${fixed(report.snr_db, 1)} dB estimated, ${fixed(simulation.snr_db, 1)} dB simulated`],
      ["CFO", `${signed(report.cfo_hz, 1)} Hz estimated, ${signed(simulation.cfo_hz ?? 0, 1)} Hz simulated`],
      [
        "Timing",
        `${signed(1e9 * report.timing_s, 0)} ns estimated, ${signed(1e9 * (simulation.timingOffset_s ?? 0), 0)} ns simulated${profile === "awgn" ? "" : " and the channel's delay"}`,
      ],
      ["LDPC", `${fixed(report.meanIterations, 2)} iterations a code block`],
      [
        "Kernels",
        kernels
          .map(
            ({ target, count, loaded, compile_ms }) =>
              `${count} for ${target}, ${loaded > 0 ? `${loaded} of them from disk, ` : ""}compiled ${target === "wasm" && loaded > 0 ? "again " : ""}in ${duration(compile_ms)}`,
          )
          .join("; "),
      ],
      ...attemptTexts(report).map((text): [string, string] => ["Neural", text]),
      ...paceText(report).map((text): [string, string] => ["Deadline", text]),
      ...unspecialized(report).map((text): [string, string] => ["Not compiled", text]),
      ...(note === undefined ? [] : [["Target", note] as [string, string]]),
      ["Slot thread", slotThreadText(report)],
      ["Machine", machineLine(describeMachine())],
    ])}\n`,
  );
  process.stdout.write(
    table(
      [
        { title: "Block", align: "left" },
        { title: "p50", align: "right" },
        { title: "p99", align: "right" },
        { title: "of the work", align: "right" },
        { title: `of ${slot_ms} ms`, align: "right" },
      ],
      [...blockLatencies(report), { name: "slot", p50_ms: slot.p50, p99_ms: slot.p99, share: 1 }].map(
        ({ name, p50_ms, p99_ms, share }) => [
          name,
          duration(p50_ms),
          duration(p99_ms),
          `${fixed(100 * share, 1)} %`,
          `${fixed((100 * p50_ms) / slot_ms, 1)} %`,
        ],
      ),
    ),
  );
}

/** Block error rates over SNR for people. */
export function printSweep(points: readonly SimulatedPoint[]): void {
  process.stdout.write(
    table(
      [
        { title: "SNR dB", align: "right" },
        { title: "slots", align: "right" },
        { title: "lost", align: "right" },
        { title: "BLER", align: "right" },
        { title: "95 % from", align: "right" },
        { title: "to", align: "right" },
        { title: "Mbit/s", align: "right" },
        { title: "iterations", align: "right" },
      ],
      points.map(({ simulation, report }) => {
        const [low, high] = confidence({ errors: report.blockErrors, blocks: report.slots });
        return [
          String(simulation.snr_db),
          String(report.slots),
          String(report.blockErrors),
          percentage(report.blockErrorRate),
          percentage(low),
          percentage(high),
          fixed(report.throughput_bps / 1e6, 2),
          fixed(report.meanIterations, 2),
        ];
      }),
    ),
  );
  const { simulation } = points[0]!;
  process.stdout.write(
    `\n${channelText(simulation, simulation.profile)}, a channel of its own for every slot, seed ${simulation.seed}\n`,
  );
}

function channelText({ delaySpread_s, maximumDoppler_hz = 0 }: SimulationOptions, profile: string): string {
  if (profile === "awgn") return "AWGN";
  const spread = delaySpread_s === undefined ? "" : ` ${fixed(1e9 * delaySpread_s, 0)} ns`;
  return `${profile}${spread}, Doppler ${maximumDoppler_hz} Hz`;
}

function slotThreadText({ statistics: { processor, processorProblem } }: SimulationReport): string {
  return processor === undefined ? `not pinned: ${processorProblem}` : `pinned to processor ${processor}`;
}

function slotLatency({ statistics }: SimulationReport) {
  return statistics.timings.find(({ name }) => name === "slot")!;
}

/** Of the functions that may have fallen back: how often, and why. */
function attemptTexts({ statistics: { attempts, timings } }: SimulationReport): string[] {
  return attempts.map(
    ({ name, implementation, fallback, calls, late, notFinite, unavailable, fallenBack }) => {
      const p99 = timings.find((one) => one.name === `${name}/${fallback}`)?.p99;
      const reserve = p99 === undefined ? "" : ` (p99 ${duration(p99)})`;
      const problems = `${late} late, ${notFinite} not finite, ${unavailable} not available`;
      const never = calls === 0 && unavailable > 0 ? ": it has no answer for this transmission" : "";
      return `${name} by ${shownImplementation(implementation)}: ${calls} calls, ${problems}; ${fallenBack} slots by ${fallback}${reserve}${never}`;
    },
  );
}

/** An implementation's name; of a model's directory, the model's name and version. */
function shownImplementation(name: string): string {
  if (!isModelPath(name)) return name;
  const { manifest, version } = slotModel(name);
  return `${manifest.name}@${shortVersion(version)}`;
}

function paceText({ statistics: { pace, attempts } }: SimulationReport): string[] {
  if (pace === undefined)
    return attempts.length === 0
      ? []
      : [`none yet: it comes into force behind ${SLOTS_BEFORE_DEADLINE} slots`];
  const { realTimeFactor, deadline_ms } = pace;
  const factor = `real-time factor ${fixed(realTimeFactor, 2)}`;
  return [`${duration(deadline_ms)} behind a slot's beginning, ${factor}`];
}

/** What became of the neural implementations, for programs; `model` names a model, whatever directory it is read from. */
export function attemptsJson({ statistics: { attempts } }: SimulationReport): object[] {
  return attempts.map(({ name, implementation, fallback, calls, late, ...counts }) => ({
    function: name,
    implementation,
    model: isModelPath(implementation) ? shownImplementation(implementation) : null,
    fallback,
    calls,
    late,
    not_finite: counts.notFinite,
    unavailable: counts.unavailable,
    fallen_back: counts.fallenBack,
  }));
}

/** How long each function took: what runs in place of an attempt is in the attempt's time. */
export function functionTimings({ statistics: { timings, attempts } }: SimulationReport): Timing[] {
  return timings.filter(
    ({ name }) => name !== "slot" && !attempts.some((one) => name.startsWith(`${one.name}/`)),
  );
}

function blockLatencies(report: SimulationReport): BlockLatency[] {
  const whole = slotLatency(report).p50;
  return functionTimings(report).map(({ name, p50, p99 }) => ({
    name,
    p50_ms: p50,
    p99_ms: p99,
    share: p50 / whole,
  }));
}

/** The kernels that could not be compiled, in whose place generic ones serve for good. */
function unspecialized({ statistics }: SimulationReport): string[] {
  return statistics.kernels.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`${name}: ${problem}`],
  );
}

/** Kernels by target: how many, and how long compiling them took in all. */
function kernelSummary({ statistics }: SimulationReport) {
  const summary = new Map<string, { count: number; loaded: number; compile_ms: number }>();
  for (const { target, compileMilliseconds, loaded, inUse } of statistics.kernels) {
    if (!inUse) continue;
    const one = summary.get(target) ?? { count: 0, loaded: 0, compile_ms: 0 };
    summary.set(target, {
      count: one.count + 1,
      loaded: one.loaded + (loaded ? 1 : 0),
      compile_ms: one.compile_ms + (compileMilliseconds ?? 0),
    });
  }
  return [...summary].map(([target, one]) => ({ target, ...one }));
}
