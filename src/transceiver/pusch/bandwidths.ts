import type { SubcarrierSpacing } from "./numerology.js";

/** TS 38.104 Table 5.3.2-1: transmission bandwidth N_RB by channel bandwidth in MHz, frequency range 1. */
export const TRANSMISSION_BANDWIDTHS: Readonly<Record<SubcarrierSpacing, Readonly<Record<number, number>>>> =
  {
    15: { 5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 35: 188, 40: 216, 45: 242, 50: 270 },
    30: {
      5: 11,
      10: 24,
      15: 38,
      20: 51,
      25: 65,
      30: 78,
      35: 92,
      40: 106,
      45: 119,
      50: 133,
      60: 162,
      70: 189,
      80: 217,
      90: 245,
      100: 273,
    },
    60: {
      10: 11,
      15: 18,
      20: 24,
      25: 31,
      30: 38,
      35: 44,
      40: 51,
      45: 58,
      50: 65,
      60: 79,
      70: 93,
      80: 107,
      90: 121,
      100: 135,
    },
  };
