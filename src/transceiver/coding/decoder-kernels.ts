/**
 * Kernels of the layered min-sum decoder on int8.
 *
 * Invariants (the tests name them):
 * 1. A block column of a-posteriori values occupies `columnStride` bytes: a guard of `lanes` bytes, then 2·Z values
 *    and room to run over. Between iterations value i of the column stands at i and at i + Z.
 * 2. Inside an iteration the column's values stand in the window [w, w + Z) alone, w the shift of the row that wrote
 *    them last; before a row with shift w' the window slides there by copying |w' − w| values from one end to the
 *    other. So every vector of a row is one plain load at a constant offset: nothing wraps. It slides a row early where
 *    that row leaves the column alone: a load across two stores waits until both have reached the cache.
 * 3. Bytes outside the window, and lanes from Z on, hold anything and influence nothing inside.
 * 4. A column beyond the core has one edge, the last of its row, of shift 0. Its first Z values are the channel's and
 *    stay; the posterior is written Z rounded up behind them.
 * 5. A value of 0 decides for 1: a slot of which nothing was received must not look like the all-zero codeword, whose
 *    parity and CRC hold.
 * 6. A channel value is limited to less than the largest message: a bit that is wrong with the greatest confidence
 *    must be outvoted by one check, since bits beyond the core have but one. Otherwise blocks are lost at high SNR.
 * 7. The rows that take part are the first `rows`, a number known at the call only: one kernel serves every code rate.
 *    Which window they leave a column in stands in `codeTable`.
 * 8. `initialize` and `decide` serve every code. `iterate` and `check` are compiled for one; those of
 *    generic-decoder-kernels.ts take the same arguments and leave the same posteriors, messages and result, so that
 *    one may follow the other at any call. All they know of the code stands in `codeTable`.
 * 9. Before the first iteration no message has been sent, which is to take 0 for all. Where vectors have masks the
 *    iteration that is told its number does so, whatever the memory holds; `initialize` clears it elsewhere.
 */
import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  llvm,
  math,
  memref,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { admit, checkNode, type Half, messageAlong } from "./check-node.js";
import {
  CORE_ROWS,
  type CoreEdge,
  codeTable,
  codeTableIndex,
  columnStart,
  type DecoderLayout,
  largestLayout,
  type RowPlan,
  rowPlans,
} from "./decoder-layout.js";

type Memory = Parameters<typeof vector.load>[0];

function kernelName(what: string, { graph, lanes }: DecoderLayout): string {
  return `ldpc_${what}_bg${graph.number}_z${graph.liftingSize}_lanes${lanes}`;
}

/** A number rounded up to whole vectors; lanes are a power of 2. */
export function wholeVectors(count: Value, lanes: number): Value {
  const above = arith.addi(count, lanes - 1);
  return arith.subi(above, arith.andi(above, lanes - 1));
}

/**
 * Puts the soft bits of a code block of any code in place: `codeword` d_0…d_N-1 in the order of the circular buffer, of
 * which the columns of the core and one for each further row are read; the two punctured columns are unknown. Clears
 * the messages, `messageBytes` of them, unless the first iteration does without (invariant 9).
 */
