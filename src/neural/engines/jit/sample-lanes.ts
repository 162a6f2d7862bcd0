import { arith, type Buffer, scf, type Value, vector, vectorOf } from "../../../compiler/index.js";

/** Numbers of a sample up to which samples are brought into lanes by shuffles alone. */
const MOST_SHUFFLED = 16;

function isShuffled(features: number): boolean {
  return features <= MOST_SHUFFLED && Number.isInteger(Math.log2(features));
}

/** The vectors whose lanes take turns in this one. */
function turns(value: Value, count: number): Value[] {
  if (count === 1) return [value];
  const [even, odd] = vector.deinterleave(value);
  const [evens, odds] = [turns(even, count / 2), turns(odd, count / 2)];
  return evens.flatMap((one, k) => [one, odds[k]!]);
}

/** One vector in which the lanes of these take turns. */
function inTurns(values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!;
  const pick = (odd: number): Value => inTurns(values.filter((_, k) => k % 2 === odd));
  return vector.interleave(pick(0), pick(1));
}

/** Reads samples of `features` numbers each, as many as lanes: a vector for each number. Reads nothing else. */
export function loadSamples(from: Buffer, index: Value, features: number, lanes: number): Value[] {
  if (isShuffled(features)) return turns(vector.load(from, index, features * lanes), features);
  const places = strided(lanes, features);
  return Array.from({ length: features }, (_, feature) =>
    vector.gather(from, arith.addi(index, feature), places),
  );
}

/**
 * Writes samples, a vector for each of their numbers, one sample after the other. Writes nothing else.
 * @param workspace f32 numbers from `at` on, as many as are written
 */
export function storeSamples(
  values: readonly Value[],
  to: Buffer,
  index: Value,
  workspace: Buffer,
  at: number,
): void {
  const features = values.length;
  if (isShuffled(features)) {
    vector.store(inTurns(values), to, index);
    return;
  }
  const { lanes } = values[0]!.type;
  values.forEach((value, feature) => {
    vector.store(value, workspace, at + feature * lanes);
  });
  for (let first = 0; first < features * lanes; first += lanes) {
    const places = Array.from({ length: lanes }, (_, k) => {
      const element = first + k;
      return at + (element % features) * lanes + Math.floor(element / features);
    });
    const gathered = vector.gather(
      workspace,
      arith.constant({ element: "index", lanes: 0 }, 0),
      arith.constant(vectorOf("i32", lanes), places),
    );
    vector.store(gathered, to, arith.addi(index, first));
  }
}

/** Reads samples into memory, `[number][lane]`, in a loop. Reads nothing else. */
export function stageSamples(
  from: Buffer,
  index: Value,
  features: number,
  lanes: number,
  workspace: Buffer,
  at: number,
): void {
  const places = strided(lanes, features);
  scf.for(0, features, 1, (feature) => {
    const value = vector.gather(from, arith.addi(index, feature), places);
    vector.store(value, workspace, arith.addi(arith.muli(feature, lanes), at));
  });
}

/** Writes samples that stand in memory, `[number][lane]`, at least as many numbers as lanes. Writes nothing else. */
export function storeStagedSamples(
  workspace: Buffer,
  at: number,
  features: number,
  lanes: number,
  to: Buffer,
  index: Value,
): void {
  const places = strided(lanes, lanes);
  scf.for(0, lanes, 1, (sample) => {
    const row = arith.addi(index, arith.muli(sample, features));
    scf.for(0, features, lanes, (feature) => {
      // The last vector takes numbers of the one before again where they do not fill it.
      const first = arith.minsi(feature, features - lanes);
      const place = arith.addi(arith.addi(arith.muli(first, lanes), sample), at);
      vector.store(vector.gather(workspace, place, places), to, arith.addi(row, first));
    });
  });
}

function strided(lanes: number, step: number): Value {
  return arith.constant(
    vectorOf("i32", lanes),
    Array.from({ length: lanes }, (_, k) => k * step),
  );
}
