/**
 * Soft bits of int8 for a log-likelihood ratio of 1: 127 stands for a ratio of 31.75 and above. log-MAP is exact to
 * ratios of 83, so the scale must not be below 1.6. From 6 on, the decoder's posteriors saturate in columns of high
 * degree and blocks are lost far above the threshold; below 3, quantization costs a tenth of a decibel.
 */
export const LLR_SCALE = 4;
