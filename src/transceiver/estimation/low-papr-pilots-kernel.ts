import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { type Complex, multiplyConjugate, split } from "../complex-lanes.js";
import { LAST_LANES, loadPilots, MOST_PILOTS } from "./pilots-kernel.js";

/**
 * Least squares at the pilots of one CDM group of DM-RS type 1, antenna and DM-RS symbol with a low-PAPR sequence of
 * magnitude 1: `y·conj(r)/β` (TS 38.211 6.4.1.1.3 undone but for the weights of the port). Arguments: the grid's row from
 * the group's first subcarrier on, the sequence, interleaved, a row of pilots as `pilotsKernel` writes it, pilots, its
 * stride, and `1/β`.
 * @param lanes 4 to 16
 */
export const lowPaprPilotsKernel = kernelBuilder(
  import.meta.url,
  "lowPaprPilotsKernel",
  (lanes: number): Kernel => {
    return kernel(
      `low_papr_pilots_v${lanes}`,
      {
        row: buffer("f32", 4 * MOST_PILOTS),
        sequence: buffer("f32", 2 * MOST_PILOTS),
        out: buffer("f32", MOST_PILOTS),
        pilots: argument("index"),
        stride: argument("index"),
        scale: argument("f32"),
      },
      ({ row, sequence, out, pilots, stride, scale }) => {
        const products = (first: Value, lanes: number): Complex => {
          const [re, im] = loadPilots(row, arith.muli(first, 4), 1, lanes);
          const at = arith.muli(first, 2);
          const r = split(
            vector.load(sequence, at, lanes),
            vector.load(sequence, indexSum(at, lanes), lanes),
          );
          const product = multiplyConjugate(r, { re, im });
          const factor = vector.broadcast(scale, lanes);
          return { re: arith.mulf(product.re, factor), im: arith.mulf(product.im, factor) };
        };
        const whole = arith.subi(pilots, arith.remui(pilots, lanes));
        scf.for(0, whole, lanes, (first) => {
          const { re, im } = products(first, lanes);
          vector.store(re, out, first);
          vector.store(im, out, arith.addi(first, stride));
        });
        scf.for(whole, pilots, LAST_LANES, (first) => {
          const { re, im } = products(first, LAST_LANES);
          // What follows the row may be anything, NaN included: a select keeps it out, a product would not.
          const inside = vector.createMask(arith.subi(pilots, first), LAST_LANES);
          const zero = arith.constant(vectorOf("f32", LAST_LANES), 0);
          vector.store(arith.select(inside, re, zero), out, first);
          vector.store(arith.select(inside, im, zero), out, arith.addi(first, stride));
        });
      },
    );
  },
);
