import { describe, expect, it } from "vitest";
import {
  argument,
  type CompiledKernel,
  kernel,
  kernelBuilder,
  type PendingKernel,
  type Target,
} from "../compiler/index.js";
import { createKernelStore } from "./kernel-store.js";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const named = kernelBuilder(import.meta.url, "named", (name: string) =>
  kernel(name, { a: argument("i32") }, ({ a }) => a),
);

/** A target whose kernels return a number of their own; those ordered in the background come when the test says so. */
function slowTarget() {
  const compiled: string[] = [];
  const released: CompiledKernel[] = [];
  const cancelled: string[] = [];
  const ordered: { name: string; arrive: () => CompiledKernel; fail: (error: Error) => void }[] = [];
  const made = (name: string): CompiledKernel => {
    compiled.push(name);
    const result = compiled.length;
    return () => result;
  };
  const target: Target = {
    name: "slow",
    vectorBytes: 16,
    compile: ({ name }) => made(name),
    compileInBackground({ name }): PendingKernel {
      let there: CompiledKernel | undefined;
      let failure: Error | undefined;
      ordered.push({
        name,
        arrive: () => (there = made(name)),
        fail: (error) => {
          failure = error;
        },
      });
      return {
        take() {
          if (failure !== undefined) throw failure;
          return there;
        },
        cancel: () => void cancelled.push(name),
      };
    },
    release: (one) => void released.push(one),
    counts: () => ({ compiled: compiled.length, loaded: 0, milliseconds: 0 }),
  };
  return { target, compiled, ordered, released, cancelled };
}

describe("specialized kernels", () => {
  it("are served by generic ones until they are there, in all places at once", () => {
    const { target, compiled, ordered } = slowTarget();
    const store = createKernelStore(target, memory);
    const [first, second] = [{}, {}];
    const places = [first, second].map((holder) =>
      store.specialize(holder, named("special"), named("generic")),
    );
    expect(compiled).toEqual(["generic"]);
    expect(ordered.map(({ name }) => name)).toEqual(["special"]);
    store.poll();
    expect(places.map(({ run }) => run())).toEqual([1, 1]);
    expect(store.waiting).toBe(1);
    const special = ordered[0]!.arrive();
    expect(places.map(({ run }) => run())).toEqual([1, 1]);
    store.poll();
    expect(places.map(({ run }) => run)).toEqual([special, special]);
    expect(store.waiting).toBe(0);
    expect(store.specialize({}, named("special"), named("another")).run).toBe(special);
    expect(compiled).toEqual(["generic", "special"]);
  });

  it("are compiled at once where there is no other thread", () => {
    const { target, compiled } = slowTarget();
    const { compileInBackground: _, ...without } = target;
    const store = createKernelStore(without, memory);
    expect(store.specialize({}, named("special"), named("generic")).run()).toBe(1);
    expect(compiled).toEqual(["special"]);
  });

  it("come one at a time, and only where something has arrived", () => {
    const { target, ordered } = slowTarget();
    let arrived = 0;
    const store = createKernelStore({ ...target, arrivals: () => arrived }, memory);
    const holder = {};
    for (const name of ["a", "b"]) store.specialize(holder, named(name), named("generic"));
    store.poll();
    for (const { arrive } of ordered) arrive();
    store.poll();
    expect(store.waiting).toBe(2);
    arrived = 2;
    store.poll();
    expect([store.waiting, store.changes]).toEqual([1, 1]);
    store.poll();
    expect([store.waiting, store.changes]).toEqual([0, 2]);
  });

  it("are waited for by who wants no other", () => {
    const { target, ordered, compiled } = slowTarget();
    const store = createKernelStore(target, memory, 0);
    const [first, second] = [{}, {}];
    store.specialize(first, named("special"), named("generic"));
    const special = ordered[0]!.arrive();
    store.release(second);
    expect(store.hold(second, named("special"))).toBe(special);
    store.release(first);
    expect(store.hold(second, named("special"))).toBe(special);
    expect(compiled).toEqual(["generic", "special"]);
  });

  it("go back to the target with their last holder, and are cancelled where they have not come", () => {
    const { target, ordered, released, cancelled } = slowTarget();
    const store = createKernelStore(target, memory, 0);
    const [first, second, third] = [{}, {}, {}];
    const place = store.specialize(first, named("special"), named("generic"));
    const generic = place.run;
    store.specialize(second, named("special"), named("generic"));
    store.release(first);
    expect([released, cancelled]).toEqual([[], []]);
    store.release(second);
    expect([released, cancelled]).toEqual([[generic], ["special"]]);
    expect([store.waiting, store.records()]).toEqual([0, []]);
    store.specialize(third, named("special"), named("generic"));
    const special = ordered[1]!.arrive();
    store.poll();
    store.specialize(third, named("other"), named("generic"));
    store.close();
    expect(released).toContain(special);
    expect(cancelled).toEqual(["special", "other"]);
    expect([store.waiting, store.records()]).toEqual([0, []]);
  });

  it("stay for a while when nothing holds them, those left last", () => {
    const { target, compiled, released } = slowTarget();
    const store = createKernelStore(target, memory, 2);
    const holder = {};
    for (const name of ["a", "b", "c"]) {
      store.hold(holder, named(name));
      store.release(holder);
    }
    expect(released).toHaveLength(1);
    store.hold(holder, named("b"));
    expect(compiled).toEqual(["a", "b", "c"]);
    store.hold(holder, named("a"));
    expect(compiled).toEqual(["a", "b", "c", "a"]);
    expect(store.records().map(({ name, inUse }) => [name, inUse])).toEqual([
      ["b", true],
      ["c", false],
      ["a", true],
    ]);
    store.close();
    expect(released).toHaveLength(4);
    expect(store.records()).toEqual([]);
  });

  it("that cannot be compiled leave the generic one, and the record says why", () => {
    const { target, ordered } = slowTarget();
    const store = createKernelStore(target, memory);
    const place = store.specialize({}, named("special"), named("generic"));
    ordered[0]!.fail(new Error("no such instruction"));
    store.poll();
    expect(place.run()).toBe(1);
    expect(store.specialize({}, named("special"), named("generic")).run()).toBe(1);
    expect(ordered).toHaveLength(1);
    expect(store.records().map(({ name, problem }) => [name, problem])).toEqual([
      ["generic", undefined],
      ["special", "no such instruction"],
    ]);
  });
});
