/** The smallest of the ascending `sorted` values that at least the given share (0 to 1) does not exceed; 0 of none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
