/** How much a generation of epochs has: a full one, and those behind it with what changed. */
export interface Generation {
  /** Whether the next epoch must be full. Stays so until it is committed, as one behind an aborted full one must be full as well. */
  isOver(): boolean;
  /** Counts an epoch that was committed. */
  committed(full: boolean, bytes: number): void;
}

/** A generation ends when its later epochs have more bytes than its first, and so many; or are so many. */
const least_bytes = 1 << 20;
const mostEpochs = 256;

/** A generation whose first epoch has `base` bytes, and the `length` epochs behind it `later`. */
export function createGeneration(base = 0, later = 0, length = 0): Generation {
  let [baseBytes, laterBytes, epochs] = [base, later, length];
  return {
    isOver: () => epochs >= mostEpochs || (laterBytes > least_bytes && laterBytes > baseBytes),
    committed(full, bytes) {
      if (full) [baseBytes, laterBytes, epochs] = [bytes, 0, 0];
      else {
        laterBytes += bytes;
        epochs++;
      }
    },
  };
}
