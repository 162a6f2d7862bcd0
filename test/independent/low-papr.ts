import type { Complex } from "./complex.js";
import { unit } from "./complex.js";
import { goldSequence } from "./gold.js";

/** A letter stands for φ: a is −3, b is −1, c is 1, d is 3. */
const phaseOfLetter: Readonly<Record<string, number>> = { a: -3, b: -1, c: 1, d: 3 };

/** TS 38.211 Tables 5.2.2.2-1 to -4: φ(0) … φ(M_ZC − 1), a word a group u. */
const words: Readonly<Record<number, string>> = {
  6:
    "abddba adbbda aaadca cccdba cccabd acbaaa acdaaa abcacb abacaa aacada acdcaa abacca ccdbad ccddbd " +
    "cccadb cccbda abbbdb aabcba aaacab accaba adacca acaaab ccadcd ccaaca ccdbdd ccacdd ccbbdb ccbdbb " +
    "ccbdab ccacbb",
  12:
    "acaaadabccca adcacdbbcddd addcadbcdada aabdddadacba abbcdccbcbac aadcaaabdbcd cbdbbbabccca " +
    "badbaaabcbca abdcabadcddc abbaabadcdba adaddabbddca ababbaddbbca abdaabacbadd acbbddabbaba " +
    "cdacdddcbcbd acdbbaabbdca bbbbcabddbac bccbcddbbaca acddbbaddada aadabdddbaca dcdcdabcdcba " +
    "adcdaccccdad adddbaabacda dbadabdddaba abcacdddbadd adcbddacbcbc bcdacbcbbacb aadddabcadca " +
    "cbdccbbbcdac adadaadbbcda",
  18:
    "bdbadcabdabbcccbbb dadbcdabaabadcbdad adcbbdabcccccbdbab aadddcacddcaadbabc ccbbabcaaacabbcbdc " +
    "daccdbcbbaccbddadb adbcdcabccacddbaaa ccaddcdadbccbcaabd acaacaadcabaaabccd dbdcaabcaadddcdada " +
    "aaacadccdaacdbdaad aadddbbabbbdcaabdb abaaccbababbddbdcd ccaaaacdaddcabdbac adbabaccaabbdacdcc " +
    "dcacaddbaabaadabcd ababacdabdddcbadba abddbdbabcbabbbddc acabbdcaaabaacccbb dddababdbcbacaabdd " +
    "accaccdababdadbbba cabaddbacaababcddd aacbbccabddddbdcdc dbacaaaddbcabdccdd dbbcababaabacccaad " +
    "aacadddbdccaaadabb abbacadbbaddabdbbb aaddacdbacbadabbbd bacaaaccddaddabdac adcbbbbcbddabcdbdb",
  24:
    "badbdcdbcababcdabadddaaa badccacaacabbdadddacddaa baacbbacdbabbaccdcabbdaa cadbabddcbccdabaaabdabaa " +
    "bdaabdbbcdcdbbacdcbacbaa abcaaccadbbacdcbabacaaaa adcdbcacacbabaaaabbbccaa acdbcbdadbabadbbbabbadda " +
    "acadbbbadcbabcdbcbcaaaaa ccbabccacbcadaadbacdacaa aaabdadcdcabbaccdcbadcda adbdcbbbddcccddcaabcacda " +
    "dadbacdcbbabdadbbddaadaa adbdbddccacdadaabcdabbaa acabbdcdacbddbadabbaaada abbacaabbdbcbdcabdccbbaa " +
    "aacbddabcbbccbbdacacbbba dbdbcaccaadabbbbbaabccaa acacaacacaaaaacaaccaccaa aaddcbbbcabcbdababbcadba " +
    "aabbbacbabdacadaddcbbcaa dbcbdaccdbadcadbbbbcaaaa acadacadcbabaaaacdbcddda abcabbcccddbcbcbbaaadcba " +
    "adbabbbdbbdabdadabdccbaa acbaabcabaccbccdddbcbcba bdbbddbbbdbacdccaaababaa daabddabdcccdbdabdbdcbaa " +
    "acacaccdcaabcdbadcbaaaaa dabcdbbabdbabadbdccadaaa",
};

function unitOf(turnsTimesPi: number): Complex {
  return unit(Math.PI * turnsTimesPi);
}

function isPrime(value: number): boolean {
  return Array.from({ length: value - 2 }, (_, k) => k + 2).every((divisor) => value % divisor !== 0);
}

/** TS 38.211 5.2.2.1: base sequences of length 36 or larger. */
function longSequence(group: number, number: number, length: number): Complex[] {
  let prime = length - 1;
  while (!isPrime(prime)) prime--;
  const qBar = (prime * (group + 1)) / 31;
  const q = Math.floor(qBar + 1 / 2) + number * (-1) ** Math.floor(2 * qBar);
  return Array.from({ length }, (_, n) => {
    const m = n % prime;
    return unitOf((-q * m * (m + 1)) / prime);
  });
}

/** TS 38.211 5.2.2.2: base sequences of length less than 36. */
function shortSequence(group: number, length: number): Complex[] {
  if (length === 30) return Array.from({ length }, (_, n) => unitOf((-(group + 1) * (n + 1) * (n + 2)) / 31));
  return [...words[length]!.split(" ")[group]!].map((letter) => unitOf(phaseOfLetter[letter]! / 4));
}

/** TS 38.211 5.2.2: the low-PAPR sequence of type 1 of group u and number v, without cyclic shift. */
export function lowPaprSequence(group: number, number: number, length: number): Complex[] {
  return length >= 36 ? longSequence(group, number, length) : shortSequence(group, length);
}

/** What TS 38.211 6.4.1.1.1.2 makes the group and number from. */
export interface LowPaprConfiguration {
  /** n_ID^RS. */
  readonly identity: number;
  readonly hopping: "neither" | "group" | "sequence";
  /** N_symb^slot. */
  readonly symbolsPerSlot: number;
  /** n_s,f. */
  readonly slot: number;
  /** l; of a double symbol the first. */
  readonly symbol: number;
  /** M_ZC. */
  readonly length: number;
}

/** TS 38.211 6.4.1.1.1.2: sequence group u and sequence number v. */
export function groupAndNumber(configuration: LowPaprConfiguration): { group: number; number: number } {
  const { identity, hopping, symbolsPerSlot, slot, symbol, length } = configuration;
  const index = symbolsPerSlot * slot + symbol;
  let [fgh, number] = [0, 0];
  if (hopping === "group") {
    const c = goldSequence(Math.floor(identity / 30), 8 * index + 8);
    for (let m = 0; m < 8; m++) fgh += 2 ** m * c[8 * index + m]!;
    fgh %= 30;
  }
  if (hopping === "sequence" && length >= 6 * 12) number = goldSequence(identity, index + 1)[index]!;
  return { group: (fgh + identity) % 30, number };
}
