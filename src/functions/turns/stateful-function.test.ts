import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { embeddedBus, systemClock } from "../../bus/index.js";
import { memoryStore } from "../../bus/memory-store.js";
import { field, stateSchema } from "../schema/index.js";
import type { CommitDomain } from "./commit-domain.js";
import type { Call, DeclaredHandler, Failure, Invocation, StatefulFunctionData } from "./declaration.js";
import { createCommitDomain } from "./domain.js";
import { call, continuation, handler, reference, statefulFunction } from "./stateful-function.js";
import { steps } from "./steps.js";

const account = statefulFunction(
  "account",
  stateSchema({
    balance: field.float64(),
    holders: field.map("text", field.record({ share: field.float32() })),
  }),
  {
    deposit: handler(
      { request: z.object({ amount: z.number() }), reply: z.number() },
      ({ state }, { amount }) => {
        expectTypeOf(state.balance).toEqualTypeOf<number>();
        expectTypeOf(state.holders).toEqualTypeOf<Map<string, { share: number }>>();
        expectTypeOf(amount).toEqualTypeOf<number>();
        if (amount < 0) throw new Error("deposit no debt");
        state.balance += amount;
        return state.balance;
      },
    ),
    raise: handler(
      { request: z.strictObject({ by: z.number().default(1) }), reply: z.void() },
      ({ state }, { by }) => {
        expectTypeOf(by).toEqualTypeOf<number>();
        state.balance *= 1 + by;
      },
    ),
    name: handler({ request: z.undefined(), reply: z.string() }, ({ key }) => key),
    transfer: steps(
      {
        request: z.object({ to: z.string(), amount: z.number() }),
        reply: z.object({ left: z.number(), there: z.number() }),
      },
      ({ state }, { to, amount }) => {
        state.balance -= amount;
        const deposit = reference<number>("account", to, "deposit", { amount });
        return call(deposit, { onFailure: "refund", carry: { amount } });
      },
      ({ state }, there, { amount }) => {
        expectTypeOf(there).toEqualTypeOf<number>();
        expectTypeOf(amount).toEqualTypeOf<number>();
        return { left: state.balance, there };
      },
    ),
    refund: continuation(({ state }, failure: Failure, { amount }: { amount: number }) => {
      expectTypeOf(state.balance).toEqualTypeOf<number>();
      state.balance += amount;
      throw new Error(`refunded: ${failure.message}`);
    }),
  },
);

const auditor = statefulFunction("auditor", stateSchema({ seen: field.uint32() }), {
  sum: steps(
    { request: z.object({ of: z.tuple([z.string(), z.string()]) }), reply: z.number() },
    ({ state }, { of: [one, other] }) => {
      state.seen++;
      if (one === other) return -1;
      return call(account.at(one).deposit({ amount: 0 }), { carry: other });
    },
    ({ state }, sum, other) => {
      expectTypeOf(other).toEqualTypeOf<string>();
      state.seen++;
      return call(account.at(other).deposit({ amount: 0 }), { carry: { sum } });
    },
    ({ state }, more, { sum }) => {
      expectTypeOf(more).toEqualTypeOf<number>();
      state.seen++;
      return call(
        auditor2()
          .at("total")
          .keep({ value: sum + more }),
      );
    },
  ),
});

/** A function of its own, so that TypeScript needs no circle. */
function auditor2() {
  return statefulFunction("keeper", stateSchema({ value: field.float64() }), {
    keep: handler({ request: z.object({ value: z.number() }), reply: z.number() }, ({ state }, { value }) => {
      state.value = value;
      return value;
    }),
  });
}

let ids = 0;

async function inDomain<T>(
  functions: readonly StatefulFunctionData[],
  work: (ask: <R>(invocation: Invocation<R>) => Promise<R>, domain: CommitDomain) => Promise<T>,
): Promise<T> {
  const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };
  const domain = createCommitDomain({
    store: memoryStore(),
    bus: embeddedBus("n1"),
    clock: systemClock,
    uniqueId: () => `id-${++ids}`,
    cipherOf: () => plain,
    functions,
  });
  const ask = async <R>(invocation: Invocation<R>): Promise<R> => {
    const outcome = await domain.invoke(invocation);
    if (!outcome.ok) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
    return outcome.value as R;
  };
  try {
    return await work(ask, domain);
  } finally {
    await domain.close();
  }
}

