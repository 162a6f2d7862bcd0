/**
 * Counts the sessions of each cell. A session that is not renewed within its lifetime ends by itself, and whoever subscribed to
 * a cell is told of every change.
 *
 *     npx neuroran up &
 *     npx neuroran deploy examples/session-counter.ts
 *     npx neuroran subscribe session-counter cell-1 &
 *     npx neuroran invoke session-counter cell-1 open '{"session": "s1", "lifetime_s": 60}'
 *     npx neuroran invoke session-counter cell-1 close '{"session": "s1"}'
 *     npx neuroran state get session-counter cell-1
 *
 * `node dist/examples/session-counter.js` does the like within its own process.
 */
import { fileURLToPath } from "node:url";
import {
  createTransientDomain,
  field,
  handler,
  type LoggedEvent,
  statefulFunction,
  stateSchema,
  type TurnContext,
  z,
} from "neuroran";

const state = stateSchema({
  /** When each session ends, milliseconds since 1970. */
  sessions: field.map("text", field.float64()),
  /** All that were ever opened. */
  opened: field.uint32(),
});

const session = z.string().min(1);

/** The reply of every handler: the sessions that are open. */
const open = z.int();

function tell(context: TurnContext<typeof state>, change: "opened" | "closed" | "expired"): number {
  const { sessions, opened } = context.state;
  context.publish({ change, open: sessions.size, opened });
  return sessions.size;
}

export const sessionCounter = statefulFunction("session-counter", state, {
  /** Opens a session, or renews it. */
  open: handler(
    { request: z.strictObject({ session, lifetime_s: z.number().positive().default(3600) }), reply: open },
    (context, { session, lifetime_s }) => {
      const { state, now } = context;
      const isNew = !state.sessions.has(session);
      state.sessions.set(session, now + 1000 * lifetime_s);
      context.setTimer(session, 1000 * lifetime_s, "expire", { session });
      if (!isNew) return state.sessions.size;
      state.opened++;
      return tell(context, "opened");
    },
  ),
  close: handler({ request: z.strictObject({ session }), reply: open }, (context, { session }) => {
    context.cancelTimer(session);
    return context.state.sessions.delete(session) ? tell(context, "closed") : context.state.sessions.size;
  }),
  expire: handler({ request: z.strictObject({ session }), reply: open }, (context, { session }) => {
    const ends = context.state.sessions.get(session);
    if (ends === undefined || ends > context.now) return context.state.sessions.size;
    context.state.sessions.delete(session);
    return tell(context, "expired");
  }),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const domain = createTransientDomain([sessionCounter]);
  const cell = sessionCounter.at("cell-1");
  const expired = new Promise<void>((resolve) => {
    domain.subscribe({ function: "session-counter", key: "cell-1" }, ({ position, event }: LoggedEvent) => {
      console.log(`event ${position}: ${JSON.stringify(event)}`);
      if ((event as { change: string }).change === "expired") resolve();
    });
  });
  await domain.invoke(cell.open({ session: "s1", lifetime_s: 60 }));
  await domain.invoke(cell.open({ session: "s2", lifetime_s: 0.05 }));
  console.log(`open: ${await domain.invoke(cell.open({ session: "s3", lifetime_s: 60 }))}`);
  console.log(`open: ${await domain.invoke(cell.close({ session: "s1" }))}`);
  await expired;
  console.log(
    `state: ${JSON.stringify(await domain.stateOf({ function: "session-counter", key: "cell-1" }))}`,
  );
  await domain.close();
}
