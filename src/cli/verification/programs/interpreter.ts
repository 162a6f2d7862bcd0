/**
 * The module that `neuroran verify programs` deploys: three stateful functions that interpret programs.
 *
 * Invariants, checked by every turn, so that a change of state that holds in part is noticed at once:
 * 1. `sum` is what the addends in `times` add up to.
 * 2. `ledger` says the same as `times`.
 */
import { randomUUID } from "node:crypto";
import {
  type Call,
  call,
  continuation,
  field,
  handler,
  reference,
  statefulFunction,
  stateSchema,
  type TurnContext,
  z,
} from "neuroran";
import {
  decoyAddend,
  decoyDelay_ms,
  greatestAddend,
  layers,
  type Program,
  type ProgramReply,
} from "./program.js";

const state = stateSchema({
  sum: field.float64(),
  times: field.tensor("uint32", [greatestAddend]),
  ledger: field.map("text", field.record({ times: field.uint32() })),
});

type Context = TurnContext<typeof state>;

/** What a program takes along while it waits for a reply. */
interface Carry {
  readonly rest: Program;
  readonly total: number;
}

const operationSchema = z.custom<Program[number]>(
  (value) => typeof value === "object" && value !== null && "do" in value,
);
/** Runs operations to the end of the turn. */
function proceed(context: Context, program: Program, begun: number): ProgramReply | Call<ProgramReply> {
  checkState(context);
  let total = begun;
  for (const [index, operation] of program.entries()) {
    switch (operation.do) {
      case "add":
        add(context, operation.by);
        total += operation.by;
        break;
      case "call":
        return call(
          reference<ProgramReply>(operation.at.function, operation.at.key, "run", operation.program),
          {
            onReply: "resume",
            ...(operation.caught ? { onFailure: "recover" } : {}),
            carry: { rest: program.slice(index + 1), total },
          },
        );
      case "send": {
        const invocation = reference(operation.at.function, operation.at.key, "run", operation.program);
        const { delay_ms } = operation;
        if (delay_ms === undefined) context.send(invocation);
        else context.send(invocation, { delay_ms });
        break;
      }
      case "timer":
        context.setTimer(operation.name, operation.delay_ms, "run", operation.program);
        break;
      case "decoy":
        context.setTimer(operation.name, decoyDelay_ms, "spoil");
        break;
      case "cancelled":
        context.setTimer(operation.name, 0, "spoil");
        context.cancelTimer(operation.name);
        break;
      case "cancel":
        context.cancelTimer(operation.name);
        break;
      case "fail":
        throw new Error("this program fails as it should");
    }
  }
  return { total, receipt: randomUUID() };
}

function add({ state }: Context, by: number): void {
  const index = by - 1;
  state.sum += by;
  state.times[index]! += 1;
  const entry = state.ledger.get(String(by));
  if (entry === undefined) state.ledger.set(String(by), { times: 1 });
  else entry.times += 1;
}

function checkState({ state, key }: Context): void {
  const sum = state.times.reduce((before, times, index) => before + times * (index + 1), 0);
  const same = state.times.every(
    (times, index) => times === (state.ledger.get(String(index + 1))?.times ?? 0),
  );
  if (sum !== state.sum || !same) throw new Error(`the state of ${key} holds in part`);
}

const types = {
  request: z.array(operationSchema),
  reply: z.object({ total: z.number(), receipt: z.string() }),
};

function interpreter(name: string) {
  return statefulFunction(
    name,
    state,
    {
      run: handler(types, (context, program) => proceed(context, program, 0)),
      resume: continuation((context: Context, reply: ProgramReply, { rest, total }: Carry) =>
        proceed(context, rest, total + reply.total),
      ),
      recover: continuation((context: Context, _failure: unknown, { rest, total }: Carry) =>
        proceed(context, rest, total),
      ),
      spoil: handler({ request: z.undefined(), reply: z.void() }, ({ state }) => {
        state.sum += decoyAddend;
      }),
      read: handler(
        { request: z.null(), reply: z.object({ sum: z.number(), times: z.array(z.number()) }) },
        ({ state }) => ({ sum: state.sum, times: [...state.times] }),
      ),
    },
    { keptEvents: 0 },
  );
}

export const [layerOne, layerTwo, layerThree] = layers.map(interpreter);