describe("a stateful function", () => {
  it("makes typed invocations of its requests, and of nothing else", () => {
    const invocation = account.at("a").deposit({ amount: 3 });
    expectTypeOf(invocation).toEqualTypeOf<Invocation<number>>();
    expect(invocation).toEqual({
      target: { function: "account", key: "a" },
      handler: "deposit",
      body: { amount: 3 },
    });
    expectTypeOf(account.at("a").transfer).parameters.toEqualTypeOf<[{ to: string; amount: number }]>();
    expectTypeOf(account.at("a").name).returns.toEqualTypeOf<Invocation<string>>();
    const { name } = account.at("b");
    expectTypeOf(name).parameters.toEqualTypeOf<[body?: undefined]>();
    // @ts-expect-error Nobody but the function itself reaches its continuations.
    expect(account.at("a").refund).toBeUndefined();
    expectTypeOf(account.at("a").raise).parameters.toEqualTypeOf<[body: { by?: number | undefined }]>();
    expectTypeOf(account.at("a").raise({})).toEqualTypeOf<Invocation<void>>();
    // @ts-expect-error The amount is missing.
    account.at("a").deposit({});
    expect(() => account.at("")).toThrow("key:");
    expectTypeOf(reference("account", "a", "deposit", { amount: 1 })).toEqualTypeOf<Invocation<unknown>>();
    expect(reference("account", "a", "deposit", { amount: 3 })).toEqual(invocation);
  });

  it("refuses wrong replies and steps that do not fit each other, when compiled", () => {
    const types = { request: z.string(), reply: z.number() };
    // @ts-expect-error The reply is a number.
    handler(types, () => "text");
    steps(
      types,
      // @ts-expect-error The call gives a string where the second step takes a number.
      () => call(account.at("a").name()),
      (_, _taken: number) => 1,
    );
    steps(
      types,
      // @ts-expect-error The call carries a string where the second step takes a number.
      () => call(account.at("a").name(), { carry: "x" }),
      (_, _taken, _carry: number) => 1,
    );
    const given: Call<string, { by: number }> = call(account.at("a").name(), {
      carry: { by: 1 },
    });
    expect(given.carry.by).toBe(1);
  });

  it("compiles steps to a request and continuations that no name from outside reaches", () => {
    expect(Object.keys(account.handlers).sort()).toEqual([
      "deposit",
      "name",
      "raise",
      "refund",
      "transfer",
      "transfer/2",
    ]);
    expect(account.handlers["transfer/2"].kind).toBe("continuation");
    expect(auditor.handlers["sum/3"].kind).toBe("continuation");
    expect(account.handlers.toString).toBeUndefined();
  });

  it("runs steps as turns: each sees the reply of the call before it and what that call carried", async () => {
    await inDomain([account, auditor, auditor2()], async (ask, domain) => {
      await ask(account.at("a").deposit({ amount: 10 }));
      expect(await ask(account.at("a").transfer({ to: "b", amount: 4 }))).toEqual({ left: 6, there: 4 });
      await ask(account.at("b").raise({}));
      await ask(account.at("b").raise({ by: -0.5 }));
      expect(await ask(auditor.at("x").sum({ of: ["a", "b"] }))).toBe(10);
      expect(await domain.stateOf({ function: "keeper", key: "total" })).toEqual({ value: 10 });
      expect(await domain.stateOf({ function: "auditor", key: "x" })).toEqual({ seen: 3 });
      expect(await ask(auditor.at("x").sum({ of: ["a", "a"] }))).toBe(-1);
    });
  });

  it("runs other requests for the key between steps, so that a key that calls itself goes on", async () => {
    await inDomain([account], async (ask) => {
      await ask(account.at("a").deposit({ amount: 10 }));
      expect(await ask(account.at("a").transfer({ to: "a", amount: 4 }))).toEqual({ left: 10, there: 10 });
    });
  });

  it("hands the failure of a call to the continuation that the call names, else to whoever waits", async () => {
    await inDomain([account, auditor], async (ask, domain) => {
      await ask(account.at("a").deposit({ amount: 10 }));
      const failing = ask(account.at("a").transfer({ to: "b", amount: -4 }));
      await expect(failing).rejects.toThrow("HANDLER_FAILED: refunded: deposit no debt");
      const keeper = ask(auditor.at("x").sum({ of: ["a", "b"] }));
      await expect(keeper).rejects.toThrow("FUNCTION_UNKNOWN");
      expect(await domain.stateOf({ function: "auditor", key: "x" })).toEqual({ seen: 3 });
    });
  });

  it("lets a step name who takes the reply instead of the next step", async () => {
    const types = { request: z.undefined(), reply: z.string() };
    const branching = statefulFunction("branching", stateSchema({}), {
      go: steps(
        types,
        () => call(account.at("a").name(), { onReply: "elsewhere" }),
        () => "next",
      ),
      elsewhere: continuation((_, name: string) => `elsewhere with ${name}`),
    });
    await inDomain([account, branching], async (ask) => {
      expect(await ask(branching.at("x").go())).toBe("elsewhere with a");
    });
  });

  it("refuses declarations that make no sense, with what is allowed", () => {
    const state = stateSchema({});
    const types = { request: z.string(), reply: z.string() };
    const same = handler(types, (_, text) => text);
    const declare = (name: string, handlers: unknown = {}, options = {}, schema: unknown = state) =>
      statefulFunction(
        name,
        schema as typeof state,
        handlers as Record<string, DeclaredHandler<typeof state>>,
        options,
      );
    for (const name of [
      "",
      "Counter",
      "a b",
      "a/b",
      "-a",
      "a-",
      "a_b",
      "a--b",
      "ä",
      "x".repeat(65),
      "a-bC",
      5 as never,
    ]) {
      expect(() => declare(name), String(name)).toThrow("name of a function");
      expect(() => declare("a", { [name]: same })).toThrow("a, name of a handler");
    }
    for (const name of ["a", "counter", "linkQuality", "link-quality-2", "constructor", "x".repeat(64)]) {
      expect(declare(name, { [name]: same }).handlers[name].kind).toBe("request");
      const requests = declare("f", { [name]: same }).at("k") as unknown as Record<
        string,
        (body: string) => Invocation
      >;
      expect(requests[name]("b")).toEqual(reference("f", "k", name, "b"));
    }
    expect(() => declare("a", {}, {}, { count: 1 })).toThrow("a, state: ");
    expect(() => declare("a", null)).toThrow("a, handlers: null");
    expect(() => declare("a", { b: () => 1 })).toThrow("a, handler b: ");
    expect(() => declare("a", { b: { kind: "steps", ...types, steps: [] } })).toThrow(
      "give functions to run",
    );
    expect(() => declare("a", { b: { ...same, reply: "text" } })).toThrow('a, handler b, reply: "text"');
    expect(() => declare("a", {}, { keptEvents: -1 })).toThrow("a, keptEvents: -1");
    expect(declare("a", {}, { keptEvents: 7 }).keptEvents).toBe(7);
  });
});
