import { Option } from "commander";
import { type TargetName, targetNames, targetProblem } from "../compiler/index.js";
import { choiceOption } from "./options.js";

/** The option `--target` of commands that compile kernels. */
export function targetOption(): Option {
  const description = `what kernels are compiled for: ${targetNames.join(", ")} (the fastest of this machine)`;
  return new Option("--target <name>", description).argParser(choiceOption("--target", targetNames));
}

/** Why the fastest target does not serve, for a report that chose none; nothing where it does. */
export function targetNote(chosen: TargetName | undefined): string | undefined {
  return chosen === undefined ? targetProblem(targetNames[0]!) : undefined;
}
