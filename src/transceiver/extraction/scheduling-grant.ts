import { GRANT_FIELDS, grantFieldIndex } from "../pusch/grant-message.js";

/** The state that extraction keeps: the grant message in force; `valid` is 0 until the first one came. */
export const schedulingGrant = {
  dtype: "int32",
  dimensions: [GRANT_FIELDS],
  version: 1,
} as const;

/**
 * Makes a message the grant in force, unless it is none: its valid flag is not 1 or its slot is not one of the frame.
 * Allocates nothing.
 * @returns the slot of the grant in force, 0 where there never was one.
 */
export function takeGrant(message: Int32Array, state: Int32Array, slotsOfFrame: number): number {
  const slot = message[grantFieldIndex.slot]!;
  if (message[grantFieldIndex.valid] === 1 && slot >= 0 && slot < slotsOfFrame)
    for (let field = 0; field < GRANT_FIELDS; field++) state[field] = message[field]!;
  return state[grantFieldIndex.slot]!;
}
