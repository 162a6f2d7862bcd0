import { z } from "zod";
import { InputError } from "../errors.js";
import type { RunningSlotFlow } from "../functions/slot-flows/index.js";
import type { PinnedModel } from "../neural/models/pinned.js";
import { type Canary, type CanaryReport, startCanary } from "./canary.js";
import { type Exchange, replyJson } from "./exchange.js";
import { longestBody_bytes } from "./function-calls.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { checkWith, parseJson, readBody } from "./json-body.js";
import type { NodeLog } from "./node-log.js";

/** What routes of flows need of models. */
export interface ModelAccess {
  /** A model as a directory that stays. */
  pin(reference: string): Promise<PinnedModel>;
  readonly log: NodeLog;
}

/** The latest canary of each flow. */
const canaries = new WeakMap<RunningSlotFlow, Canary>();

const startBody = z.strictObject({
  model: z.string().min(1, "name a model"),
  /** What the model's manifest says unless given. */
  function: z.string().min(1).optional(),
  share: z.number().gt(0).lt(1),
  slots: z.int().min(1).max(1e9),
});

/**
 * Everything under `/flows/{name}/canary`, of a flow of slots:
 * - `POST`: puts a model beside the implementation of a function in a share of the slots
 *   (`{model, function?, share, slots}`); replies when slots are theirs.
 * - `GET`: the latest canary, null where there was none since the flow was started.
 * - `POST …/promote`, `POST …/rollback`: decides by hand; replies when it is done.
 */
export async function serveCanary(
  exchange: Exchange,
  flow: RunningSlotFlow,
  models: ModelAccess,
): Promise<void> {
  const { request, response, path } = exchange;
  const reply = (report: CanaryReport | null): void => replyJson(response, 200, JSON.stringify(report));
  const [, , , decision] = path;
  if (decision === undefined && request.method === "GET") {
    reply(canaries.get(flow)?.report() ?? null);
    return;
  }
  if (request.method !== "POST") throw methodRefused(exchange, decision === undefined ? "GET, POST" : "POST");
  if (decision === undefined) {
    readBody(request, longestBody_bytes, (problem, bytes) => {
      start(flow, models, problem, bytes).then(reply, exchange.fail);
    });
    return;
  }
  if (decision !== "promote" && decision !== "rollback")
    throw pathUnknown("there is /flows/{name}/canary/promote and /flows/{name}/canary/rollback");
  const canary = canaries.get(flow);
  if (canary === undefined)
    throw new InputError(
      "flow",
      flow.flow.name,
      "it has no canary: begin with neuroran model deploy --canary",
    );
  await canary.decide({ promote: decision === "promote", reason: "as was asked for" });
  reply(canary.report());
}

async function start(
  flow: RunningSlotFlow,
  { pin, log }: ModelAccess,
  problem: Error | undefined,
  bytes: Buffer,
): Promise<CanaryReport> {
  if (problem !== undefined) throw problem;
  const asked = checkWith(startBody, parseJson(bytes));
  const { path, model } = await pin(asked.model);
  const { manifest, version } = model;
  const name = asked.function ?? manifest.implements;
  if (name === undefined)
    throw new InputError(
      "function",
      undefined,
      `${manifest.name} does not say what it stands for: name a function`,
    );
  const reference = `${manifest.name}@${version}`;
  const { share, slots } = asked;
  const canary = await startCanary(flow, { name, path, reference, share, slots }, (text) =>
    log.write("info", "flow", text),
  );
  canaries.set(flow, canary);
  return canary.report();
}
