import { z } from "zod";
import { field, stateSchema } from "../schema/index.js";
import type { Address } from "../turns/address.js";
import type { Call, Handler, StatefulFunctionData, TurnContext } from "../turns/declaration.js";
import { call } from "../turns/stateful-function.js";
import { type Program, turnName } from "./program.js";

/** A turn that ran, perhaps in vain: its number is never given again. */
export interface Run {
  readonly key: string;
  readonly function: string;
  readonly turn: string;
  readonly run: number;
}

/** What a program is sent with. */
export interface ProgramMessage {
  readonly program: Program;
  /** The turn that sent it; null where a client did. */
  readonly cause: Run | null;
  /** The sender's time from which it may run; null for at once. */
  readonly due_ms: number | null;
}

/** What a program replies with: its last turn, and the replies of what it called. */
export interface ProgramReply {
  readonly last: Run;
  readonly replies: readonly (ProgramReply | null)[];
}

/** An event that a program publishes. */
export interface ProgramEvent {
  readonly by: Run;
  readonly ordinal: number;
}

interface Carry {
  readonly program: Program;
  readonly next: number;
  readonly turn: number;
  readonly replies: readonly (ProgramReply | null)[];
}

/** What the interpreter tells the outside while it runs. */
export interface Witness {
  nextRun(): number;
  /** The latest time that a clock has shown: this node's, or any node's. */
  latestTime(whose: "own" | "any"): number;
  /** The turn that runs now publishes an event. */
  published(functionName: string, key: string): void;
  violate(invariant: string, detail: string): void;
}

/** What an interpreter keeps for each key. */
export const interpreterState = stateSchema({
  count: field.float64(),
  /** By a turn's name, the run that took effect and its cause, as JSON: `[Run, Run | null]`. */
  turns: field.map("text", field.text()),
});

/** The JSON form of a key's state. */
export interface InterpreterState {
  readonly count: number;
  readonly turns: Readonly<Record<string, string>>;
}

/** A stateful function that interprets programs, of that name. */
export function interpreter(name: string, witness: Witness): StatefulFunctionData {
  type Context = TurnContext<typeof interpreterState>;

  function runTurn(
    context: Context,
    { program, next, turn, replies }: Carry,
    cause: Run | null,
  ): ProgramReply | Call {
    const self: Run = {
      function: name,
      key: context.key,
      turn: turnName(program, turn),
      run: witness.nextRun(),
    };
    const { state } = context;
    if (state.turns.has(self.turn)) witness.violate("each turn takes effect once", `${self.turn} runs again`);
    state.turns.set(self.turn, JSON.stringify([self, cause]));
    let published = 0;
    for (let index = next; index < program.steps.length; index++) {
      const step = program.steps[index]!;
      switch (step.do) {
        case "add":
          state.count += step.by;
          break;
        case "publish":
          witness.published(name, context.key);
          context.publish({ by: self, ordinal: published++ } satisfies ProgramEvent);
          break;
        case "fail":
          throw new Error(`program ${program.id} fails as it should`);
        case "send": {
          const { delay_ms } = step;
          const body = messageOf(step.program, self, delay_ms === undefined ? null : context.now + delay_ms);
          const invocation = { target: step.program.target, handler: "run", body };
          context.send(invocation, delay_ms === undefined ? undefined : { delay_ms });
          break;
        }
        case "timer": {
          const body = messageOf(step.program, self, context.now + step.delay_ms);
          if (step.fate === "set again") context.setTimer(step.program.id, 1, "run", null);
          context.setTimer(step.program.id, step.delay_ms, "run", body);
          if (step.fate === "cancelled") context.cancelTimer(step.program.id);
          break;
        }
        case "call":
          return call(invocationOf(step.program, self), {
            onReply: "resume",
            ...(step.catches ? { onFailure: "recover" } : {}),
            carry: { program, next: index + 1, turn: turn + 1, replies } satisfies Carry,
          });
      }
    }
    return { last: self, replies };
  }

  const handlers: Record<string, Handler<typeof interpreterState>> = {
    run: {
      kind: "request",
      request: z.unknown(),
      reply: z.unknown(),
      run(context, body) {
        if (body === null) {
          witness.violate("a timer that is set again or cancelled does not run", `${name} ${context.key}`);
          return null;
        }
        const { program, cause, due_ms } = body as ProgramMessage;
        // A timer is accepted when it is due, and the clock may be set back before its turn.
        const isTimer = cause?.function === name && cause.key === context.key;
        const latest_ms = witness.latestTime(isTimer ? "own" : "any");
        if (due_ms !== null && latest_ms < due_ms) {
          witness.violate(
            "no timer runs before it is due",
            `${program.id} ran ${due_ms - latest_ms} ms early`,
          );
        }
        return runTurn(context, { program, next: 0, turn: 0, replies: [] }, cause);
      },
    },
    resume: {
      kind: "continuation",
      run(context, reply, carried) {
        const carry = carried as Carry;
        const value = reply as ProgramReply;
        return runTurn(context, { ...carry, replies: [...carry.replies, value] }, value.last);
      },
    },
    recover: {
      kind: "continuation",
      run(context, _failure, carried) {
        const carry = carried as Carry;
        return runTurn(context, { ...carry, replies: [...carry.replies, null] }, null);
      },
    },
  };
  return {
    kind: "stateful function",
    name,
    state: interpreterState,
    handlers: handlers as Record<string, Handler>,
    keptEvents: 1000,
  };
}

export function messageOf(program: Program, cause: Run | null, due_ms: number | null = null): ProgramMessage {
  return { program, cause, due_ms };
}

export function invocationOf(
  program: Program,
  cause: Run | null,
): { target: Address; handler: string; body: ProgramMessage } {
  return { target: program.target, handler: "run", body: messageOf(program, cause) };
}
