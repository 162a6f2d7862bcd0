import type { Command } from "commander";
import { addBench } from "./bench.js";
import { addCompare } from "./compare.js";
import { addDoctor } from "./doctor.js";
import { addInspect } from "./inspect.js";
import { addReceive } from "./receive.js";
import { addSimulate } from "./simulate.js";
import { addVerify } from "./verify.js";

/** The commands that receive, simulate, measure and verify. */
export function addRadio(program: Command): void {
  program.commandsGroup("Receive chain:");
  addReceive(program);
  addSimulate(program);
  addCompare(program);
  addBench(program);
  addInspect(program);
  addDoctor(program);
  program.commandsGroup("Stateful functions:");
  addVerify(program);
}
