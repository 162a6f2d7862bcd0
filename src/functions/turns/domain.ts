/**
 * Runs turns. What a turn does goes to the ledger as one change; what it sends inside the domain runs at once, before anything
 * is durable; what leaves the domain waits for the commit.
 *
 * Invariants:
 * 1. Turns run one after the other. Between two, the ledger holds the whole of the former and nothing of the latter.
 * 2. A message is consumed in the change of the turn that it caused, so it has run exactly when its effects are there.
 * 3. Every message is in the inbox, in an outbox, in a timer or done: none is only in memory, but for requests of clients that
 *    nobody has been told about.
 * 4. When a commit fails, everything since the commit before is undone, in memory as well, and those who waited for it are told.
 */
import { createHash } from "node:crypto";
import { afterPrefix, type Bus, type Clock, type Store } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import { createActiveKeys } from "./active-keys.js";
import { type Address, checkKey } from "./address.js";
import { createChannels, type Directory } from "./channels.js";
import { createClients } from "./clients.js";
import type { CommitDomain, Identification } from "./commit-domain.js";
import type { Invocation, Outcome, StatefulFunctionData } from "./declaration.js";
import {
  type EntryKind,
  entryKey,
  entryParts,
  groupPrefix,
  keyGroupOfAddress,
  kindPrefix,
  orderedNumber,
} from "./entries.js";
import { createEntryCodec, type EntryCipher } from "./entry-codec.js";
import { createEvents } from "./events.js";
import { type FlowSources, noFlows } from "./flow-sources.js";
import { createLedger } from "./ledger.js";
import { type Message, messageId, type ReplyTo, requestOf } from "./message.js";
import { type Accepted, createMessageHandler } from "./message-handler.js";
import { functionUnknown, handlerUnknown, notOwner } from "./refusals.js";
import { createService } from "./service.js";
import { createSessions, sessionAddress, type Waiter } from "./sessions.js";
import { createTimers, type Timer } from "./timers.js";
import { asNeuroranError, checkDelay, checkInvocation, failureOf } from "./turn.js";

/** What a domain stands on. */
export interface DomainOptions {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Gives another text at each call, ever: for sessions and incarnations. */
  readonly uniqueId: () => string;
  /** What seals the entries of a function or flow; its key must be durable before the function is deployed. */
  readonly cipherOf: (owner: string) => EntryCipher;
  /** Says which node has a key group; this one, unless given. */
  readonly directory?: Directory;
  /** What is in service from the start, before anything that waits in the store runs. */
  readonly functions?: readonly StatefulFunctionData[];
  /** Says whether a function that is not in service will be: what is for it waits then. Called once a message. */
  readonly awaits?: (name: string) => boolean;
  /** Told of what went wrong and nobody waits for. */
  readonly report?: (problem: DomainProblem) => void;
  /** What turns append to flows goes here. */
  readonly sources?: FlowSources;
  /** About the memory that states of keys may take; 64 MiB unless given. */
  readonly cache_bytes?: number;
}

/** A turn that failed for a message, or an entry that cannot be read. */
export type DomainProblem =
  | { readonly message: Message; readonly error: NeuroranError }
  | { readonly entry: string; readonly error: NeuroranError };

/** Turns that run before whatever else the thread has to do gets its chance. */
const slice = 256;
/** Slices that run before a domain closes. */
const mostClosingSlices = 1000;
/** Requests of clients that wait at a time. */
const mostWaiting = 100_000;
const firstPause_ms = 100;
const lastPause_ms = 10_000;
const idempotency_ms = 10 * 60_000;

/**
 * A commit domain over `store`, which nobody else may write to; it takes up what it finds there.
 * @throws what reading the store throws.
 */
