/**
 * Where each field of a timing and frequency offset stands in the float32 tensors that synchronization and channel
 * estimation exchange.
 */
export const offsetFieldIndex = Object.freeze({
  /** Seconds; positive: the slot arrives later than the `guard` samples before it say. */
  timing: 0,
  /** Hz; positive: the received signal lies above its nominal carrier frequency. */
  frequency: 1,
  /** 1: the offsets are known. 0: nothing is known yet, whatever the other fields hold. */
  valid: 2,
  /** Unused, 0. */
  spare: 3,
});

/** Fields of an offset tensor. */
export const OFFSET_FIELDS = 4;
