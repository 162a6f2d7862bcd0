import type { Command } from "commander";
import { addVerifyDataflow } from "./verification/dataflow.js";
import { addVerifyPrograms } from "./verification/programs/command.js";
import { addVerifySimulation } from "./verification/simulation.js";

/** The command `verify` with what it verifies. */
export function addVerify(program: Command): void {
  const verify = program
    .command("verify")
    .summary("look for faults in what stateful functions promise")
    .description(
      "Kills, breaks and delays what runs stateful functions, and checks that they keep their promises. Everything is made from a seed, which is printed.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran verify programs --programs 3000\n  $ neuroran verify simulation --schedules 500",
    );
  addVerifyPrograms(verify);
  addVerifyDataflow(verify);
  addVerifySimulation(verify);
}
