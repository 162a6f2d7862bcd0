import type { LearnedSystem } from "../neural/learned-system.js";

/** The systems that can be trained and judged here. */
export const learnedSystems: readonly LearnedSystem[] = [];