export const initializeKernel = kernelBuilder(
  import.meta.url,
  "initializeKernel",
  (lanes: number): Kernel => {
    const largest = largestLayout(lanes);
    return kernel(
      `ldpc_initialize_lanes${lanes}`,
      {
        codeword: buffer("i8", largest.graph.columns * largest.graph.liftingSize + lanes),
        posterior: buffer("i8", largest.posteriorBytes),
        messages: buffer("i8", largest.messageBytes.at(-1)!),
        rows: argument("index"),
        messageBytes: argument("index"),
        informationColumns: argument("index"),
        liftingSize: argument("index"),
      },
      ({ codeword, posterior, messages, rows, messageBytes, informationColumns, liftingSize }) => {
        const zero = arith.constant(vectorOf("i8", lanes), 0);
        const paddedSize = wholeVectors(liftingSize, lanes);
        const columnStride = arith.muli(arith.addi(paddedSize, lanes), 2);
        const last = arith.subi(paddedSize, lanes);
        const channelValues = (column: Value, i: Value): Value => {
          const from = arith.muli(arith.subi(column, 2), liftingSize);
          const value = vector.load(codeword, arith.addi(from, i), lanes);
          return arith.minsi(arith.maxsi(value, -CHANNEL_LIMIT), CHANNEL_LIMIT);
        };
        const place = (column: Value, i: Value): Value =>
          arith.addi(arith.addi(arith.muli(column, columnStride), i), lanes);
        scf.for(0, arith.muli(columnStride, 2), lanes, (i) => vector.store(zero, posterior, i));
        const coreColumns = arith.addi(informationColumns, CORE_ROWS);
        scf.for(2, coreColumns, 1, (column) => {
          // Descending, so that the second copy comes to lie over what the first has too many.
          scf.for(0, paddedSize, lanes, (k) => {
            const i = arith.subi(last, k);
            const values = channelValues(column, i);
            vector.store(values, posterior, place(column, i));
            vector.store(values, posterior, arith.addi(place(column, i), liftingSize));
          });
        });
        scf.for(coreColumns, arith.addi(informationColumns, rows), 1, (column) => {
          scf.for(0, paddedSize, lanes, (i) => {
            vector.store(channelValues(column, i), posterior, place(column, i));
          });
        });
        if (!hasMasks(lanes)) scf.for(0, messageBytes, lanes, (i) => vector.store(zero, messages, i));
      },
    );
  },
);

/** Largest magnitude of a channel value (invariant 6). */
const CHANNEL_LIMIT = 30;

/**
 * One iteration over the first `rows` rows in order; `code` is the `codeTable` of the layout, `iteration` 0 in the first
 * and 1 to 127 in the others.
 */
export const iterateKernel = kernelBuilder(
  import.meta.url,
  "iterateKernel",
  (layout: DecoderLayout): Kernel => {
    return kernel(
      kernelName("iterate", layout),
      {
        posterior: buffer("i8", layout.posteriorBytes),
        messages: buffer("i8", layout.messageBytes.at(-1)!),
        code: buffer("i32", codeTable(layout).length),
        rows: argument("index"),
        iteration: argument("index"),
      },
      ({ posterior, messages, rows, iteration, code }) => {
        const { graph, lanes } = layout;
        const sent = haveBeenSent(iteration, lanes);
        const slide = (edges: readonly CoreEdge[]): void => {
          for (const { slide } of edges) {
            const { from, to, bytes } = slide;
            if (bytes === lanes) vector.store(vector.load(posterior, from, lanes), posterior, to);
            else if (bytes > 0) copyVectors(posterior, lanes, from, to, bytes);
          }
        };
        const whereUsed = (row: number, body: () => void): void => {
          if (row < CORE_ROWS) body();
          else scf.if(arith.cmpi("sgt", rows, row), body);
        };
        const plans = rowPlans(layout);
        plans.forEach((plan, row) => {
          whereUsed(row, () => {
            slide(plan.core.filter((edge) => !edge.early));
            const early = plans[row + 1]?.core.filter((edge) => edge.early) ?? [];
            if (early.length > 0) whereUsed(row + 1, () => slide(early));
            rowPass(layout, plan, posterior, messages, sent);
          });
        });
        unwind(posterior, code, rows, { ...layout, liftingSize: graph.liftingSize });
      },
    );
  },
);

type Index = Value | number;

interface WindowSizes {
  readonly lanes: number;
  readonly coreColumns: Index;
  readonly columnStride: Index;
  readonly liftingSize: Index;
}

/** Copies whole vectors in ascending order. */
export function copyVectors(memory: Memory, lanes: number, from: Index, to: Index, bytes: Index): void {
  scf.for(0, bytes, lanes, (i) => {
    vector.store(vector.load(memory, arith.addi(i, from), lanes), memory, arith.addi(i, to));
  });
}

