/** Places in the shift registers of SNOW 3G and ZUC. */
const PLACES = 16;

/**
 * Moves the first sixteen words of `state` down by `turn` places, cyclically, in place: after generating with a
 * running index instead of a moving register, this brings place 0 back to index 0.
 *
 * @param turn 0 to 15; 0 does nothing
 */
export function turnShiftRegister(state: Int32Array, turn: number): void {
  if (turn === 0) return;
  reverse(state, 0, turn - 1);
  reverse(state, turn, PLACES - 1);
  reverse(state, 0, PLACES - 1);
}

function reverse(state: Int32Array, first: number, last: number): void {
  for (let i = first, j = last; i < j; i++, j--) {
    const held = state[i]!;
    state[i] = state[j]!;
    state[j] = held;
  }
}
