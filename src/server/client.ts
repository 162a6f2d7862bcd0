import { InputError } from "../errors.js";
import type { Address, Invocation, LoggedEvent, StatefulFunctionData } from "../functions/turns/index.js";
import { followEvents } from "./client-events.js";
import { plainPost, sessionPost } from "./client-session.js";
import { createTransport, refusalOf } from "./client-transport.js";
import { jsonText } from "./json-value.js";
import { pathTo } from "./node-client.js";

/** Where a node is, and how it is talked to. */
export interface ClientOptions {
  /** `http://host:port` */
  readonly url: string;
  /** What stands in the file `token` of the node's data directory. */
  readonly token: string;
  /** Number the requests, so that they are repeated after a lost connection and run exactly once. */
  readonly session?: boolean;
  /** How long to try for a node that is not reached, ms (30 s). */
  readonly patience_ms?: number;
}

/** How one call is told apart from its repetitions by others than this client's session. */
export interface RequestOptions {
  /** Requests with the same key to the same handler run once within ten minutes. Refused within a session. */
  readonly idempotencyKey?: string;
}

/** The requests of one key, sent when they are called. */
export type Calls<Requests> = {
  readonly [N in keyof Requests]: Requests[N] extends (body: infer Body) => Invocation<infer Reply>
    ? (
        ...given: undefined extends Body
          ? [body?: Body, options?: RequestOptions]
          : [body: Body, options?: RequestOptions]
      ) => Promise<Reply>
    : never;
};

/** The requests of a key of a function that is known by its name only. */
export type NamedCalls = Readonly<
  Record<string, (body?: unknown, options?: RequestOptions) => Promise<unknown>>
>;

/** A function of the node, as its declaration says. */
interface Declared<Requests> extends StatefulFunctionData {
  at(key: string): Requests;
}

/**
 * A client of one node.
 *
 * Replies come as JSON has them: big integers as texts, typed arrays as lists (see the node's HTTP interface). Calls reject with a
 * NeuroranError: the handler's code and message where it failed, InputError where the body was refused, OVERLOADED or COMMIT_FAILED
 * where nothing happened, NODE_UNREACHABLE, and OutcomeUnknownError where the reply was lost.
 */
export interface Client {
  /** `client.function(counter).at("a").add({ by: 1 })` */
  function<Requests>(declaration: Declared<Requests>): { at(key: string): Calls<Requests> };
  /** `client.function("counter").at("a").add({ by: 1 })` */
  function(name: string): { at(key: string): NamedCalls };
  /** Calls, and waits for the reply: `client.invoke(counter.at("a").add({ by: 1 }))`. */
  invoke<Reply>(invocation: Invocation<Reply>, options?: RequestOptions): Promise<Reply>;
  /** Resolves when the message is accepted for good; it runs later, after the delay. */
  send(invocation: Invocation, options?: RequestOptions & { readonly delay_ms?: number }): Promise<void>;
  /**
   * The events of a key from a position on (from 1), or what comes from now on; each once and in order. Goes on after a lost
   * connection. Positions jump where events are no longer kept.
   */
  subscribe(
    address: Address,
    options?: { readonly from?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<LoggedEvent>;
  /**
   * The messages of a flow's output from a position on (from 0), or what comes from now on, as `subscribe` gives events; those
   * of one key, if one is given.
   */
  output(
    flow: string,
    output: string,
    options?: { readonly from?: number; readonly key?: string; readonly signal?: AbortSignal },
  ): AsyncIterable<LoggedEvent>;
  /** Lets go of the connections. */
  close(): void;
}

/** @throws InputError where the URL is none. */
export function createClient({ url, token, session = false, patience_ms = 30_000 }: ClientOptions): Client {
  const transport = createTransport(url, token);
  const post = session ? sessionPost(transport, patience_ms) : plainPost(transport, patience_ms);

  const request = async (
    path: string,
    body: unknown,
    { idempotencyKey }: RequestOptions,
  ): Promise<string> => {
    if (idempotencyKey !== undefined && session) {
      throw new InputError(
        "idempotencyKey",
        idempotencyKey,
        "a request of a session needs none: leave it out",
      );
    }
    const headers: Record<string, string> = {};
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    const reply = await post(path, headers, body === undefined ? undefined : jsonText(body));
    if (reply.status >= 200 && reply.status < 300) return reply.text;
    throw refusalOf(reply);
  };

  const invoke = async (invocation: Invocation, options: RequestOptions = {}): Promise<unknown> => {
    const text = await request(pathOf(invocation), invocation.body, options);
    return text === "" ? undefined : JSON.parse(text);
  };

  const callsOf = (name: string, key: string): NamedCalls =>
    new Proxy({} as NamedCalls, {
      get: (_, handler) =>
        // Whoever awaits the calls themselves looks for `then`.
        typeof handler === "string" && handler !== "then"
          ? (body?: unknown, options?: RequestOptions) =>
              invoke({ target: { function: name, key }, handler, body }, options)
          : undefined,
    });

  return {
    function: (which: string | StatefulFunctionData) => {
      const name = typeof which === "string" ? which : which.name;
      return { at: (key: string) => callsOf(name, key) as Calls<never> & NamedCalls };
    },
    invoke: invoke as Client["invoke"],
    async send(invocation, { delay_ms = 0, ...options } = {}) {
      await request(`${pathOf(invocation)}?mode=send&delay=${delay_ms}`, invocation.body, options);
    },
    subscribe: (address, options = {}) =>
      followEvents(transport, `${pathTo(address)}/events`, options, patience_ms),
    output: (flow, output, options = {}) =>
      followEvents(
        transport,
        `/flows/${encodeURIComponent(flow)}/${encodeURIComponent(output)}/events`,
        options,
        patience_ms,
      ),
    close: () => transport.close(),
  };
}

function pathOf({ target, handler }: Invocation): string {
  return `${pathTo(target)}/${encodeURIComponent(handler)}`;
}
