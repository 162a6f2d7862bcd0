/**
 * The decoder's kernels of an iteration for every code, which stand in while those of one code are compiled: the same
 * arguments, the same posteriors, messages and results, by the invariants of decoder-kernels.ts. What those know is
 * read from `code` here, a table of `codeTable` for as many lanes.
 *
 * 1. Between the two passes over a row's edges the places of its messages hold what came in along the edges, so that no
 *    vectors need be kept whose number is not known.
 * 2. The two halves of the edges change places at every edge. A least magnitude of 255 stands for none.
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
import { admit, checkNode, messageAlong } from "./check-node.js";
import { copyVectors, haveBeenSent, noneNegative, unwind, withoutMessage } from "./decoder-kernels.js";
import {
  CORE_ROWS,
  codeTable,
  codeTableIndex,
  edgeEntry,
  largestLayout,
  rowEntry,
} from "./decoder-layout.js";

type Memory = Parameters<typeof vector.load>[0];

/** Numbers of a code table, as indices. */
function reader(code: Memory) {
  const read = (at: Value | number): Value => arith.indexCast(memref.load(code, at), "index");
  const firstRow = read(codeTableIndex.rows);
  return {
    liftingSize: read(codeTableIndex.liftingSize),
    paddedSize: read(codeTableIndex.paddedSize),
    columnStride: read(codeTableIndex.columnStride),
    coreColumns: read(codeTableIndex.coreColumns),
    edge: (edge: Value, field: number) => read(arith.addi(edge, field)),
    row(r: Value) {
      const entry = arith.addi(arith.muli(r, rowEntry.length), firstRow);
      return {
        edgesBegin: read(arith.addi(entry, rowEntry.edgesBegin)),
        edgesEnd: read(arith.addi(entry, rowEntry.edgesEnd)),
        messages: read(arith.addi(entry, rowEntry.messages)),
        extension: read(arith.addi(entry, rowEntry.extension)),
        correction: memref.load(code, arith.addi(entry, rowEntry.correction)),
      };
    },
  };
}

type Code = ReturnType<typeof reader>;
type Row = ReturnType<Code["row"]>;

/** As `iterateKernel`, for every code. */
export const genericIterateKernel = kernelBuilder(
  import.meta.url,
  "genericIterateKernel",
  (lanes: number): Kernel => {
    const largest = largestLayout(lanes);
    return kernel(
      `ldpc_iterate_lanes${lanes}`,
      {
        posterior: buffer("i8", largest.posteriorBytes),
        messages: buffer("i8", largest.messageBytes.at(-1)!),
        code: buffer("i32", codeTable(largest).length),
        rows: argument("index"),
        iteration: argument("index"),
      },
      ({ posterior, messages, rows, iteration, code: table }) => {
        const code = reader(table);
        const sent = haveBeenSent(iteration, lanes);
        const pass = (r: Value, extended: boolean): void => {
          const row = code.row(r);
          scf.for(row.edgesBegin, row.edgesEnd, edgeEntry.length, (edge) => {
            const [from, to, bytes] = [edgeEntry.slideFrom, edgeEntry.slideTo, edgeEntry.slideBytes].map(
              (field) => code.edge(edge, field),
            ) as [Value, Value, Value];
            copyVectors(posterior, lanes, from, to, bytes);
          });
          rowPass(code, row, extended, posterior, messages, sent, lanes);
        };
        scf.for(0, CORE_ROWS, 1, (r) => pass(r, false));
        scf.for(CORE_ROWS, rows, 1, (r) => pass(r, true));
        unwind(posterior, table, rows, { lanes, ...code });
      },
    );
  },
);

