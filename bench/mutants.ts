/**
 * Breaks the protocols on purpose, one way after the other, and looks whether the simulation finds it. The exit status is 1
 * where it does not, or where it finds something in the unchanged protocols.
 */
import { mutants, verdictOn } from "../test/mutants.js";

const schedules = 800;
let failed = false;
for (const scenario of new Set(mutants.map((mutant) => mutant.scenario))) {
  const { passed, invariant } = await verdictOn(undefined, schedules, scenario);
  failed ||= !passed;
  process.stdout.write(`${passed ? "passed" : "FAILED"}  ${scenario}, unchanged  ${invariant ?? ""}\n`);
}
for (const mutant of mutants) {
  const { passed, invariant, schedules: done } = await verdictOn(mutant, schedules, mutant.scenario);
  failed ||= passed;
  const found = passed ? `NOT FOUND in ${done} schedules` : `found at schedule ${done}`;
  process.stdout.write(`${found}  ${mutant.scenario}: ${mutant.name}  (${invariant ?? "-"})\n`);
}
process.exitCode = failed ? 1 : 0;
