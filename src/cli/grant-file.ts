import { InputError } from "../errors.js";
import { openFile } from "../radio/byte-source.js";
import { createHarqStates } from "../transceiver/harq-state.js";
import type { Carrier, PuschGrant } from "../transceiver/pusch/index.js";

/** A grant file is small; whatever is larger was given by mistake. */
const greatestFile = 2 ** 24;

/**
 * The grants of a JSON file: one object or a list of them, each not yet looked into.
 * @throws InputError when the file cannot be read, is no JSON, or holds no object.
 */
export function readGrants(path: string): Record<string, unknown>[] {
  const source = openFile(path, "--grant");
  let text: string;
  try {
    if (source.length > greatestFile) {
      throw new InputError("--grant", path, `a grant file has at most ${greatestFile} bytes`);
    }
    text = Buffer.from(source.read(0, source.length)).toString("utf8");
  } finally {
    source.close();
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("--grant", path, `the file must be JSON (${reason})`, { cause });
  }
  const grants: unknown[] = Array.isArray(json) ? json : [json];
  if (grants.length === 0) throw new InputError("--grant", path, "the list of grants is empty");
  for (const grant of grants) {
    if (typeof grant !== "object" || grant === null || Array.isArray(grant)) {
      throw new InputError("--grant", grant, "give a grant, an object, or a list of grants");
    }
  }
  return grants as Record<string, unknown>[];
}

/**
 * Checks grants in order; a reserved MCS index is resolved from the grant before it of the same user and HARQ process.
 * @throws InputError naming the field, and which grant of several.
 */
export function parseGrants(given: readonly Record<string, unknown>[], carrier: Carrier): PuschGrant[] {
  const harq = createHarqStates(carrier);
  return given.map((one, index) => {
    try {
      return harq.resolve(one).grant;
    } catch (error) {
      if (!(error instanceof InputError) || given.length === 1) throw error;
      throw new InputError(`[${index}].${error.field}`, error.value, error.remedy, { cause: error });
    }
  });
}
