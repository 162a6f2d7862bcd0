import { CommanderError } from "commander";
import { InputError, NeuroranError } from "../errors.js";
import { exitStatus } from "./exit-status.js";

/** What a program is told of an error. */
interface FailureReport {
  readonly code: string;
  /** The option, field or byte that is wrong; null where none is to blame. */
  readonly field: string | null;
  readonly message: string;
}

/**
 * Tells a person, and with `json` a program, on standard error what went wrong; a stack trace only for defects of
 * this program.
 * @returns the exit status
 */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.success;
  // Commander has printed the help that was missing.
  if (error instanceof CommanderError && error.code === "commander.help") return exitStatus.input;
  const report = describe(error);
  process.stderr.write(`neuroran: ${report.message}\n`);
  if (report.code === "DEFECT" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (json) process.stderr.write(`${JSON.stringify({ error: report })}\n`);
  return error instanceof InputError || error instanceof CommanderError
    ? exitStatus.input
    : exitStatus.failed;
}

function describe(error: unknown): FailureReport {
  if (error instanceof InputError) return { code: error.code, field: error.field, message: error.message };
  if (error instanceof NeuroranError) return { code: error.code, field: null, message: error.message };
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
    return { code: "USAGE", field: /'([^' ]+)[^']*'/.exec(message)?.[1] ?? null, message };
  }
  return { code: "DEFECT", field: null, message: error instanceof Error ? error.message : String(error) };
}
