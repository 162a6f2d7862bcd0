/**
 * The flow of the hop benchmark: messages of 4 kB from one operator to a keyed one. Loaded with `?count=…&pause=…`: messages,
 * and microseconds between two of them once all is warm.
 */
import { flow, operator, replayable } from "../../functions/flows/index.js";
import { field, stateSchema } from "../../functions/schema/index.js";
import { openSystemClock } from "../../system/index.js";

const parameters = new URL(import.meta.url).searchParams;
/** Messages in all. */
const count = Number(parameters.get("count") ?? 10_000);
const pause_ms = Number(parameters.get("pause") ?? 0) / 1000;

/** Messages that warm up, one after the other. */
export const warmUp = 5000;

/** Elements of the tensor; with the number and the time, 4 kB. */
export const elements = 1020;

const message = stateSchema({
  number: field.uint32(),
  sent_ms: field.float64(),
  values: field.tensor("float32", [elements]),
});
const result = stateSchema({ hops: field.tensor("float64", [count]), sum: field.float64() });

// One that threads share: that of `openClock` need not be.
const clock =
  openSystemClock() ??
  ((times: Float64Array, index: number) => {
    times[index] = Number(process.hrtime.bigint()) / 1e6;
  });
const times = new Float64Array(2);
const hops = new Float64Array(count);
let sum = 0;

const sending = operator({
  name: "sending",
  output: message,
  inputs: {
    messages: {
      message,
      process(context, one) {
        clock(times, 0);
        one.sent_ms = times[0];
        context.emit(one);
      },
    },
  },
});

const receiving = operator({
  name: "receiving",
  state: stateSchema({ count: field.uint32() }),
  output: result,
  inputs: {
    messages: {
      message,
      key: ({ number }) => number & 63,
      process(context, one) {
        clock(times, 1);
        hops[one.number] = times[1] - one.sent_ms;
        context.state.count++;
        sum += one.values[one.number % elements];
        if (one.number === count - 1) context.emit({ hops, sum });
      },
    },
  },
});

export const hop = flow("hop", { delivery: "exactly-once" }, ({ source }) => {
  const messages = source(
    "messages",
    message,
    replayable((from) => {
      let number = from;
      let due_ms = 0;
      const now = new Float64Array(1);
      const values = Float32Array.from({ length: elements }, (_, index) => index);
      return {
        read() {
          if (number === count) return "end";
          if (pause_ms > 0 && number >= warmUp) {
            clock(now, 0);
            if (now[0] < due_ms) return "none";
            due_ms = now[0] + pause_ms;
          }
          return { number: number++, sent_ms: 0, values };
        },
        position: () => number,
      };
    }),
  );
  return { results: receiving({ messages: sending({ messages }) }) };
});
