/**
 * Admits video analytics sessions at the edge: a service over HTTP that calls three keyed functions in turn. A session needs
 * uplink rate of the subscriber's quota and of the cell, then enters the site's registry; what was taken for a session that is
 * refused further on is given back. A turn and what it sends commit together, so that no crash leaves rate taken for nothing.
 *
 *     npx neuroran up &
 *     npx neuroran deploy examples/edge-service.ts
 *     curl -H "authorization: Bearer $(cat .neuroran/token)" -H "content-type: application/json" \
 *       -d '{"session": "s1", "subscriber": "alice", "cell": "cell-1", "rate_mbps": 12}' \
 *       http://127.0.0.1:8411/functions/admission/site-1/admit
 *     npx neuroran state get cell cell-1
 *
 * `node dist/examples/edge-service.js` does the like within its own process.
 */
import { fileURLToPath } from "node:url";
import {
  call,
  createTransientDomain,
  field,
  handler,
  statefulFunction,
  stateSchema,
  steps,
  z,
} from "neuroran";

const rate_mbps = z.number().positive();
const amount = z.strictObject({ rate_mbps });
const nothing = z.void();

/** What a subscriber may send at a time. */
export const subscriber = statefulFunction(
  "subscriber",
  stateSchema({ quota_mbps: field.float64(20), used_mbps: field.float64() }),
  {
    /** Whether it still had so much; then it is taken. */
    take: handler({ request: amount, reply: z.boolean() }, ({ state }, { rate_mbps }) => {
      if (state.used_mbps + rate_mbps > state.quota_mbps) return false;
      state.used_mbps += rate_mbps;
      return true;
    }),
    giveBack: handler({ request: amount, reply: nothing }, ({ state }, { rate_mbps }) => {
      state.used_mbps = Math.max(0, state.used_mbps - rate_mbps);
    }),
  },
);

/** What a cell carries for such sessions. */
export const cell = statefulFunction(
  "cell",
  stateSchema({ capacity_mbps: field.float64(50), load_mbps: field.float64() }),
  {
    take: handler({ request: amount, reply: z.boolean() }, ({ state }, { rate_mbps }) => {
      if (state.load_mbps + rate_mbps > state.capacity_mbps) return false;
      state.load_mbps += rate_mbps;
      return true;
    }),
    giveBack: handler({ request: amount, reply: nothing }, ({ state }, { rate_mbps }) => {
      state.load_mbps = Math.max(0, state.load_mbps - rate_mbps);
    }),
  },
);

const session = z.strictObject({
  session: z.string().min(1),
  subscriber: z.string(),
  cell: z.string(),
  rate_mbps,
});
type Session = z.infer<typeof session>;

/** The sessions of a site. */
export const registry = statefulFunction(
  "registry",
  stateSchema({
    sessions: field.map(
      "text",
      field.record({
        subscriber: field.text(),
        cell: field.text(),
        rate_mbps: field.float64(),
        since: field.float64(),
      }),
    ),
  }),
  {
    /** Whether the session is new. */
    enter: handler({ request: session, reply: z.boolean() }, ({ state, now }, { session, ...about }) => {
      if (state.sessions.has(session)) return false;
      state.sessions.set(session, { ...about, since: now });
      return true;
    }),
    /** The session that has left, where there was one. */
    leave: handler(
      { request: z.strictObject({ session: z.string() }), reply: session.optional() },
      ({ state }, { session }) => {
        const left = state.sessions.get(session);
        if (left === undefined || !state.sessions.delete(session)) return undefined;
        const { subscriber, cell, rate_mbps } = left;
        return { session, subscriber, cell, rate_mbps };
      },
    ),
  },
);

const decision = z.object({
  admitted: z.boolean(),
  /** Why not. */
  reason: z.enum(["quota", "cell", "known"]).optional(),
});

const refused = (reason: "quota" | "cell" | "known") => ({ admitted: false, reason }) as const;

/** The service; its keys are sites. Each step is a turn, and what a later one needs is carried. */
export const admission = statefulFunction(
  "admission",
  stateSchema({ admitted: field.uint32(), refused: field.uint32() }),
  {
    admit: steps(
      { request: session, reply: decision },
      (_, wanted) =>
        call(subscriber.at(wanted.subscriber).take({ rate_mbps: wanted.rate_mbps }), { carry: wanted }),
      ({ state }, hasQuota, wanted: Session) => {
        if (hasQuota)
          return call(cell.at(wanted.cell).take({ rate_mbps: wanted.rate_mbps }), { carry: wanted });
        state.refused++;
        return refused("quota");
      },
      (context, hasRoom, wanted: Session) => {
        if (hasRoom) return call(registry.at(context.key).enter(wanted), { carry: wanted });
        context.state.refused++;
        context.send(subscriber.at(wanted.subscriber).giveBack({ rate_mbps: wanted.rate_mbps }));
        return refused("cell");
      },
      (context, isNew, { subscriber: name, cell: where, rate_mbps }: Session) => {
        if (isNew) {
          context.state.admitted++;
          return { admitted: true };
        }
        context.state.refused++;
        context.send(subscriber.at(name).giveBack({ rate_mbps }));
        context.send(cell.at(where).giveBack({ rate_mbps }));
        return refused("known");
      },
    ),
    release: steps(
      { request: z.strictObject({ session: z.string() }), reply: z.boolean() },
      ({ key }, { session }) => call(registry.at(key).leave({ session })),
      (context, left) => {
        if (left === undefined) return false;
        const { rate_mbps } = left;
        context.send(subscriber.at(left.subscriber).giveBack({ rate_mbps }));
        context.send(cell.at(left.cell).giveBack({ rate_mbps }));
        return true;
      },
    ),
  },
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const domain = createTransientDomain([admission, subscriber, cell, registry]);
  const site = admission.at("site-1");
  const admit = async (session: string, name: string, rate_mbps: number) => {
    const { admitted, reason } = await domain.invoke(
      site.admit({ session, subscriber: name, cell: "cell-1", rate_mbps }),
    );
    console.log(
      `${session} of ${name}, ${rate_mbps} Mbit/s: ${admitted ? "admitted" : `refused, ${reason}`}`,
    );
  };
  await admit("s1", "alice", 12);
  await admit("s2", "alice", 12);
  await admit("s3", "bob", 20);
  await admit("s3", "carol", 10);
  await admit("s4", "carol", 19);
  console.log(`s1 released: ${await domain.invoke(site.release({ session: "s1" }))}`);
  await admit("s4", "carol", 19);
  for (const [name, key] of [
    ["cell", "cell-1"],
    ["subscriber", "alice"],
    ["admission", "site-1"],
  ] as const) {
    console.log(`${name} ${key}: ${JSON.stringify(await domain.stateOf({ function: name, key }))}`);
  }
  await domain.close();
}