export function createCommitDomain(options: DomainOptions): CommitDomain {
  const { store, bus, clock, uniqueId, report = () => {}, awaits = () => false } = options;
  const entryCodec = createEntryCodec(options.cipherOf);
  /** Of messages for functions that are not in service. */
  const parked = new Map<string, Accepted[]>();
  let queue: Accepted[] = [];
  let inboxNumber = 0;
  let running = false;
  let looking = false;
  let cutting = false;
  let closed = false;
  /** Nothing runs any more. */
  let stopped = false;
  let cancelPause: (() => void) | undefined;
  /** Entries of the inbox that cannot be handled; they stay where they are. */
  const quarantined = new Set<string>();
  let pausedBy: NeuroranError | undefined;
  let pause_ms = firstPause_ms;
  let commitsBefore = 0;

  const failed = (error: NeuroranError, firstLost: number): void => {
    const { commits } = ledger.counts();
    pause_ms = commits > commitsBefore ? firstPause_ms : Math.min(2 * pause_ms, lastPause_ms);
    commitsBefore = commits;
    pausedBy = error;
    clients.fail(firstLost, error);
    if (stopped) return;
    load();
    cancelPause?.();
    cancelPause = clock.after(pause_ms, () => {
      pausedBy = undefined;
      runSoon();
    });
  };

  const ledger = createLedger(store, entryCodec, failed);
  const service = createService(store, ledger);
  const keys = createActiveKeys(ledger, options.cache_bytes ?? 64 * 2 ** 20);
  const clients = createClients(ledger, uniqueId());
  const damaged = (entry: string, error: unknown): void => {
    quarantined.add(entry);
    report({ entry, error: asNeuroranError(error) });
  };
  const events = createEvents(ledger, damaged);
  const fire = (due: readonly Timer[]): void => {
    for (const timer of due) post(timer.owner, requestOf(timer, timer.id, undefined));
    runSoon();
  };
  const timers = createTimers(ledger, clock, fire, damaged);
  const sessions = createSessions(ledger, clock, () => cutSoon(), damaged);
  const channels = createChannels({
    bus,
    clock,
    ledger,
    directory: options.directory ?? (() => bus.node),
    accept: (message) => accept(message),
    settled: () => runSoon(),
  });

  /** What the store holds of a kind. Damaged entries are reported and left where they are, unless `whole` is asked for. */
  function* entries(kind: EntryKind, whole = false): Iterable<readonly [string, unknown]> {
    const prefix = kindPrefix(kind);
    for (const { key, value } of store.range(prefix, afterPrefix(prefix))) {
      try {
        yield [key, entryCodec.decode(key, value)];
      } catch (error) {
        if (whole) throw error;
        damaged(key, error);
      }
    }
  }

  function* entryKeys(kind: EntryKind): Iterable<string> {
    const prefix = kindPrefix(kind);
    for (const { key } of store.range(prefix, afterPrefix(prefix))) yield key;
  }

  /** Takes up what the store holds, in place of everything in memory but those who wait. */
  const load = (): void => {
    keys.drop();
    parked.clear();
    const inbox = [...entries("inbox")].map(([entry, message]) => ({ entry, message: message as Message }));
    queue = inbox
      .filter(({ entry }) => !quarantined.has(entry))
      .sort((one, other) => (inboxOrder(one.entry) < inboxOrder(other.entry) ? -1 : 1));
    const there = new Set(entryKeys("inbox"));
    inboxNumber = 0;
    for (const entry of there) inboxNumber = Math.max(inboxNumber, Number.parseInt(inboxOrder(entry), 16));
    // What was never durable is gone, and its name will be another's.
    for (const entry of quarantined) {
      if (entry.startsWith(kindPrefix("inbox")) && !there.has(entry)) quarantined.delete(entry);
    }
    timers.load(entries("timer") as Iterable<readonly [string, Timer]>);
    sessions.load(entries("session"), entryKeys("reply"));
    // Without one of these numbers, messages would be taken for new that are not.
    const [sent, received] = [entries("sent", true), entries("received", true)];
    channels.load({ outbox: entries("outbox"), sent, received });
    service.restore();
  };

  const accept = (message: Message): void => {
    const { function: name, group } = keyGroupOfAddress(message.target);
    const entry = groupPrefix("inbox", name, group) + orderedNumber(++inboxNumber);
    ledger.add(entry, message);
    queue.push({ entry, message });
  };

  /** Hands a message of `sender` on: within the domain it runs in this very run. */
  const post = (sender: Address, message: Message): void => {
    if (channels.isRemote(message.target)) channels.send(sender, message);
    else accept(message);
  };

  const reply = (sender: Address, to: ReplyTo | undefined, id: string, outcome: Outcome): void => {
    if (to === undefined) return;
    if (to.kind === "client") clients.reply(to, outcome);
    else if (to.kind === "session" && !channels.isRemote(to.address))
      sessions.record(to.address, to.sequence, outcome);
    else post(sender, { kind: "reply", id, target: to.address, to, outcome });
  };

  const handleMessage = createMessageHandler({
    ledger,
    keys,
    events,
    timers,
    sources: options.sources ?? noFlows,
    clock,
    post,
    reply,
    report,
  });

  const handle = (accepted: Accepted): void => {
    const { entry, message } = accepted;
    if (message.kind === "reply" && message.to.kind === "session") {
      ledger.remove(entry);
      sessions.record(message.to.address, message.to.sequence, message.outcome);
      return;
    }
    const deployed = service.functions.get(message.target.function);
    if (deployed === undefined) handleWithout(accepted);
    else handleMessage(deployed, accepted);
  };

  /** For a function that is not in service, only a request can be refused: all else waits. */
  const handleWithout = (accepted: Accepted): void => {
    const { entry, message } = accepted;
    const { function: name } = message.target;
    const awaited = awaits(name);
    if (message.kind === "request" && message.replyTo !== undefined && !awaited) {
      ledger.remove(entry);
      const error = functionUnknown(name, service.functions.keys());
      reply(message.target, message.replyTo, message.id, { ok: false, error: failureOf(error) });
      return;
    }
    const waiting = parked.get(name);
    if (waiting === undefined) parked.set(name, [accepted]);
    else waiting.push(accepted);
  };

  /** What reading damaged entries interrupts halfway must not be kept by halves. */
  const quarantine = ({ entry, message }: Accepted, error: NeuroranError): void => {
    quarantined.add(entry);
    report({ message, error });
    pausedBy = error;
    ledger.abandon(error);
  };

  const run = (): void => {
    if (running || stopped || pausedBy !== undefined) return;
    running = true;
    const handling = queue;
    let at = 0;
    try {
      while (at < handling.length && at < slice) handle(handling[at++]);
      handling.splice(0, at);
    } catch (error) {
      quarantine(handling[at - 1], asNeuroranError(error));
    } finally {
      running = false;
    }
    if (queue.length > 0) runSoon();
    cutSoon();
  };

  const runSoon = (): void => {
    if (looking) return;
    looking = true;
    clock.soon(() => {
      looking = false;
      run();
    });
  };

  const cutSoon = (): void => {
    if (cutting) return;
    cutting = true;
    clock.soon(() => {
      cutting = false;
      ledger.cut();
    });
  };

  const checkOpen = (address: Address): void => {
    if (closed) throw new NeuroranError("DOMAIN_CLOSED", "the node ends: ask it again when it is back");
    if (pausedBy !== undefined)
      throw new NeuroranError("COMMIT_FAILED", pausedBy.message, { cause: pausedBy });
    checkKey(address.key);
    if (channels.isRemote(address))
      throw notOwner(address, (options.directory as Directory)(keyGroupOfAddress(address)));
    if (clients.waiting >= mostWaiting || queue.length >= mostWaiting) {
      throw new NeuroranError("OVERLOADED", "more requests wait than the node can take: ask again later");
    }
  };

  /** Takes a request in under its identification; `start` runs it, told who takes the reply, unless it ran before. */
  const enter = (
    invocation: Invocation,
    identification: Identification | undefined,
    waiter: Waiter,
    start: (sender: Address, id: string, replyTo: ReplyTo) => void,
  ): void => {
    if (identification === undefined) {
      checkOpen(invocation.target);
      const to = clients.expect(waiter);
      start(invocation.target, `client/${to.incarnation}#${to.number}.0`, to);
    } else {
      const request =
        "session" in identification
          ? identification.session
          : idempotentRequest(invocation, identification.idempotencyKey);
      const { session, sequence } = request;
      const address = sessionAddress(session);
      checkOpen(address);
      if (!(Number.isSafeInteger(sequence) && sequence >= 1)) {
        throw new InputError("sequence", sequence, "number a session's requests from 1");
      }
      if (!("session" in identification) && !sessions.has(session)) sessions.open(session, idempotency_ms);
      if (sessions.request(request, invocation, waiter)) {
        start(address, messageId(address, sequence, 0), { kind: "session", address, sequence });
      }
    }
    run();
  };

  /** Nobody would learn that a message can never be handled, and it would wait for ever. */
  const checkTaken = ({ target: { function: name }, handler }: Invocation): void => {
    const deployed = service.functions.get(name);
    if (deployed === undefined) {
      if (!awaits(name)) throw functionUnknown(name, service.functions.keys());
    } else if (
      !Object.hasOwn(deployed.data.handlers, handler) ||
      deployed.data.handlers[handler].kind !== "request"
    ) {
      throw handlerUnknown(deployed.data, handler);
    }
  };

  const idempotentRequest = ({ target, handler }: Invocation, idempotencyKey: string) => {
    const what = `${target.function}\0${target.key}\0${handler}\0${idempotencyKey}`;
    return {
      session: `=${createHash("sha256").update(what).digest("base64url")}`,
      sequence: 1,
      acknowledged: 0,
    };
  };

  /** What waited for a function is looked at again. */
  const takeUp = (name: string): void => {
    keys.drop(name);
    for (const accepted of parked.get(name) ?? []) queue.push(accepted);
    parked.delete(name);
    cutSoon();
    if (queue.length > 0) runSoon();
  };

  const deploy = (added: readonly StatefulFunctionData[]): void => {
    service.add(added);
    for (const { name } of added) takeUp(name);
  };

  const durable = (): Promise<void> => {
    cutSoon();
    return new Promise((resolve, reject) => ledger.whenDurable(resolve, reject));
  };

  const activate = (address: Address) => {
    checkKey(address.key);
    const deployed = service.functions.get(address.function);
    if (deployed === undefined) throw functionUnknown(address.function, service.functions.keys());
    return { deployed, key: keys.activate(address) };
  };

  deploy(options.functions ?? []);
  load();
  if (queue.length > 0) runSoon();

  return {
    deploy,
    undeploy(name) {
      service.remove(name);
      takeUp(name);
    },
    invoke: (invocation, identification) =>
      new Promise((resolve, reject) => {
        enter(invocation, identification, { resolve, reject }, (sender, id, replyTo) => {
          post(sender, requestOf(invocation, id, replyTo));
        });
      }),
    send: (invocation, { delay_ms = 0, identification } = {}) =>
      new Promise((resolve, reject) => {
        const waiter = { resolve: () => resolve(), reject };
        checkDelay(delay_ms);
        checkTaken(invocation);
        enter(invocation, identification, waiter, (sender, id, replyTo) => {
          if (delay_ms === 0) post(sender, requestOf(invocation, id, undefined));
          else
            timers.set(sender, `#${id}`, {
              ...invocation,
              due_ms: clock.now() + delay_ms,
              id,
              owner: sender,
            });
          reply(sender, replyTo, id, { ok: true, value: undefined });
        });
      }),
    async admit(messages, consumed) {
      for (const { sender } of messages) checkOpen(sender);
      for (const { invocation } of messages) checkInvocation(invocation);
      for (const [index, { id, sender, invocation }] of messages.entries()) {
        // A flow that was started again hands over what is being accepted and still stands in the store.
        if (ledger.read(consumed[index]) === undefined) continue;
        ledger.remove(consumed[index]);
        post(sender, requestOf(invocation, id, undefined));
      }
      run();
      await durable();
    },
    async openSession(timeToLive_ms) {
      const id = uniqueId();
      checkOpen(sessionAddress(id));
      sessions.open(id, timeToLive_ms);
      await durable();
      return id;
    },
    subscribe(address, from, deliver) {
      const { deployed } = activate(address);
      const latest = () => keys.activate(address).events;
      return events.subscribe(address, from, latest, deployed.data.keptEvents, deliver);
    },
    async stateOf(address) {
      const { deployed, key } = activate(address);
      const { codec } = deployed;
      const json = key.bytes === undefined ? undefined : codec.toJson(codec.decode(key.bytes));
      await durable();
      return json;
    },
    async setState(address, json) {
      checkOpen(address);
      const { deployed, key } = activate(address);
      key.bytes = deployed.codec.encode(deployed.codec.fromJson(json));
      key.turn++;
      keys.write(key);
      await durable();
    },
    keys(name, after, limit = 1000) {
      const prefix = kindPrefix("state", name);
      const found: string[] = [];
      const from = after === undefined ? prefix : `${entryKey("state", { function: name, key: after })}\0`;
      for (const { key } of store.range(from, afterPrefix(prefix))) {
        if (found.length === limit) break;
        found.push(entryParts(key).rest[0]);
      }
      return found;
    },
    statistics: () => ({
      functions: [...service.functions.values()].map(({ data: { name }, turns, failedTurns }) => {
        return {
          name,
          activeKeys: keys.count(name),
          turns,
          failedTurns,
          waiting: parked.get(name)?.length ?? 0,
        };
      }),
      cache_bytes: keys.bytes,
      inbox: queue.length + [...parked.values()].reduce((sum, { length }) => sum + length, 0),
      outbox: channels.pending,
      timers: timers.pending,
      sessions: sessions.count,
      clients: clients.waiting,
      subscribers: events.subscribers,
      quarantined: quarantined.size,
      ...ledger.counts(),
    }),
    async close() {
      closed = true;
      timers.close();
      // What is left then is in the inbox, and goes on when the node is back.
      for (let slices = 0; queue.length > 0 && pausedBy === undefined && slices < mostClosingSlices; slices++)
        run();
      // Messages that go in circles never end.
      stopped = true;
      while (!ledger.idle && pausedBy === undefined) await durable().catch(() => {});
      cancelPause?.();
      channels.close();
      sessions.close();
      clients.close();
    },
  };
}

/** The number of an entry of the inbox, as ordered text. */
function inboxOrder(entry: string): string {
  return entry.slice(entry.lastIndexOf("\0") + 1);
}
