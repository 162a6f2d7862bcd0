import { NeuroranError } from "../../../errors.js";
import type { Address } from "../../../functions/turns/address.js";
import { postRequest } from "../../load/http-connection.js";
import { addressText, type Count, greatestAddend } from "./program.js";
import type { Lane, ReachedNode } from "./session-client.js";

/** A key whose count is not that of the model. */
export interface Difference {
  readonly at: Address;
  readonly counted: Count;
  readonly wanted: Count;
  /** Nothing was counted that should not be: some of it may be still to come. */
  readonly short: boolean;
}

const nothing: Count = { sum: 0, times: new Array<number>(greatestAddend).fill(0) };

/**
 * Reads the counts of keys, on as many lanes as there are, and gives those that differ from the model's.
 * @param moved called after each.
 * @throws NeuroranError READ_REFUSED (rejection)
 */
export async function readDifferences(
  addresses: readonly Address[],
  wantedCounts: ReadonlyMap<string, Count>,
  node: ReachedNode,
  lanes: readonly Lane[],
  moved: () => void,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  let next = 0;
  const readOn = async (lane: Lane): Promise<void> => {
    while (next < addresses.length) {
      const at = addresses[next++]!;
      const counted = await readCount(at, node, lane);
      moved();
      const wanted = wantedCounts.get(addressText(at)) ?? nothing;
      if (same(counted, wanted)) continue;
      const short =
        counted.sum < wanted.sum && counted.times.every((times, index) => times <= wanted.times[index]!);
      differences.push({ at, counted, wanted, short });
    }
  };
  await Promise.all(lanes.map(readOn));
  return differences;
}

async function readCount(at: Address, { address, headers }: ReachedNode, lane: Lane): Promise<Count> {
  const path = `/functions/${at.function}/${at.key}/read`;
  const { status, body } = await lane.send(() => postRequest(address, path, headers, null));
  const text = body.toString();
  const count = status === 200 ? (JSON.parse(text) as Count) : undefined;
  if (typeof count?.sum !== "number" || !Array.isArray(count.times)) {
    throw new NeuroranError("READ_REFUSED", `${addressText(at)} gave no count, but ${status}: ${text}`);
  }
  return count;
}

function same(one: Count, other: Count): boolean {
  return one.sum === other.sum && one.times.every((times, index) => times === other.times[index]);
}
