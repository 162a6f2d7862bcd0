/** Flows for tests. Loaded with `?count=…`, numbers of the source, `?fail=…`, the number at which an operator throws, and
 * `?slow=…`, the number at which it takes 300 ms. */

import { flow, generated, keyed, live, logged, operator } from "../src/functions/flows/index.js";
import { field, stateSchema } from "../src/functions/schema/index.js";

const parameters = new URL(import.meta.url).searchParams;
const count = Number(parameters.get("count") ?? 100);
const fail = Number(parameters.get("fail") ?? -1);
const slow = Number(parameters.get("slow") ?? -1);

export const numberMessage = stateSchema({ number: field.int32() });
export const totalMessage = stateSchema({ number: field.int32(), total: field.int32() });

const totalling = operator({
  name: "totalling",
  state: stateSchema({ total: field.int32() }),
  output: totalMessage,
  inputs: {
    numbers: {
      message: numberMessage,
      key: ({ number }) => number % 10,
      process(context, { number }) {
        if (number === fail) throw new Error("told to fail");
        if (number === slow) for (const end = performance.now() + 300; performance.now() < end; );
        context.state.total += number;
        context.emit({ number, total: context.state.total });
        if (number === 77) {
          context.send({
            target: { function: "listener", key: context.key },
            handler: "hear",
            body: { number },
          });
        }
        if (number < 0) context.forget();
      },
    },
  },
});

export const loggedTotals = flow("logged-totals", { delivery: "exactly-once" }, ({ source }) => ({
  totals: totalling({ numbers: source("numbers", numberMessage, logged()) }, { parallelism: 2 }),
}));

export const liveTotals = flow("live-totals", { delivery: "real-time" }, ({ source }) => ({
  totals: totalling({ numbers: source("numbers", numberMessage, live({ lateAfter_ms: 100 })) }),
}));

export const generatedTotals = flow("generated-totals", { delivery: "exactly-once" }, ({ source }) => {
  const numbers = source(
    "numbers",
    numberMessage,
    generated((number) => (number < count ? { number } : undefined)),
  );
  return { totals: keyed(totalling({ numbers }, { parallelism: 2 }), ({ number }) => number % 10) };
});

/** Halves numbers until they are odd: each goes round the loop as often as it can be halved. */
const halving = operator({
  name: "halving",
  state: stateSchema({ rounds: field.int32() }),
  output: numberMessage,
  inputs: {
    fresh: {
      message: numberMessage,
      key: ({ number }) => number % 7,
      process(context, { number }) {
        context.state.rounds++;
        context.emit({ number });
      },
    },
    halves: {
      message: numberMessage,
      key: ({ number }) => number % 7,
      process(context, { number }) {
        context.state.rounds++;
        context.emit({ number });
      },
    },
  },
});
const splitting = (name: string, odd: boolean) =>
  operator({
    name,
    output: numberMessage,
    inputs: {
      numbers: {
        message: numberMessage,
        process(context, { number }) {
          if ((number % 2 !== 0) === odd) context.emit({ number: odd ? number : number / 2 });
        },
      },
    },
  });

export const halvingLoop = flow("halving-loop", { delivery: "exactly-once" }, ({ source, feedback }) => {
  const fresh = source(
    "fresh",
    numberMessage,
    generated((position) => (position < count ? { number: position + 1 } : undefined)),
  );
  const halves = feedback("halves", numberMessage, { logged: true });
  const numbers = halving({ fresh, halves }, { parallelism: 2 });
  halves.from(splitting("even", false)({ numbers }, { parallelism: 2 }));
  return { odd: splitting("odd", true)({ numbers }) };
});

/** Adds up what a handler appends, and tells the handler's function the total. */
const telling = operator({
  name: "telling",
  state: stateSchema({ total: field.int32() }),
  inputs: {
    numbers: {
      message: numberMessage,
      key: ({ number }) => number % 3,
      process(context, { number }) {
        context.state.total += number;
        const body = { number, total: context.state.total };
        context.send({ target: { function: "relay", key: context.key }, handler: "told", body });
      },
    },
  },
});

export const relayTotals = flow("relay-totals", { delivery: "exactly-once" }, ({ source }) => {
  telling({ numbers: source("numbers", numberMessage, logged()) }, { parallelism: 2 });
  return {};
});