/** Brings every core column from the window it is in to the state between iterations (invariant 1). */
export function unwind(
  posterior: Memory,
  code: Memory,
  rows: Value,
  { lanes, coreColumns, columnStride, liftingSize }: WindowSizes,
): void {
  const windows = arith.addi(arith.muli(rows, coreColumns), codeTableIndex.windows);
  scf.for(0, coreColumns, 1, (column) => {
    const window = arith.indexCast(memref.load(code, arith.addi(windows, column)), "index");
    const start = arith.addi(arith.muli(column, columnStride), lanes);
    const below = wholeVectors(window, lanes);
    const target = arith.addi(start, arith.subi(window, below));
    copyVectors(posterior, lanes, arith.addi(target, liftingSize), target, below);
    const source = arith.addi(start, window);
    const above = wholeVectors(arith.subi(liftingSize, window), lanes);
    copyVectors(posterior, lanes, source, arith.addi(source, liftingSize), above);
  });
}

/**
 * Whether vectors of so many bytes have masks, which leave out an operand at hardly any cost: those of AVX-512. Clearing
 * costs more there than a third of an iteration: the lines of the messages find no room in the first-level cache.
 */
function hasMasks(lanes: number): boolean {
  return lanes === 64;
}

/** Whether rows have sent messages, in every lane; nothing where the messages may be read in the first iteration too. */
export function haveBeenSent(iteration: Value, lanes: number): Value | undefined {
  if (!hasMasks(lanes)) return;
  const number = vector.broadcast(arith.trunci(arith.indexCast(iteration, "i32"), "i8"), lanes);
  // Not "ne": LLVM would turn the choice around, and move values where a masked subtraction does.
  return arith.cmpi("sgt", number, 0);
}

/** What others say of a bit: its value without the message of the last iteration, if one was sent. */
export function withoutMessage(value: Value, message: Value, sent: Value | undefined): Value {
  const extrinsic = llvm.ssubSat(value, message);
  return sent ? arith.select(sent, extrinsic, value) : extrinsic;
}

/** All checks of one row of the base graph, `lanes` at a time. */
function rowPass(
  layout: DecoderLayout,
  plan: RowPlan,
  posterior: Memory,
  messages: Memory,
  sent: Value | undefined,
): void {
  const { lanes, paddedSize } = layout;
  const starts = plan.core.map(({ place }) => place);
  if (plan.extension !== undefined) starts.push(plan.extension);
  scf.for(0, paddedSize, lanes, (i) => {
    const places = starts.map((start) => arith.addi(i, start));
    const messagePlaces = starts.map((_, k) => arith.addi(i, plan.messages + k * paddedSize));

    let signs: Value | undefined;
    const halves: [Half, Half] = [{}, {}];
    const incoming = places.map((place, k) => {
      const value = vector.load(posterior, place, lanes);
      const v =
        k < plan.core.length
          ? withoutMessage(value, vector.load(messages, messagePlaces[k]!, lanes), sent)
          : value;
      const magnitude = math.absi(v);
      signs = signs ? arith.xori(signs, v) : v;
      halves[k % 2] = admit(halves[k % 2]!, magnitude);
      return { v, magnitude };
    });

    const node = checkNode(halves, signs!, plan.correction);
    incoming.forEach(({ v, magnitude }, k) => {
      const message = messageAlong(v, magnitude, node);
      const value = llvm.saddSat(v, message);
      if (k < plan.core.length) {
        vector.store(message, messages, messagePlaces[k]!);
        vector.store(value, posterior, places[k]!);
      } else {
        vector.store(value, posterior, arith.addi(places[k]!, paddedSize));
      }
    });
  });
}

