/** Whether the user asked to end. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Lets Ctrl-C end the process again at once. */
  restore(): void;
}

/**
 * Turns the first Ctrl-C (SIGINT) or SIGTERM into a request to end, so that what was measured can be reported; a
 * second one ends the process as it would have.
 */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const restore = (): void => {
    process.off("SIGINT", ask);
    process.off("SIGTERM", ask);
  };
  const ask = (): void => {
    restore();
    controller.abort();
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  return { signal: controller.signal, restore };
}
