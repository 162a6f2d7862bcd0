import {
  type Carrier,
  type HarqState,
  type PuschConfiguration,
  parseGrant,
  puschConfiguration,
} from "./pusch/index.js";

/** HARQ processes of a user (TS 38.214 6.1). */
const PROCESSES = 16;

/** What the HARQ processes of all users of a carrier remember of their transport blocks. */
export interface HarqStates {
  /**
   * The configuration of a grant, which is taken as granted from then on. Where its MCS index is reserved and it does
   * not say itself, transport block size and code rate are those that the latest grant of the same user and HARQ
   * process determined (TS 38.214 5.1.3.2); whether its block was received does not matter.
   * @throws InputError for a refused grant, which changes nothing: so also for a reserved index where nothing is known.
   */
  resolve(given: unknown): PuschConfiguration;
  /** What is remembered of a process, if anything. */
  of(rnti: number, harqProcessId: number): HarqState | undefined;
}

/** No process remembers anything yet. */
export function createHarqStates(carrier: Carrier): HarqStates {
  const states = new Map<number, HarqState>();
  const key = (rnti: number, harqProcessId: number) => PROCESSES * rnti + harqProcessId;
  return {
    resolve(given) {
      const { rnti, harqProcessId } = processOf(given);
      const grant = parseGrant(given, carrier, states.get(key(rnti, harqProcessId)));
      const configuration = puschConfiguration(carrier, grant);
      const { transportBlockSize, targetCodeRate } = configuration;
      states.set(key(grant.rnti, grant.harqProcessId), { transportBlockSize, targetCodeRate });
      return configuration;
    },
    of: (rnti, harqProcessId) => states.get(key(rnti, harqProcessId)),
  };
}

/** The process that a grant names, before the grant is checked; of no user where it names none. */
function processOf(given: unknown): { rnti: number; harqProcessId: number } {
  const fields = typeof given === "object" && given !== null ? given : {};
  const rnti = "rnti" in fields && typeof fields.rnti === "number" ? fields.rnti : Number.NaN;
  const named = "harqProcessId" in fields && typeof fields.harqProcessId === "number";
  return { rnti, harqProcessId: named ? (fields.harqProcessId as number) : 0 };
}
