export { type Clock, openClock, openSystemClock, openThreadClock } from "./clock.js";
export {
  HELPER_WORDS,
  type HelperStart,
  type HelperWords,
  helperWord,
  startHelper,
  startHelperHere,
  stopHelper,
  useHelperStarter,
  wakeHelper,
  whileBusy,
} from "./helper-thread.js";
export { type Koffi, loadKoffi } from "./koffi.js";
export { leasedProcessors, leaseProcessor, type ProcessorLease } from "./processor-lease.js";
export {
  affinityProblem,
  avoidProcessors,
  processProcessors,
  runOn,
  setProcessors,
  threadProcessors,
} from "./processors.js";
export { createRandom, type Random } from "./random.js";
export { type ResidentMemory, residentMemory } from "./resident-memory.js";
export { hasRealTime, setRealTime } from "./thread-priority.js";
