import { argument, arith, buffer, indexSum, type Kernel, kernel, memref, scf } from "../../compiler/index.js";

/**
 * Copies some subcarriers of each resource block of one row to the front of another. Arguments: from, to, number of
 * resource blocks. A complex64 number moves as one i64.
 * @param subcarriers taken of each block of 12.
 */
export function compactionKernel(subcarriers: readonly number[], maximumBlocks: number): Kernel {
  const kept = subcarriers.length;
  return kernel(
    `compaction_${subcarriers.join("_")}_${maximumBlocks}`,
    {
      from: buffer("i64", 12 * maximumBlocks),
      to: buffer("i64", kept * maximumBlocks),
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
}
