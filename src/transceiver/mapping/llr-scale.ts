/**
 * Soft bits of int8 for a log-likelihood ratio of 1: 127 stands for a ratio of 15.9 and above. log-MAP is exact to
 * ratios of 83, so the scale must not be below 1.6.
 */
export const LLR_SCALE = 8;
