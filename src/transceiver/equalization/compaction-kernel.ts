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
} from "../../compiler/index.js";
import { MOST_NUMBERS } from "./normal-equations.js";

/**
 * Copies some subcarriers of each resource block of one row to the front of another. Arguments: from, to, number of
 * resource blocks. A complex64 number moves as one i64.
 * @param subcarriers taken of each block of 12.
 */
export const compactionKernel = kernelBuilder(
  import.meta.url,
  "compactionKernel",
  (subcarriers: readonly number[]): Kernel => {
    const kept = subcarriers.length;
    return kernel(
      `compaction_${subcarriers.join("_")}`,
      {
        from: buffer("i64", MOST_NUMBERS / 2),
        to: buffer("i64", MOST_NUMBERS / 2),
        blocks: argument("index"),
      },
      ({ from, to, blocks }) => {
        scf.for(0, blocks, 1, (block) => {
          const source = arith.muli(block, 12);
          const target = arith.muli(block, kept);
          subcarriers.forEach((subcarrier, position) => {
            memref.store(memref.load(from, indexSum(source, subcarrier)), to, indexSum(target, position));
          });
        });
      },
    );
  },
);
