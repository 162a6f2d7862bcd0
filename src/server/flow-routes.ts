import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { InputError } from "../errors.js";
import { codecOf } from "../functions/schema/index.js";
import type { RunningSlotFlow } from "../functions/slot-flows/index.js";
import type { SwapOutcome, SwapRequest } from "../functions/slots/slot-swap.js";
import { resolveModels } from "../neural/slot/index.js";
import { type ModelAccess, serveCanary } from "./canary-routes.js";
import { type EventStream, positionOf, streamEvents } from "./event-stream.js";
import { type Exchange, parametersOf, replyJson, replyNothing } from "./exchange.js";
import { longestBody_bytes } from "./function-calls.js";
import type { OpenStreams } from "./function-routes.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { checkWith, parseJson, readBody } from "./json-body.js";
import { jsonText } from "./json-value.js";
import type { NodeFlows, ServedFlow } from "./node-flows.js";

/** A flow that runs, as a node tells of it. */
export interface FlowInService {
  readonly name: string;
  /** The newest epoch that is durable; how many were, and were given up, since it was started. */
  readonly epoch: number;
  readonly committed: number;
  readonly aborted: number;
  /** Why the latest epoch that failed did; null where none has. */
  readonly problem: string | null;
  /** Sources and operators, with the messages that came in and went out. */
  readonly tasks: readonly {
    readonly name: string;
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
  }[];
  /** Of a flow of slots; null of one of messages. */
  readonly slots: SlotsInService | null;
}

/** The slots of a flow, as a node tells of them. */
export interface SlotsInService {
  /** The first slot that is not durable. */
  readonly position: number;
  /** Run since the flow was started, those that failed among them. */
  readonly done: number;
  readonly failed: number;
  /** Never run, because they were late. */
  readonly dropped: number;
  /** Done later than when the next was due. */
  readonly late: number;
  readonly implementations: readonly {
    readonly path: string;
    readonly function: string;
    readonly implementation: string;
    /** A model that takes turns with it. */
    readonly canary?: { readonly canary: string; readonly share: number };
  }[];
}

/** A swap, as a node tells of it. */
export interface SwapReport {
  readonly flow: string;
  /** The first slot that the new implementations ran. */
  readonly slot: number;
  readonly prepare_ms: number;
  /** Slots that failed or were dropped from the request on. */
  readonly lost: number;
  /** How it ended; null where that is not known yet. */
  readonly outcome:
    | { readonly kept: true }
    | {
        readonly kept: false;
        readonly reason: string;
        readonly slot: number;
        readonly problem: string | null;
      }
    | null;
}

/**
 * Everything under `/flows`:
 * - `GET /flows`: what runs, with its statistics.
 * - `GET /flows/{name}/{output}/events`: the messages of an output as server-sent events, from a position (from 0) on;
 *   with `key`, those of one key.
 * - `POST /flows/{name}/{source}`: appends a message, as JSON by the source's schema, to a log that the flow reads; 204 when it is
 *   durable.
 * - `POST /flows/{name}/swap` of a flow of slots: exchanges implementations between two slots (`{implementations, fallback?}`);
 *   replies when it is known whether they stay, or after half a minute. Models stand for implementations as in
 *   `resolveModels`.
 * - `/flows/{name}/canary` of a flow of slots: see `serveCanary`.
 */
export async function serveFlows(
  exchange: Exchange,
  flows: NodeFlows,
  streams: OpenStreams,
  models: ModelAccess,
): Promise<void> {
  const { request, response, path, query } = exchange;
  const [, name, part] = path as [string, string, string];
  if (path.length === 1) {
    if (request.method !== "GET") throw methodRefused(exchange, "GET");
    replyJson(response, 200, JSON.stringify(flowsInService(flows)));
  } else if (part === "canary" && path[3] !== "events" && path.length <= 4) {
    const flow = await flows.flow(name);
    if (!("swap" in flow)) throw new InputError("flow", name, "name one of slots");
    await serveCanary(exchange, flow, models);
  } else if (path.length === 4 && path[3] === "events") {
    if (request.method !== "GET") throw methodRefused(exchange, "GET");
    const flow = await flows.flow(name);
    const output = flow.output(part);
    const parameters = parametersOf(query, ["from", "key"]);
    const from = positionOf(request, parameters, 0);
    const key = parameters.get("key") ?? undefined;
    const stream = streamEvents(
      response,
      (position, deliver) =>
        output.subscribe(position, (one) => deliver(one.position, () => jsonText(one.message)), key),
      from,
    );
    const readers = readersOf(flow);
    for (const set of [streams, readers]) set.add(stream);
    response.once("close", () => {
      for (const set of [streams, readers]) set.delete(stream);
    });
  } else if (path.length === 3) {
    if (request.method !== "POST") throw methodRefused(exchange, "POST");
    const flow = await flows.flow(name);
    readBody(request, longestBody_bytes, (problem, bytes) => {
      if ("swap" in flow && part === "swap") {
        swap(flow, models, problem, bytes).then(
          (report) => replyJson(response, 200, JSON.stringify(report)),
          exchange.fail,
        );
      } else append(flow, part, problem, bytes).then(() => replyNothing(response, 204), exchange.fail);
    });
  } else throw pathUnknown("there is /flows, /flows/{name}/{source} and /flows/{name}/{output}/events");
}

