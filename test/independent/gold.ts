/**
 * TS 38.211 5.2.1: pseudo-random sequence c(0) … c(length − 1) of the Gold sequence of length 31 that starts
 * with `cInit` (0 ≤ cInit < 2³¹), from the two shift registers bit by bit.
 */
export function goldSequence(cInit: number, length: number): number[] {
  const discarded = 1600;
  const x1: number[] = [1];
  const x2: number[] = [];
  for (let n = 1; n < 31; n++) {
    x1.push(0);
  }
  for (let n = 0; n < 31; n++) {
    x2.push(Math.floor(cInit / 2 ** n) % 2);
  }
  for (let n = 0; n + 31 < discarded + length; n++) {
    x1.push((x1[n + 3]! + x1[n]!) % 2);
    x2.push((x2[n + 3]! + x2[n + 2]! + x2[n + 1]! + x2[n]!) % 2);
  }
  return Array.from({ length }, (_, n) => (x1[n + discarded]! + x2[n + discarded]!) % 2);
}
