import type { RunningFlow } from "../functions/flows/index.js";
import { codecOf } from "../functions/schema/index.js";
import { type EventStream, positionOf, streamEvents } from "./event-stream.js";
import { type Exchange, parametersOf, replyJson, replyNothing } from "./exchange.js";
import { longestBody_bytes } from "./function-calls.js";
import type { OpenStreams } from "./function-routes.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { parseJson, readBody } from "./json-body.js";
import { jsonText } from "./json-value.js";
import type { NodeFlows } from "./node-flows.js";

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
}

/**
 * Everything under `/flows`:
 * - `GET /flows`: what runs, with its statistics.
 * - `GET /flows/{name}/{output}/events`: the messages of an output as server-sent events, from a position (from 0) on.
 * - `POST /flows/{name}/{source}`: appends a message, as JSON by the source's schema, to a log that the flow reads; 204 when it is
 *   durable.
 */
export async function serveFlows(exchange: Exchange, flows: NodeFlows, streams: OpenStreams): Promise<void> {
  const { request, response, path, query } = exchange;
  const [, name, part] = path as [string, string, string];
  if (path.length === 1) {
    if (request.method !== "GET") throw methodRefused(exchange, "GET");
    replyJson(response, 200, JSON.stringify(flowsInService(flows)));
  } else if (path.length === 4 && path[3] === "events") {
    if (request.method !== "GET") throw methodRefused(exchange, "GET");
    const flow = await flows.flow(name);
    const output = flow.output(part);
    const from = positionOf(request, parametersOf(query, ["from"]), 0);
    const stream = streamEvents(
      response,
      (position, deliver) =>
        output.subscribe(position, (one) => deliver(one.position, () => jsonText(one.message))),
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
      append(flow, part, problem, bytes).then(() => replyNothing(response, 204), exchange.fail);
    });
  } else throw pathUnknown("there is /flows, /flows/{name}/{source} and /flows/{name}/{output}/events");
}

/** The streams that read outputs of a flow; they end with it. */
const readersByFlow = new WeakMap<RunningFlow, Set<EventStream>>();

function readersOf(flow: RunningFlow): Set<EventStream> {
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
  flow: RunningFlow,
  source: string,
  problem: Error | undefined,
  bytes: Buffer,
): Promise<void> {
  if (problem !== undefined) throw problem;
  const json = parseJson(bytes);
  const declared = flow.flow.graph.sources.get(source);
  // What is no log of the flow is refused by it.
  await flow.append(source, declared?.kind === "logged" ? codecOf(declared.message).fromJson(json) : json);
}

function flowsInService(flows: NodeFlows): FlowInService[] {
  return flows.flows().map((running) => {
    const { epochs, tasks } = running.statistics();
    const { last, committed, aborted, problem = null } = epochs;
    return { name: running.flow.name, epoch: last, committed, aborted, problem, tasks };
  });
}