/** The streams that read outputs of a flow; they end with it. */
const readersByFlow = new WeakMap<ServedFlow, Set<EventStream>>();

function readersOf(flow: ServedFlow): Set<EventStream> {
  const known = readersByFlow.get(flow);
  if (known !== undefined) return known;
  const readers = new Set<EventStream>();
  readersByFlow.set(flow, readers);
  // Once a flow, not once a reader: a promise keeps what waits for it.
  const end = (): void => {
    for (const one of readers) one.end("FLOW_ENDED", "the flow has ended: come back with Last-Event-ID");
  };
  flow.finished.then(end, end);
  return readers;
}

async function append(
  flow: ServedFlow,
  source: string,
  problem: Error | undefined,
  bytes: Buffer,
): Promise<void> {
  if (problem !== undefined) throw problem;
  if ("swap" in flow) throw new InputError("source", source, "a flow of slots reads a source of its own");
  const json = parseJson(bytes);
  const declared = flow.flow.graph.sources.get(source);
  // What is no log of the flow is refused by it.
  await flow.append(source, declared?.kind === "logged" ? codecOf(declared.message).fromJson(json) : json);
}

const swapBody = z.strictObject({
  implementations: z.record(z.string(), z.string(), "name implementations by function"),
  fallback: z
    .strictObject({
      deadline_ms: z.number().positive().optional(),
      misses: z.int().min(1).optional(),
      slots: z.int().min(0).optional(),
    })
    .optional(),
});

/** How long a reply waits for the outcome of a swap. */
const outcomePatience_ms = 30_000;

async function swap(
  flow: RunningSlotFlow,
  { pin }: ModelAccess,
  problem: Error | undefined,
  bytes: Buffer,
): Promise<SwapReport> {
  if (problem !== undefined) throw problem;
  const { implementations: asked, ...rest } = checkWith(swapBody, parseJson(bytes));
  const { alternatives, implementations: present } = flow.statistics().executor;
  const implementations = await resolveModels(
    asked,
    (name) => alternatives[present.find(({ path }) => path === name)?.function ?? name],
    async (reference) => (await pin(reference)).path,
  );
  const request = { ...rest, implementations } as SwapRequest;
  const { slot, prepare_ms, lost, outcome } = await flow.swap(request);
  const patience = new AbortController();
  const ended = await Promise.race([
    outcome,
    flow.finished.then(() => undefined),
    setTimeout(outcomePatience_ms, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  return { flow: flow.flow.name, slot, prepare_ms, lost: lost(), outcome: reported(ended) };
}

function reported(ended: SwapOutcome | undefined): SwapReport["outcome"] {
  if (ended === undefined || ended.kept) return ended ?? null;
  const { reason, slot, error } = ended;
  return { kept: false, reason, slot, problem: error?.message ?? null };
}

function flowsInService(flows: NodeFlows): FlowInService[] {
  return flows.flows().map((running) => {
    const { last, committed, aborted, problem = null } = running.statistics().epochs;
    const about = { name: running.flow.name, epoch: last, committed, aborted, problem };
    if (!("swap" in running)) return { ...about, tasks: running.statistics().tasks, slots: null };
    const { position, slots, executor } = running.statistics();
    const { problem: ofSlots = null, ...counts } = slots;
    const { implementations } = executor;
    return {
      ...about,
      problem: problem ?? ofSlots,
      tasks: [],
      slots: { position, ...counts, implementations },
    };
  });
}
