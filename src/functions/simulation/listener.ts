import { z } from "zod";
import { codecOf, field, stateSchema } from "../schema/index.js";
import type { Handler, StatefulFunctionData, TurnContext } from "../turns/declaration.js";
import { entryParts } from "../turns/entries.js";
import type { SimulatedDisk } from "./simulated-disk.js";

const heardState = stateSchema({
  /** By number, the run of the flow that told it. */
  heard: field.map("uint32", field.float64()),
});

/** A stateful function that hears numbers of a flow, and tells where it hears one twice. */
export function listener(violate: (invariant: string, detail: string) => void): StatefulFunctionData {
  const hear: Handler<typeof heardState> = {
    kind: "request",
    request: z.unknown(),
    reply: z.unknown(),
    run(context: TurnContext<typeof heardState>, body) {
      const { number, run } = body as { number: number; run: number };
      const { heard } = context.state;
      if (heard.has(number)) {
        violate(
          "what a flow sends is heard once",
          `${context.key} ${number}: runs ${heard.get(number)}, ${run}`,
        );
      }
      heard.set(number, run);
    },
  };
  const handlers = { hear: hear as Handler };
  return { kind: "stateful function", name: "listener", state: heardState, handlers, keptEvents: 1 };
}

const codec = codecOf(heardState);
/** Of a stored state: turn counter and position of the latest event. */
const header_bytes = 16;

/** What listeners have heard, as their store has it: the run by user and number. */
export function heardOnDisk(disk: SimulatedDisk): Map<string, number> {
  const found = new Map<string, number>();
  for (const { key, value } of disk.entries()) {
    if (!key.startsWith("t\0state\0listener\0")) continue;
    const [user] = entryParts(key).rest;
    const { heard } = codec.decode(value.subarray(header_bytes));
    for (const [number, run] of heard) found.set(`${user} ${number}`, run);
  }
  return found;
}
