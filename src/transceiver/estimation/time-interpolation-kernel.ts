import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import { MOST_SUBCARRIERS } from "./delay-rotation-kernel.js";

/** Subcarriers of a pass over all symbols: the rows of all DM-RS positions stay in the first-level cache. */
const PASS = 768;

/**
 * From the channel at the DM-RS positions to every OFDM symbol: a real linear combination, turned by the carrier's
 * phase. Arguments: rows of planes (`stride` apart), one a position; weights `[symbol][position]`; turns, interleaved,
 * one a symbol; the channel to be written, interleaved `[symbol][subcarrier]`; symbols, and resource blocks.
 * @param lanes 4 to 16
 */
export const timeInterpolationKernel = kernelBuilder(
  import.meta.url,
  "timeInterpolationKernel",
  (positions: number, lanes: number): Kernel => {
    return kernel(
      `time_interpolation_${positions}_v${lanes}`,
      {
        rows: buffer("f32", positions * MOST_SUBCARRIERS),
        weights: buffer("f32", 14 * positions),
        turns: buffer("f32", 2 * 14),
        out: buffer("f32", 2 * 14 * MOST_SUBCARRIERS),
        symbols: argument("index"),
        blocks: argument("index"),
        stride: argument("index"),
      },
      ({ rows, weights, turns, out, symbols, blocks, stride }) => {
        const subcarriers = arith.muli(blocks, 12);
        const planes = Array.from({ length: 2 * positions }, (_, plane) => arith.muli(stride, plane));
        scf.for(0, subcarriers, PASS, (from) => {
          const to = arith.minsi(arith.addi(from, PASS), subcarriers);
          const rest = arith.remui(arith.subi(to, from), lanes);
          const whole = arith.subi(to, rest);
          scf.for(0, symbols, 1, (symbol) => {
            const splat = (value: Value) => vector.broadcast(value, lanes);
            const at = arith.muli(symbol, positions);
            const factors = Array.from({ length: positions }, (_, position) =>
              splat(memref.load(weights, indexSum(at, position))),
            );
            const twice = arith.muli(symbol, 2);
            const turnRe = splat(memref.load(turns, twice));
            const turnIm = splat(memref.load(turns, indexSum(twice, 1)));
            const target = arith.muli(symbol, arith.muli(subcarriers, 2));
            const channel = (subcarrier: Value): Value => {
              let [re, im]: [Value | undefined, Value | undefined] = [undefined, undefined];
              factors.forEach((factor, position) => {
                const load = (plane: number) =>
                  vector.load(rows, arith.addi(subcarrier, planes[plane]!), lanes);
                const termRe = arith.mulf(factor, load(2 * position));
                const termIm = arith.mulf(factor, load(2 * position + 1));
                re = re ? arith.addf(re, termRe) : termRe;
                im = im ? arith.addf(im, termIm) : termIm;
              });
              const outRe = arith.subf(arith.mulf(re!, turnRe), arith.mulf(im!, turnIm));
              const outIm = arith.addf(arith.mulf(re!, turnIm), arith.mulf(im!, turnRe));
              return vector.interleave(outRe, outIm);
            };
            const place = (subcarrier: Value) => arith.addi(target, arith.muli(subcarrier, 2));
            scf.for(from, whole, lanes, (subcarrier) => {
              vector.store(channel(subcarrier), out, place(subcarrier));
            });
            // Four lanes divide a resource block.
            if (lanes > 4)
              scf.if(arith.cmpi("ne", rest, 0), () => {
                const mask = vector.createMask(arith.muli(rest, 2), 2 * lanes);
                vector.maskedStore(channel(whole), out, place(whole), mask);
              });
          });
        });
      },
    );
  },
);
