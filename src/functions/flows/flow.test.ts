import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { field, stateSchema } from "../schema/index.js";
import { keyGroups } from "../turns/index.js";
import type { Stream } from "./declaration.js";
import { type FlowBuilder, flow, generated, live, logged, operator } from "./flow.js";
import { planFlow, replicaOfGroup } from "./plan.js";

const number = stateSchema({ number: field.int32() });
const other = stateSchema({ number: field.int32() });
const empty = generated<{ number: number }>(() => undefined);

const keyed = (name: string) =>
  operator({
    name,
    state: stateSchema({ count: field.int32() }),
    output: number,
    inputs: { numbers: { message: number, key: (one) => one.number, process() {} } },
  });
const plain = (name: string) =>
  operator({ name, output: number, inputs: { numbers: { message: number, process() {} } } });

function declare(
  build: (builder: FlowBuilder) => Readonly<Record<string, Stream>>,
  delivery: "exactly-once" | "real-time" = "exactly-once",
) {
  return flow("declared", { delivery }, build);
}

describe("a declared flow", () => {
  it("is refused where it delivers exactly once what nobody keeps", () => {
    const build = ({ source }: FlowBuilder) => ({ out: source("in", number, live({ lateAfter_ms: 5 })) });
    expect(() => declare(build)).toThrow(expect.objectContaining({ code: "SOURCE_NOT_REPLAYABLE" }));
    expect(() => declare(build)).toThrow(/source in gave/);
    expect(declare(build, "real-time").delivery).toBe("real-time");
    expect(() => declare(({ source }) => ({ out: source("in", number, empty) }), "real-time")).toThrow(
      /repeats nothing/,
    );
  });

  it("is refused where a loop is not logged, or not fed", () => {
    const loop =
      (isLogged: boolean, fed: boolean) =>
      ({ source, feedback }: FlowBuilder) => {
        const back = feedback("back", number, { logged: isLogged });
        const out = plain("turn")({ numbers: [source("in", number, live({ lateAfter_ms: 5 })), back] });
        if (fed) back.from(out);
        return { out };
      };
    const logLoop = ({ source, feedback }: FlowBuilder) => {
      const back = feedback("back", number, { logged: false });
      const out = plain("turn")({ numbers: [source("in", number, logged()), back] });
      back.from(out);
      return { out };
    };
    expect(() => declare(logLoop)).toThrow(expect.objectContaining({ code: "FEEDBACK_NOT_LOGGED" }));
    expect(declare(loop(false, true), "real-time").graph.feedback.size).toBe(1);
    expect(() => declare(loop(true, false), "real-time")).toThrow(
      expect.objectContaining({ code: "FEEDBACK_NOT_FED" }),
    );
  });

  it.each<[string, (builder: FlowBuilder) => Readonly<Record<string, Stream>>, RegExp]>([
    ["no source", () => ({}), /sources of flow declared/],
    [
      "another schema",
      ({ source }) => ({ out: plain("a")({ numbers: source("in", other, empty) }) }),
      /another schema/,
    ],
    [
      "a name twice",
      ({ source }) => ({ out: plain("in")({ numbers: source("in", number, empty) }) }),
      /choose another/,
    ],
    ["a bad name", ({ source }) => ({ out: source("a/b", number, empty) }), /letters, digits/],
    ["no stream", () => ({ out: plain("a")({ numbers: undefined as never }) }), /give it a stream/],
    [
      "an unknown input",
      ({ source }) => {
        const stream = source("in", number, empty);
        return { out: plain("a")({ numbers: stream, more: stream } as never) };
      },
      /its inputs are: numbers/,
    ],
    [
      "state without keys in two replicas",
      ({ source }) => {
        const summing = operator({
          name: "summing",
          state: number,
          output: number,
          inputs: { numbers: { message: number, process() {} } },
        });
        const flowOut = summing({ numbers: source("in", number, empty) }, { parallelism: 2 });
        planFlow({
          kind: "flow",
          name: "declared",
          delivery: "exactly-once",
          graph: flowOut.graph,
          outputs: {},
        });
        return { out: flowOut };
      },
      /no keys to be divided by/,
    ],
  ])("is refused with %s", (_, build, message) => {
    expect(() => declare(build)).toThrow(message);
  });

  it("refuses an operator whose inputs have keys in part", () => {
    expect(() =>
      operator({
        name: "half",
        inputs: {
          one: { message: number, key: (one) => one.number, process() {} },
          other: { message: number, process() {} },
        },
      }),
    ).toThrow(/each of them a key/);
  });
});

describe("a plan", () => {
  it("gives every key group one replica, and every replica a share (invariant 1)", () => {
    for (let replicas = 1; replicas <= keyGroups; replicas++) {
      const owners = Array.from({ length: keyGroups }, (_, group) => replicaOfGroup(group, replicas));
      expect(new Set(owners).size).toBe(replicas);
      expect([...owners].sort((a, b) => a - b)).toEqual(owners);
    }
  });

  it("leads every barrier to every replica, at any parallelism (invariants 2 and 3)", () => {
    fc.assert(
      fc.property(
        fc.record({
          partitions: fc.integer({ min: 1, max: 4 }),
          stages: fc.array(fc.record({ keys: fc.boolean(), replicas: fc.integer({ min: 1, max: 5 }) }), {
            minLength: 1,
            maxLength: 4,
          }),
          workers: fc.integer({ min: 1, max: 3 }),
        }),
        ({ partitions, stages, workers }) => {
          const declared = declare(({ source, feedback }) => {
            const back = feedback("back", number, { logged: true });
            let stream: Stream<typeof number> = source(
              "in",
              number,
              generated<{ number: number }>(() => undefined, partitions),
            );
            for (const [index, { keys, replicas }] of stages.entries()) {
              const make = keys ? keyed : plain;
              const numbers = index === 0 ? [stream, back] : [stream];
              stream = make(`stage-${index}`)({ numbers }, { parallelism: replicas });
            }
            back.from(stream);
            return { out: stream };
          });
          const { tasks, channels } = planFlow(declared, { workers });
          const reached = new Set(tasks.filter(({ kind }) => kind === "source").map(({ id }) => id));
          for (const task of tasks) {
            expect(task.worker).toBeLessThan(workers);
            if (task.kind === "source") continue;
            const senders = channels.filter(({ to, feedback: loop }) => to === task.id && loop === undefined);
            expect(senders.length).toBeGreaterThan(0);
            // Tasks stand behind what they read: one pass finds a barrier from every sender.
            expect(senders.every(({ from }) => reached.has(from))).toBe(true);
            reached.add(task.id);
          }
          expect(reached.size).toBe(tasks.length);
        },
      ),
      { seed: 20261121, numRuns: 200 },
    );
  });
});
