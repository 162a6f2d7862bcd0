/**
 * A function of its arguments alone that keeps its latest results, so that tables which many grants share are computed
 * once a process. A result belongs to all who asked for it: nobody may change it.
 * @param maximum results kept; the one that was asked for least recently goes.
 * @param keyOf equal where all that `compute` looks at is equal.
 */
export function memoized<A extends readonly unknown[], R extends object>(
  maximum: number,
  keyOf: (...given: A) => string | number,
  compute: (...given: A) => R,
): (...given: A) => R {
  // A map lists its keys in the order in which they were set: the first is the one not asked for the longest.
  const results = new Map<string | number, R>();
  return (...given) => {
    const key = keyOf(...given);
    let result = results.get(key);
    if (result !== undefined) results.delete(key);
    else {
      result = compute(...given);
      if (results.size >= maximum) results.delete(results.keys().next().value!);
    }
    results.set(key, result);
    return result;
  };
}
