import { NeuroranError } from "../../../errors.js";
import { createRandom, type Random } from "../../../system/index.js";
import { getRequest } from "../../load/http-connection.js";
import { countOperations, createProgramGenerator } from "./generator.js";
import { createModel, type Model, type ModelOutcome } from "./model.js";
import {
  type AddressedProgram,
  addressOf,
  addressText,
  type OperationName,
  type ProgramReply,
} from "./program.js";
import { type Difference, readDifferences } from "./read-back.js";
import {
  type ClientSession,
  type Lane,
  type NumberedRequest,
  openClientSession,
  openLane,
  type SessionReply,
  type Traffic,
} from "./session-client.js";
import { type KilledNode, keepKilling, type VerifiedNode } from "./verified-node.js";

/** What is run against a node. */
export interface ProgramsRun {
  readonly seed: number;
  readonly programs: number;
  readonly keys: number;
  /** Three or more: the last two after all programs have replied, and after all counters are right. */
  readonly kills: number;
  /** Timers and delayed messages are due within this time. */
  readonly longestDelay_ms: number;
  /** Without any progress for so long, the run is stuck; longer than a delay. */
  readonly patience_ms: number;
  /** Told how many programs have replied. */
  readonly progress?: (replied: number, kills: number) => void;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface ProgramsReport {
  readonly verification: "programs";
  readonly seed: number;
  readonly programs: number;
  readonly keys: number;
  /** Operations of all programs, by kind. */
  readonly operations: Readonly<Partial<Record<OperationName, number>>>;
  readonly kills: number;
  /** Programs whose reply came: each by itself, and how many of them failed as they should. */
  readonly replies: number;
  readonly failedPrograms: number;
  /** Requests that were sent, those that were sent again, and replies that were asked for again and compared. */
  readonly requests: number;
  readonly resent: number;
  readonly compared: number;
  /** Of starts of the node, all in milliseconds. */
  readonly slowestStart_ms: number;
  readonly duration_s: number;
  readonly passed: boolean;
  /** What is wrong, the first few of each kind in words. */
  readonly mistakes: readonly string[];
  /** Where the run was stuck: what it waited for, and what the node says of itself. */
  readonly stuck: readonly string[];
}

const sessionCount = 16;
const laneCount = 64;
const mistakesKept = 20;

/** Of replies, those that are asked for again at once, by two requests together, and after the next kill. */
const repeatShares = { again: 0.08, together: 0.04, afterKill: 0.02 };

/**
 * Runs random programs on a node that is killed again and again, and compares what its functions have counted, and what they
 * have replied, with the model.
 *
 * Invariants that are checked:
 * 1. Every program of a session replies once: a request that is sent again gets the same bytes.
 * 2. Its reply is the model's, whatever was killed in between.
 * 3. In the end every key has counted what the model says, before and after a last kill.
 *
 * A run fails, too, when nothing was added, no kill took place, or nothing moved for the patience.
 */
export async function runPrograms(verified: VerifiedNode, run: ProgramsRun): Promise<ProgramsReport> {
  const began = performance.now();
  const random = createRandom(run.seed).fork("driver");
  const node = keepKilling(verified, random.fork("kills"));
  const state = createRunState(run, node, random);
  const { traffic, mistakes } = state;
  const stuck: string[] = [];
  try {
    await untilStuck(state, () => runAll(state));
  } catch (error) {
    if (!(error instanceof NeuroranError)) throw error;
    if (run.signal?.aborted) mistakes.push("interrupted");
    else {
      mistakes.push(`${error.code}: ${error.message}`);
      stuck.push(...(await describeStuck(state)));
    }
  } finally {
    state.over = true;
    for (const lane of state.lanes) lane.close();
    await node.end();
  }
  if (node.kills() === 0) mistakes.push("the node was never killed");
  if (state.replied === 0 || !((state.operations.add ?? 0) > 0)) mistakes.push("no work was done");
  return {
    verification: "programs",
    seed: run.seed,
    programs: run.programs,
    keys: run.keys,
    operations: state.operations,
    kills: node.kills(),
    replies: state.replied,
    failedPrograms: state.failed,
    requests: traffic.requests,
    resent: traffic.lost + traffic.refused,
    compared: state.compared,
    slowestStart_ms: Math.max(0, ...node.starts_ms),
    duration_s: (performance.now() - began) / 1000,
    passed: mistakes.length === 0,
    mistakes: mistakes.slice(0, mistakesKept),
    stuck,
  };
}

interface RunState {
  readonly run: ProgramsRun;
  readonly node: KilledNode;
  readonly random: Random;
  readonly generate: (index: number) => AddressedProgram;
  readonly model: Model;
  readonly traffic: Traffic;
  readonly lanes: Lane[];
  readonly mistakes: string[];
  readonly operations: Partial<Record<OperationName, number>>;
  /** Programs without reply, for those who ask what is stuck. */
  readonly open: Map<number, string>;
  readonly receipts: Set<string>;
  next: number;
  replied: number;
  failed: number;
  compared: number;
  /** Counters that still differ, as of the last look. */
  differences: Difference[];
  /** When something last moved. */
  moved: number;
  over: boolean;
}

function createRunState(run: ProgramsRun, node: KilledNode, random: Random): RunState {
  return {
    run,
    node,
    random,
    generate: createProgramGenerator(run.seed, run.keys, run.longestDelay_ms),
    model: createModel(),
    traffic: { requests: 0, lost: 0, refused: 0 },
    lanes: [],
    mistakes: [],
    operations: {},
    open: new Map(),
    receipts: new Set(),
    next: 0,
    replied: 0,
    failed: 0,
    compared: 0,
    differences: [],
    moved: performance.now(),
    over: false,
  };
}

/** @throws NeuroranError RUN_STUCK, RUN_INTERRUPTED (rejections), and what `work` rejects with. */
async function untilStuck(state: RunState, work: () => Promise<void>): Promise<void> {
  const { run } = state;
  let timer: NodeJS.Timeout | undefined;
  const watched = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (run.signal?.aborted) reject(new NeuroranError("RUN_INTERRUPTED", "The run was interrupted"));
      if (performance.now() - state.moved > run.patience_ms) {
        reject(new NeuroranError("RUN_STUCK", `Nothing moved for ${run.patience_ms / 1000} s`));
      }
    }, 100);
  });
  try {
    await Promise.race([work(), watched]);
  } finally {
    clearInterval(timer);
  }
}

