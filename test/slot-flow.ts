import {
  createFlowInstance,
  dataflow,
  defineFunction,
  type FlowFactory,
  feedback,
  float32,
  int32,
  type View,
} from "../src/functions/index.js";

/** What a slot of the test flow may be told to do, beside adding up. */
export const command = { add: 0, throw: 1, exit: 2, stall: 3 } as const;

const obey = defineFunction({
  name: "obey",
  inputs: { command: int32(), values: float32("element"), before: float32("element") },
  outputs: { total: float32("element"), slots: int32() },
  parameters: { milliseconds: "number" },
  state: { slots: { dtype: "int32", dimensions: [1], version: 1 } },
});
obey.implement("plain", {
  kind: "model",
  prepare({ inputs, outputs, state, parameters }) {
    if (parameters.milliseconds < 0) throw new RangeError("time cannot run backwards");
    return () => {
      const told = inputs.command.view[0];
      if (told === command.throw) throw new RangeError("told to throw");
      const end = performance.now() + parameters.milliseconds;
      while (told === command.stall || performance.now() < end);
      if (told === command.exit) {
        process.exit(7);
        // The thread stops at its next interrupt check, not at the call.
        for (;;);
      }
      for (let i = 0; i < outputs.total.view.length; i++) {
        outputs.total.view[i] = inputs.values.view[i] + inputs.before.view[i];
      }
      outputs.slots.view[0] = ++state.slots.view[0];
    };
  },
});

/** Other implementations, which count by the same state and double what they add. */
for (const kind of ["doubling", "fragile", "slow", "mortal", "lazy", "endless"] as const) {
  obey.implement(kind, {
    kind: "model",
    prepare({ inputs, outputs, state }) {
      if (kind === "lazy") throw new RangeError("not today");
      return () => {
        outputs.slots.view[0] = ++state.slots.view[0];
        const begin = performance.now();
        while (kind === "slow" && performance.now() < begin + 5);
        for (let i = 0; i < outputs.total.view.length; i++)
          outputs.total.view[i] = 2 * inputs.values.view[i] + inputs.before.view[i];
        const unlucky = inputs.values.view[0] === 13;
        while (kind === "endless" && unlucky);
        if (kind === "fragile" && unlucky) throw new RangeError("thirteen");
        if (kind === "mortal" && unlucky) {
          process.exit(7);
          for (;;);
        }
      };
    },
  });
}

export const slotFlow = dataflow(
  "slot flow",
  { inputs: { command: int32(), values: float32("element") } },
  ({ command, values }) => {
    const before = feedback("before", float32("element"));
    const { total, slots } = obey({ command, values, before });
    before.from(total);
    return { total, slots };
  },
);

const target = {
  name: "none",
  vectorBytes: 16,
  counts: () => ({ compiled: 0, loaded: 0, milliseconds: 0 }),
  compile(): never {
    throw new Error("this flow has no kernels");
  },
};

/** The factory that the slot executor's tests start. */
export const createSlotFlow: FlowFactory = ({ arena, options, implementations }) => {
  if (options === "fail") throw new RangeError("told to fail");
  const chosen = options === "deaf" ? {} : implementations;
  return createFlowInstance(slotFlow, { arena, target, implementations: chosen, maximumVariants: 3 });
};

/** Added to an account, it tells how much heap the thread of the slots uses instead. */
export const askForHeap = 99;

/** Adds to a sum of each account that a slot touches; those it reads count for the output only. */
const accounts = defineFunction({
  name: "accounts",
  inputs: { added: int32() },
  outputs: { sums: int32("place") },
  state: {
    sum: { dtype: "int32", key: "account", dimensions: ["width"], version: 1 },
    visits: { dtype: "int32", dimensions: [1], version: 1 },
  },
});
for (const kind of ["plain", "fragile", "mortal"] as const) {
  accounts.implement(kind, {
    kind: "model",
    prepare({ inputs, outputs, state, rows }) {
      const { view: sum, shape } = state.sum;
      const width = shape[1];
      const touched = rows.account.view;
      return () => {
        const added = inputs.added.view[0];
        state.visits.view[0]++;
        if (added === askForHeap) {
          outputs.sums.view[0] = process.memoryUsage().heapUsed;
          return;
        }
        for (let place = 0; place < outputs.sums.view.length; place++) {
          const row = touched[place];
          // All of the row, so that a copy of half of it would be seen.
          if (row >= 0 && added !== 0) for (let k = 0; k < width; k++) sum[row * width + k] += added;
          outputs.sums.view[place] = row < 0 ? -1 : sum[row * width];
        }
        if (kind !== "plain" && added === 13) {
          if (kind === "fragile") throw new RangeError("thirteen");
          process.exit(7);
          for (;;);
        }
      };
    },
  });
}

export const accountFlow = dataflow("account flow", { inputs: { added: int32() } }, ({ added }) => ({
  sums: accounts({ added }),
}));

/** The factory of a flow whose state is keyed by "account", of as many rows, and numbers in each, as the options say. */
export const createAccountFlow: FlowFactory = ({ arena, options, implementations }) =>
  createFlowInstance(accountFlow, {
    arena,
    target,
    implementations,
    stateDimensions: options as { account: number; width: number },
  });

/** Another version of `obey`, which counts in tens. */
const obeyInTens = defineFunction({
  name: "obey",
  inputs: obey.inputs,
  outputs: obey.outputs,
  parameters: obey.parameters,
  state: {
    slots: {
      dtype: "float64",
      dimensions: [2],
      version: 2,
      migrations: {
        1(former: View, now: View) {
          if (former[0]! < 0) throw new RangeError("there is nothing to count on");
          now[1] = 10 * former[0]!;
        },
      },
    },
  },
});
obeyInTens.implement("plain", {
  kind: "model",
  prepare({ inputs, outputs, state }) {
    return () => {
      state.slots.view[1] += 10;
      outputs.slots.view[0] = state.slots.view[1]!;
      for (let i = 0; i < outputs.total.view.length; i++)
        outputs.total.view[i] = inputs.values.view[i]! + inputs.before.view[i]!;
    };
  },
});

const flowInTens = dataflow("slot flow in tens", { inputs: slotFlow.inputs }, ({ command, values }) => {
  const before = feedback("before", float32("element"));
  const { total, slots } = obeyInTens({ command, values, before });
  before.from(total);
  return { total, slots };
});

export const createFlowInTens: FlowFactory = ({ arena, implementations }) =>
  createFlowInstance(flowInTens, { arena, target, implementations, maximumVariants: 3 });
