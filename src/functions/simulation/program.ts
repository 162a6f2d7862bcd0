import type { Random } from "../../system/index.js";
import type { Address } from "../turns/address.js";

/** A random small program that stateful functions interpret: its steps run at one key, in turns parted by its calls. */
export interface Program {
  /** Tells all programs of a schedule apart; those that a program starts have ids that begin with its own. */
  readonly id: string;
  readonly target: Address;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly do: "add"; readonly by: number }
  | { readonly do: "call"; readonly program: Program; readonly catches: boolean }
  | { readonly do: "send"; readonly program: Program; readonly delay_ms: number | undefined }
  | {
      readonly do: "timer";
      readonly program: Program;
      readonly delay_ms: number;
      /** What becomes of the timer in the same turn: it is set once, set twice, or cancelled. */
      readonly fate: "set" | "set again" | "cancelled";
    }
  | { readonly do: "publish" }
  | { readonly do: "fail" };

/** Draws a program. @param depth how many generations of programs it may start. */
export function drawProgram(
  random: Random,
  id: string,
  targets: readonly Address[],
  depth: number,
  target: Address = pick(random, targets),
): Program {
  const steps: Step[] = [{ do: "add", by: 1 + random.integer(9) }];
  const count = random.integer(depth > 0 ? 4 : 2);
  for (let index = 0; index < count; index++) {
    const part = (at?: Address): Program =>
      drawProgram(random, `${id}/${index}`, targets, depth - 1, at ?? pick(random, targets));
    const kind = depth > 0 ? random.integer(12) : 8 + random.integer(4);
    if (kind < 3) steps.push({ do: "call", program: part(), catches: random.integer(2) === 0 });
    // A call of the own key, which must not wait for itself.
    else if (kind === 3) steps.push({ do: "call", program: part(target), catches: true });
    else if (kind < 6) steps.push({ do: "send", program: part(), delay_ms: undefined });
    else if (kind === 6) steps.push({ do: "send", program: part(), delay_ms: random.integer(300) });
    else if (kind === 7) {
      const fate = (["set", "set", "set again", "cancelled"] as const)[random.integer(4)]!;
      steps.push({ do: "timer", program: part(target), delay_ms: random.integer(300), fate });
    } else if (kind < 10) steps.push({ do: "publish" });
    else if (kind === 10) steps.push({ do: "add", by: random.integer(5) });
    else if (random.integer(3) === 0) steps.push({ do: "fail" });
  }
  return { id, target, steps };
}

/** The name of a program's turn: its turns are counted from 0, and each call ends one. */
export function turnName(program: Program, turn: number): string {
  return `${program.id}#${turn}`;
}

/** One turn that takes effect. */
export interface ExpectedTurn {
  readonly name: string;
  readonly program: Program;
  readonly adds: number;
  readonly publishes: number;
}

/**
 * The turns of a program and of all that it starts that take effect, by name: a turn that fails has no effect and ends its
 * program, and so does a failed call that the program does not catch.
 */
export function expectedTurns(program: Program): {
  readonly turns: ExpectedTurn[];
  readonly succeeds: boolean;
} {
  const turns: ExpectedTurn[] = [];
  const succeeds = expect(program, turns);
  return { turns, succeeds };
}

function expect(program: Program, turns: ExpectedTurn[]): boolean {
  let turn = 0;
  let adds = 0;
  let publishes = 0;
  let started: Program[] = [];
  const end = (): void => {
    turns.push({ name: turnName(program, turn++), program, adds, publishes });
    for (const one of started) expect(one, turns);
    adds = 0;
    publishes = 0;
    started = [];
  };
  for (const step of program.steps) {
    if (step.do === "fail") return false;
    if (step.do === "add") adds += step.by;
    else if (step.do === "publish") publishes++;
    else if (step.do === "send" || (step.do === "timer" && step.fate !== "cancelled"))
      started.push(step.program);
    else if (step.do === "call") {
      end();
      if (!expect(step.program, turns) && !step.catches) return false;
    }
  }
  end();
  return true;
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.integer(values.length)]!;
}