async function runAll(state: RunState): Promise<void> {
  const { node, random, run } = state;
  await node.up();
  await sendPrograms(state);
  await sleep(run.longestDelay_ms * 0.2 * random.next());
  await node.kill();
  await countersRight(state);
  await node.kill();
  const differences = await read(state, allAddresses(run.keys));
  for (const one of differences) state.mistakes.push(`after the last kill, ${describe(one)}`);
}

function lane(state: RunState): Lane {
  const opened = openLane(state.node, state.traffic);
  state.lanes.push(opened);
  return opened;
}

async function sendPrograms(state: RunState): Promise<void> {
  const { node, random, run } = state;
  const sessions = await Promise.all(
    Array.from({ length: sessionCount }, () => openClientSession(node, lane(state))),
  );
  const killing = killAmong(state, random.fork("among"), Math.max(1, run.kills - 2));
  const sending = Array.from({ length: laneCount }, (_, index) =>
    sendOn(state, sessions[index % sessionCount]!, random.fork(index)),
  );
  await Promise.all([killing, ...sending]);
}

/** Kills the node whenever a random number of programs have replied. */
async function killAmong(state: RunState, random: Random, kills: number): Promise<void> {
  const { run, node } = state;
  for (let kill = 0; kill < kills; kill++) {
    const at = Math.floor((run.programs * (kill + random.next())) / kills);
    while (state.replied < at && !state.over) await sleep(1);
    // Anywhere among the commits of that time.
    await sleep(5 * random.next());
    if (state.over) return;
    await node.kill();
  }
}

/** One client: the next program as soon as the last has replied. */
async function sendOn(state: RunState, session: ClientSession, random: Random): Promise<void> {
  const { node, run } = state;
  const first = lane(state);
  let second: Lane | undefined;
  let held: { request: NumberedRequest; reply: SessionReply; kills: number } | undefined;

  const again = async (request: NumberedRequest, reply: SessionReply, over: Lane): Promise<void> => {
    compare(state, request, reply, await session.send(over, request));
  };
  const release = async (): Promise<void> => {
    if (held === undefined) return;
    await again(held.request, held.reply, first);
    session.settle(held.request);
    held = undefined;
  };

  for (;;) {
    if (held !== undefined && held.kills < node.kills()) await release();
    if (state.next >= run.programs) break;
    const index = state.next++;
    const program = state.generate(index);
    countOperations(program.program, state.operations);
    const wanted = state.model.run(program);
    const request = session.number(
      `/functions/${program.at.function}/${program.at.key}/run`,
      program.program,
    );
    state.open.set(
      index,
      `program ${index} at ${addressText(program.at)}, number ${request.sequence} of ${session.id}`,
    );
    const chance = random.next();
    let reply: SessionReply;
    if (chance < repeatShares.together) {
      second ??= lane(state);
      const [one, other] = await Promise.all([session.send(first, request), session.send(second, request)]);
      compare(state, request, one, other);
      reply = one;
    } else reply = await session.send(first, request);
    take(state, index, wanted, reply);
    if (chance > 1 - repeatShares.again) await again(request, reply, first);
    if (held === undefined && random.next() < repeatShares.afterKill) {
      held = { request, reply, kills: node.kills() };
    } else session.settle(request);
  }
  await release();
}

