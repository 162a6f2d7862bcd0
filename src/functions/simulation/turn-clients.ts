import { NeuroranError } from "../../errors.js";
import type { Random } from "../../system/index.js";
import type { Address } from "../turns/address.js";
import type { CommitDomain, Identification } from "../turns/commit-domain.js";
import type { Outcome } from "../turns/declaration.js";
import { exponential } from "./faults.js";
import { invocationOf, type ProgramReply } from "./interpreter.js";
import type { Machine } from "./node.js";
import { drawProgram, type Program } from "./program.js";
import type { World } from "./world.js";

/** What a client knows of a program that it asked for. */
export interface Request {
  readonly program: Program;
  readonly kind: "invoke" | "send";
  /**
   * `accepted`: a reply or an acceptance came, it runs exactly once; `refused`: it does not run; `unknown`: not at all or once.
   */
  fate: "pending" | "accepted" | "refused" | "unknown";
  /** Of an invocation that was accepted. */
  outcome: Outcome<ProgramReply> | undefined;
}

/** A client that asks for programs one after the other, or several at a time. */
export interface Client {
  readonly requests: readonly Request[];
  /** Nothing is asked any more, nor on its way to a node. */
  readonly done: boolean;
}

/** How clients reach the domain of some node that is up; undefined where they meet one that is down. */
export type Gateway = (
  attempt: number,
) => { readonly machine: Machine; readonly domain: CommitDomain } | undefined;

export interface ClientOptions {
  readonly world: World;
  readonly random: Random;
  readonly name: string;
  readonly gateway: Gateway;
  readonly targets: readonly Address[];
  readonly programs: number;
  readonly depth: number;
  /** The true time within which programs begin. */
  readonly within_ms: number;
  readonly kind: "session" | "idempotency key" | "anonymous";
}

/** How long a session is kept that nobody uses. */
export const sessionTime_ms = 3_600_000;

/**
 * Starts a client. Sessions number their requests and overtake themselves; those with sessions or keys retry until they
 * know, ask again at times for what they know already, and a few give up.
 */
