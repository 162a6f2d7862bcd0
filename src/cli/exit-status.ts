/** What a command's exit status says. */
export const exitStatus = {
  success: 0,
  /** The work was done, but its result is not what it should be: a CRC failed, a benchmark's block did not decode. */
  failed: 1,
  /** An option, a file or what stands in it is not accepted. */
  input: 2,
  /** Ended by Ctrl-C: 128 + SIGINT, as shells expect. */
  interrupted: 130,
} as const;
