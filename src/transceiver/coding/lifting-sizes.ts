/** TS 38.212 Table 5.3.2-1: set index i_LS is the position; each set is a·2^j up to 384. */
export const LIFTING_SIZE_SETS: readonly (readonly number[])[] = [2, 3, 5, 7, 9, 11, 13, 15].map((factor) => {
  const sizes: number[] = [];
  for (let size = factor; size <= 384; size *= 2) sizes.push(size);
  return sizes;
});

/** The 51 lifting sizes Z_c, ascending. */
export const LIFTING_SIZES: readonly number[] = LIFTING_SIZE_SETS.flat().sort((left, right) => left - right);

/** i_LS of a lifting size; -1 where it is none. */
export function liftingSizeSet(liftingSize: number): number {
  return LIFTING_SIZE_SETS.findIndex((sizes) => sizes.includes(liftingSize));
}