/** All checks of one row, `lanes` at a time; `extended` if it has a column beyond the core. */
function rowPass(
  code: Code,
  row: Row,
  extended: boolean,
  posterior: Memory,
  messages: Memory,
  sent: Value | undefined,
  lanes: number,
): void {
  const type = vectorOf("i8", lanes);
  const correction = vector.broadcast(arith.trunci(row.correction, "i8"), lanes);
  const none = arith.constant(type, 255);
  const { edgesBegin, edgesEnd } = row;
  scf.for(0, code.paddedSize, lanes, (i) => {
    const firstMessage = arith.addi(i, row.messages);
    const place = (edge: Value): Value => arith.addi(i, code.edge(edge, edgeEntry.place));

    type Sums = readonly [signs: Value, least: Value, second: Value, nextLeast: Value, nextSecond: Value];
    const take = (v: Value, [signs, least, second, nextLeast, nextSecond]: Sums): Sums => {
      const half = admit({ least, second }, math.absi(v));
      return [arith.xori(signs, v), nextLeast, nextSecond, half.least, half.second!];
    };
    const [, ...carried] = scf.for(
      edgesBegin,
      edgesEnd,
      edgeEntry.length,
      [firstMessage, arith.constant(type, 0), none, none, none, none],
      (edge, [at, ...sums]) => {
        const message = vector.load(messages, at!, lanes);
        const v = withoutMessage(vector.load(posterior, place(edge), lanes), message, sent);
        vector.store(v, messages, at!);
        return [arith.addi(at!, code.paddedSize), ...take(v, sums as unknown as Sums)];
      },
    );
    let sums = carried as unknown as Sums;
    const beyond = extended ? arith.addi(i, row.extension) : undefined;
    const channel = beyond && vector.load(posterior, beyond, lanes);
    if (channel) sums = take(channel, sums);

    const [signs, least, second, nextLeast, nextSecond] = sums;
    const halves = [
      { least, second },
      { least: nextLeast, second: nextSecond },
    ] as const;
    const node = checkNode(halves, signs, correction);
    scf.for(edgesBegin, edgesEnd, edgeEntry.length, [firstMessage], (edge, [at]) => {
      const v = vector.load(messages, at!, lanes);
      const message = messageAlong(v, math.absi(v), node);
      vector.store(message, messages, at!);
      vector.store(llvm.saddSat(v, message), posterior, place(edge));
      return [arith.addi(at!, code.paddedSize)];
    });
    if (beyond && channel) {
      const message = messageAlong(channel, math.absi(channel), node);
      vector.store(llvm.saddSat(channel, message), posterior, arith.addi(beyond, code.paddedSize));
    }
  });
}

/** As `checkKernel`, for every code. */
export const genericCheckKernel = kernelBuilder(
  import.meta.url,
  "genericCheckKernel",
  (lanes: number): Kernel => {
    const largest = largestLayout(lanes);
    return kernel(
      `ldpc_check_lanes${lanes}`,
      {
        posterior: buffer("i8", largest.posteriorBytes),
        code: buffer("i32", codeTable(largest).length),
        rows: argument("index"),
      },
      ({ posterior, rows, code: table }) => {
        const code = reader(table);
        // Each number read from the table serves many checks; those beyond Z read what other columns hold and do not count.
        const together = Math.max(lanes, 64);
        const zero = arith.constant(vectorOf("i8", together), 0);
        const decisions = (place: Value): Value => llvm.ssubSat(vector.load(posterior, place, together), 1);
        const rowHolds = (r: Value, extended: boolean): Value => {
          const { edgesBegin, edgesEnd, extension } = code.row(r);
          const violated = scf.for(0, code.paddedSize, together, [zero], (i, [before]) => {
            const beyond = arith.addi(arith.addi(i, code.paddedSize), extension);
            const [sums] = scf.for(
              edgesBegin,
              edgesEnd,
              edgeEntry.length,
              [extended ? decisions(beyond) : zero],
              (edge, [sum]) => [arith.xori(sum!, decisions(arith.addi(i, code.edge(edge, edgeEntry.place))))],
            );
            const valid = vector.createMask(arith.subi(code.liftingSize, i), together);
            return [arith.ori(before!, arith.select(valid, sums!, zero))];
          })[0]!;
          return noneNegative(violated);
        };
        const all = (first: Value | number, end: Value | number, extended: boolean, initial: Value): Value =>
          scf.for(first, end, 1, [initial], (r, [holds]) =>
            scf.if(
              arith.cmpi("ne", holds!, 0),
              () => [rowHolds(r, extended)],
              () => [holds!],
            ),
          )[0]!;
        const core = all(0, CORE_ROWS, false, arith.constant({ element: "i32", lanes: 0 }, 1));
        return all(CORE_ROWS, rows, true, core);
      },
    );
  },
);
