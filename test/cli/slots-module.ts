/** A module with a flow of slots, whose state is a sum of each of five keys, and a function that it sends to. */
export const slotsText = `
import {
  createFlowInstance, dataflow, defineFunction, field, handler, int32, reference, slotFlow, statefulFunction, stateSchema, z,
} from "neuroran";
const adding = defineFunction({
  name: "adding",
  inputs: { added: int32() },
  outputs: { sum: int32() },
  state: { sums: { dtype: "int32", key: "account", dimensions: [1], version: 1 } },
});
for (const name of ["plain", "careful", "fragile"]) {
  adding.implement(name, {
    kind: "model",
    prepare({ inputs, outputs, state, rows }) {
      return () => {
        const sums = state.sums.view;
        const row = rows.account.view[0];
        sums[row] += inputs.added.view[0];
        outputs.sum.view[0] = sums[row];
        if (name === "fragile" && inputs.added.view[0] % 40 === 39) throw new RangeError("thirty-nine");
      };
    },
  });
}
const adder = dataflow("adder", { inputs: { added: int32() } }, ({ added }) => ({ sum: adding({ added }) }));
const target = { name: "none", vectorBytes: 16, counts: () => ({ compiled: 0, loaded: 0, milliseconds: 0 }) };
export const createAdder = ({ arena, implementations }) =>
  createFlowInstance(adder, { arena, target, implementations, stateDimensions: { account: 5 } });
export const heard = statefulFunction("heard", stateSchema({ slots: field.uint32(), total: field.uint32() }), {
  slot: handler({ request: z.object({ slot: z.int() }), reply: z.undefined() }, ({ state }, { slot }) => {
    state.slots++;
    state.total += slot;
  }),
});
const added = new Int32Array(1);
export const sums = slotFlow()("sums", {
  delivery: "exactly-once",
  instance: { module: import.meta.url, factory: "createAdder", arenaBytes: 1 << 16 },
  source: {
    kind: "replayable",
    open: () => ({
      slot(number) {
        added[0] = number;
        const account = number % 5;
        return {
          configuration: { key: "only", dimensions: {} },
          inputs: { added },
          keys: { account: { writes: [account] } },
          about: { account },
        };
      },
    }),
  },
  slotDuration_ms: 2,
  outputs: {
    sums: {
      message: stateSchema({ account: field.uint8(), sum: field.int32() }),
      of: ({ about, outputs }) => ({ account: about.account, sum: outputs.sum.view[0] }),
    },
  },
  sends: ({ number, about }) => [reference("heard", String(about.account), "slot", { slot: number })],
});
`;
