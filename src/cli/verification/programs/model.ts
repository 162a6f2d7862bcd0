import { type AddressedProgram, addressText, type Count, greatestAddend, type Program } from "./program.js";

/** How a program must go. */
export type ModelOutcome = { readonly ok: true; readonly total: number } | { readonly ok: false };

/** What every key must have counted when all programs, and all that they have sent and set, have run. */
export interface Model {
  /** Runs a program with all that comes of it; how it goes depends on no other program, and on no order. */
  run(program: AddressedProgram): ModelOutcome;
  /** By `addressText`; keys that counted nothing are missing. */
  readonly counts: ReadonlyMap<string, Count>;
}

/** Counts by plain recursion, where functions count by messages, in turns, and through failures. */
export function createModel(): Model {
  const counts = new Map<string, { sum: number; times: number[] }>();

  const add = (place: string, by: number): void => {
    const count = counts.get(place) ?? { sum: 0, times: new Array<number>(greatestAddend).fill(0) };
    counts.set(place, count);
    count.sum += by;
    count.times[by - 1]! += 1;
  };

  const run = (at: AddressedProgram["at"], program: Program): ModelOutcome => {
    const place = addressText(at);
    let total = 0;
    // What the turn has done so far, and a failure undoes.
    let turn: (() => void)[] = [];
    const endTurn = (): void => {
      const done = turn;
      turn = [];
      for (const effect of done) effect();
    };
    for (const operation of program) {
      switch (operation.do) {
        case "add":
          total += operation.by;
          turn.push(() => add(place, operation.by));
          break;
        case "send":
          turn.push(() => void run(operation.at, operation.program));
          break;
        case "timer":
          turn.push(() => void run(at, operation.program));
          break;
        case "call": {
          endTurn();
          const outcome = run(operation.at, operation.program);
          if (outcome.ok) total += outcome.total;
          else if (!operation.caught) return outcome;
          break;
        }
        case "fail":
          return { ok: false };
        case "decoy":
        case "cancelled":
        case "cancel":
          break;
      }
    }
    endTurn();
    return { ok: true, total };
  };

  return { run: ({ at, program }) => run(at, program), counts };
}