/** Returns 1 where the decisions fulfil every check of the first `rows` rows, else 0. */
export const checkKernel = kernelBuilder(import.meta.url, "checkKernel", (layout: DecoderLayout): Kernel => {
  return kernel(
    kernelName("check", layout),
    {
      posterior: buffer("i8", layout.posteriorBytes),
      code: buffer("i32", codeTable(layout).length),
      rows: argument("index"),
    },
    ({ posterior, rows }) => {
      const { graph, lanes, paddedSize } = layout;
      const type = vectorOf("i8", lanes);
      const size = graph.liftingSize;
      const sums = (places: readonly number[], i: Index): Value =>
        places
          .map((place) => {
            const at = typeof i === "number" ? i + place : arith.addi(i, place);
            return llvm.ssubSat(vector.load(posterior, at, lanes), 1);
          })
          .reduce((a, b) => arith.xori(a, b));
      let holds: Value = arith.constant({ element: "i32", lanes: 0 }, 1);
      const whole = size - (size % lanes);
      graph.rows.forEach((row, r) => {
        const places = row.map(
          ({ column, shift }) =>
            columnStart(layout, column) + shift + (column < layout.coreColumns ? 0 : paddedSize),
        );
        const held = arith.cmpi("ne", holds, 0);
        const [next] = scf.if(
          r < CORE_ROWS ? held : arith.andi(held, arith.cmpi("sgt", rows, r)),
          () => {
            const zero = arith.constant(type, 0);
            let violated = scf.for(0, whole, lanes, [zero], (i, [v]) => [arith.ori(v!, sums(places, i))])[0]!;
            if (whole < size) {
              const valid = Array.from({ length: lanes }, (_, k) => (k < size % lanes ? -1 : 0));
              violated = arith.ori(violated, arith.andi(sums(places, whole), arith.constant(type, valid)));
            }
            return [noneNegative(violated)];
          },
          () => [holds],
        );
        holds = next!;
      });
      return holds;
    },
  );
});

/** 1 where no lane is negative, else 0, as i32. */
export function noneNegative(values: Value): Value {
  const any = vector.reduction("or", arith.cmpi("slt", values, 0));
  return arith.extui(arith.xori(any, arith.constant({ element: "i1", lanes: 0 }, 1)), "i32");
}

/**
 * Packs the decisions of the first `informationBits` bits of any code into bytes, the first bit in the highest place;
 * what a last byte has too many is 0.
 */
export const decideKernel = kernelBuilder(import.meta.url, "decideKernel", (lanes: number): Kernel => {
  const { graph, posteriorBytes } = largestLayout(lanes);
  const largestBits = graph.informationColumns * graph.liftingSize;
  return kernel(
    `ldpc_decide_lanes${lanes}`,
    {
      posterior: buffer("i8", posteriorBytes),
      // The columns one after another, and a vector's room behind them.
      joined: buffer("i8", largestBits + 2 * lanes),
      block: buffer("i8", largestBits / 8),
      informationBits: argument("index"),
      liftingSize: argument("index"),
    },
    ({ posterior, joined, block, informationBits, liftingSize }) => {
      const paddedSize = wholeVectors(liftingSize, lanes);
      const columnStride = arith.muli(arith.addi(paddedSize, lanes), 2);
      const first = arith.constant(liftingSize.type, lanes);
      scf.for(0, informationBits, liftingSize, [first], (to, [from]) => {
        scf.for(0, paddedSize, lanes, (i) => {
          vector.store(vector.load(posterior, arith.addi(from!, i), lanes), joined, arith.addi(to, i));
        });
        return [arith.addi(from!, columnStride)];
      });
      const pack = (at: Value, count: number): Value => {
        const values = vector.load(joined, at, count);
        const order = Array.from({ length: count }, (_, k) => k ^ 7);
        return vector.bitcast(arith.cmpi("sle", vector.shuffle(values, values, order), 0), "i8");
      };
      const whole = arith.divsi(informationBits, lanes);
      scf.for(0, whole, 1, (i) => {
        vector.store(pack(arith.muli(i, lanes), lanes), block, arith.muli(i, lanes / 8));
      });
      const bytes = arith.divsi(arith.addi(informationBits, 7), 8);
      scf.for(arith.muli(whole, lanes / 8), bytes, 1, (byte) => {
        const at = arith.muli(byte, 8);
        const valid = arith.indexCast(arith.minsi(arith.subi(informationBits, at), 8), "i32");
        const mask = arith.trunci(arith.shrui(arith.constant(valid.type, 0xff00), valid), "i8");
        memref.store(arith.andi(vector.extract(pack(at, 8), 0), mask), block, byte);
      });
    },
  );
});