function take(state: RunState, index: number, wanted: ModelOutcome, { status, text }: SessionReply): void {
  state.open.delete(index);
  state.replied++;
  state.moved = performance.now();
  state.run.progress?.(state.replied, state.node.kills());
  if (!wanted.ok) {
    state.failed++;
    if (status !== 422) state.mistakes.push(`program ${index} should fail, but replied ${status}: ${text}`);
    return;
  }
  const reply = status === 200 ? (JSON.parse(text) as ProgramReply) : undefined;
  if (reply?.total !== wanted.total) {
    state.mistakes.push(`program ${index} should reply ${wanted.total}, but replied ${status}: ${text}`);
  } else if (state.receipts.has(reply.receipt)) {
    state.mistakes.push(`program ${index} has the receipt of another one: ${reply.receipt}`);
  } else state.receipts.add(reply.receipt);
}

function compare(
  state: RunState,
  { sequence, path }: NumberedRequest,
  one: SessionReply,
  other: SessionReply,
): void {
  state.compared++;
  if (one.status === other.status && one.text === other.text) return;
  state.mistakes.push(
    `the request ${sequence} to ${path} was answered in two ways: ${one.status} ${one.text} and ${other.status} ${other.text}`,
  );
}

/**
 * Waits until delayed messages and timers have run.
 * @throws NeuroranError RUN_STUCK (rejection) where no counter rises for the patience.
 */
async function countersRight(state: RunState): Promise<void> {
  const { patience_ms } = state.run;
  let addresses = allAddresses(state.run.keys);
  let [least, risen] = [Number.POSITIVE_INFINITY, performance.now()];
  while (addresses.length > 0) {
    state.differences = await read(state, addresses);
    const wrong = state.differences.filter(({ short }) => !short);
    if (wrong.length > 0) {
      state.mistakes.push(...wrong.map(describe));
      return;
    }
    addresses = state.differences.map(({ at }) => at);
    const missing = state.differences.reduce((sum, { wanted, counted }) => sum + wanted.sum - counted.sum, 0);
    if (missing < least) [least, risen] = [missing, performance.now()];
    if (performance.now() - risen > patience_ms) {
      throw new NeuroranError(
        "RUN_STUCK",
        `No counter rose for ${patience_ms / 1000} s, but ${missing} is missing`,
      );
    }
    if (addresses.length > 0) await sleep(100);
  }
}

function read(state: RunState, addresses: readonly AddressedProgram["at"][]): Promise<Difference[]> {
  const { node, model, lanes } = state;
  return readDifferences(addresses, model.counts, node, lanes, () => {
    state.moved = performance.now();
  });
}

function allAddresses(keys: number): AddressedProgram["at"][] {
  return Array.from({ length: keys }, (_, index) => addressOf(index));
}

function describe({ at, counted, wanted }: Difference): string {
  return `${addressText(at)} counted ${counted.sum} (${counted.times}), not ${wanted.sum} (${wanted.times})`;
}

/** What the run waited for, and what the node counts: messages, timers, turns. */
async function describeStuck(state: RunState): Promise<string[]> {
  const { node, open, differences } = state;
  const lines = [
    `${open.size} programs without reply, ${differences.length} counters that are not right yet`,
  ];
  lines.push(...[...open.values()].slice(0, mistakesKept));
  lines.push(...differences.slice(0, mistakesKept).map(describe));
  const asking = openLane(node, { requests: 0, lost: 0, refused: 0 });
  const late = setTimeout(() => asking.close(), 2000);
  try {
    const { body } = await asking.send(() => getRequest(node.address, "/metrics", node.headers));
    const metrics = body.toString().split("\n");
    lines.push("the node counts:", ...metrics.filter((line) => line !== "" && !line.startsWith("#")));
  } catch (error) {
    lines.push(`the node does not say: ${error instanceof Error ? error.message : error}`);
  } finally {
    clearTimeout(late);
    asking.close();
  }
  return lines;
}

function sleep(duration_ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, duration_ms));
}