export function startClient(options: ClientOptions): Client {
  const { world, random, name, gateway, targets, programs, depth, within_ms, kind } = options;
  const requests: Request[] = [];
  let open = programs;
  let underWay = 0;
  let session: string | undefined;
  const answered = new Set<number>();
  let acknowledged = 0;

  /** One exchange over a connection that may break; `then` hears nothing, or once. */
  function exchange<T>(
    ask: (domain: CommitDomain) => Promise<T>,
    then: (answer: Exclude<Answer<T>, { kind: "elsewhere" }>) => void,
    gate = random.integer(8),
  ): void {
    let heard = false;
    underWay++;
    const hear = (answer: Answer<T>): void => {
      if (heard) return;
      heard = true;
      if (answer.kind === "elsewhere") exchange(ask, then, gate + 1);
      else then(answer);
    };
    // What lies between may hold a request back until the client has given it up, and repeated it.
    const held_ms = world.profile.has("delay") && random.integer(10) === 0 ? exponential(random, 150) : 0;
    world.schedule(0.02 + exponential(random, 0.3) + held_ms, () => {
      underWay--;
      const reached = gateway(gate);
      if (reached === undefined) {
        hear({ kind: "refused" });
        return;
      }
      const { machine, domain } = reached;
      const answer = (made: Answer<T>): void => {
        if (!machine.isUp()) return;
        if (world.profile.has("drop") && random.integer(12) === 0) return;
        world.schedule(0.02 + exponential(random, 0.3), () => hear(made));
      };
      ask(domain).then(
        (value) => answer({ kind: "answer", value }),
        (error) => {
          if (!heard) answer(refusal(error));
        },
      );
    });
    world.schedule(30 + exponential(random, 100), () => hear({ kind: "timeout" }));
  }

  function refusal<T>(error: unknown): Answer<T> {
    const code = error instanceof NeuroranError ? error.code : "NONE";
    if (code === "NOT_OWNER") return { kind: "elsewhere" };
    if (code === "COMMIT_FAILED" || code === "OVERLOADED" || code === "DOMAIN_CLOSED")
      return { kind: "refused" };
    world.violate("a client meets only the errors it must", `${name}: ${String(error)}`);
    return { kind: "timeout" };
  }

  function openSession(): void {
    exchange(
      (domain) => domain.openSession(sessionTime_ms),
      (answer) => {
        if (answer.kind !== "answer") {
          world.schedule(20 * random.next(), openSession);
          return;
        }
        session = answer.value;
        begin();
      },
    );
  }

  function begin(): void {
    for (let index = 1; index <= programs; index++) {
      const start = kind === "session" && random.integer(2) === 0 ? 0 : within_ms * random.next();
      world.schedule(start, () => request(index));
    }
  }

  function identificationOf(sequence: number): Identification | undefined {
    if (kind === "anonymous") return undefined;
    if (kind === "idempotency key") return { idempotencyKey: `${name} ${sequence}` };
    return { session: { session: session!, sequence, acknowledged } };
  }

  function request(sequence: number): void {
    const program = drawProgram(random, `${name}.${sequence}`, targets, depth);
    const one: Request = {
      program,
      kind: random.integer(4) === 0 ? "send" : "invoke",
      fate: "pending",
      outcome: undefined,
    };
    requests.push(one);
    world.trace.note(world.time(), name, "asks", sequence, () => JSON.stringify(program));
    attempt(one, sequence, kind === "anonymous" ? 1 : 200, true);
  }

  function attempt(one: Request, sequence: number, attemptsLeft: number, isFirst = false): void {
    const delay_ms = one.kind === "send" && sequence % 2 === 0 ? 30 : undefined;
    exchange<Outcome | undefined>(
      async (domain) => {
        const invocation = invocationOf(one.program, null);
        const identification = identificationOf(sequence);
        if (one.kind === "invoke") return domain.invoke(invocation, identification);
        await domain.send(invocation, {
          ...(delay_ms === undefined ? {} : { delay_ms }),
          ...(identification === undefined ? {} : { identification }),
        });
        return undefined;
      },
      (answer) => {
        if (answer.kind === "answer") {
          take(one, sequence, answer.value as Outcome<ProgramReply> | undefined);
        } else if (
          answer.kind === "refused" &&
          isFirst &&
          (kind === "anonymous" || (sequence <= programs && random.integer(2) === 0))
        ) {
          settle(one, sequence, "refused");
        } else if (kind === "anonymous") {
          settle(one, sequence, "unknown");
        } else if (attemptsLeft > 1 && !(kind === "idempotency key" && random.integer(30) === 0)) {
          world.schedule(20 * random.next(), () => attempt(one, sequence, attemptsLeft - 1));
        } else {
          settle(one, sequence, "unknown");
        }
      },
    );
  }

  function take(one: Request, sequence: number, outcome: Outcome<ProgramReply> | undefined): void {
    world.trace.note(world.time(), name, "hears", sequence, () => JSON.stringify(outcome));
    if (one.fate === "accepted") {
      if (JSON.stringify(one.outcome) !== JSON.stringify(outcome)) {
        world.violate(
          "a repeated request gets the recorded reply",
          `${name} ${sequence}: ${JSON.stringify(one.outcome)}, then ${JSON.stringify(outcome)}`,
        );
      }
      settle(one, sequence, "accepted");
      return;
    }
    one.fate = "accepted";
    one.outcome = outcome;
    // Asked again before it is acknowledged, as a client does that lost the reply after all.
    if (kind !== "anonymous" && random.integer(4) === 0) attempt(one, sequence, 200);
    else settle(one, sequence, "accepted");
  }

  function settle(one: Request, sequence: number, fate: Request["fate"]): void {
    one.fate = fate;
    answered.add(sequence);
    while (answered.has(acknowledged + 1)) acknowledged++;
    open--;
    // The last request acknowledges the replies to all others.
    if (kind === "session" && answered.size === programs) {
      open++;
      request(programs + 1);
    }
  }

  if (kind === "session") openSession();
  else begin();
  return {
    requests,
    get done() {
      return open === 0 && underWay === 0;
    },
  };
}

type Answer<T> =
  | { readonly kind: "answer"; readonly value: T }
  /** Nothing has happened. */
  | { readonly kind: "refused" }
  /** Nothing has happened: another node has the key. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "timeout" };
