/** How a simulated user retransmits. */
export interface HarqOptions {
  /** Of a transport block, the first among them. */
  readonly maximumTransmissions: number;
  /** Of each transmission in turn, from the first again behind the last; 0, 2, 3, 1 unless given. */
  readonly redundancyVersions?: readonly (0 | 1 | 2 | 3)[] | undefined;
  /** HARQ processes, which take turns slot by slot: 1 to 16, 8 unless given. A retransmission comes so many slots later. */
  readonly processes?: number | undefined;
}

/** The order of redundancy versions in the tests of TS 38.104 8.2.1. */
export const REDUNDANCY_VERSIONS = [0, 2, 3, 1] as const;

/** The HARQ fields of the grant for one slot. */
export interface Transmission {
  readonly harqProcessId: number;
  readonly newDataIndicator: 0 | 1;
  readonly rvIndex: 0 | 1 | 2 | 3;
}

/** What a user sends in which slot: stop and wait in each of some processes (TS 38.321 5.4.2). */
export interface HarqSender {
  /** The next slot's transmission; undefined where its process has nothing to send. */
  next(): Transmission | undefined;
  /** Says whether the latest transmission of a process was received; until then it does not send again. */
  report(harqProcessId: number, received: boolean): void;
  /** From now on no new transport block begins. */
  finish(): void;
  /** Whether a transport block has begun that is neither received nor given up. */
  readonly pending: boolean;
  /** Transport blocks that began. */
  readonly transportBlocks: number;
}

/** All processes start with new data. */
export function createHarqSender(options: HarqOptions): HarqSender {
  const { maximumTransmissions, redundancyVersions = REDUNDANCY_VERSIONS, processes = 8 } = options;
  const sent = new Array<number>(processes).fill(0);
  const awaiting = new Array<boolean>(processes).fill(false);
  let turn = 0;
  let transportBlocks = 0;
  let finished = false;
  return {
    next() {
      const harqProcessId = turn;
      turn = (turn + 1) % processes;
      const before = sent[harqProcessId]!;
      if (awaiting[harqProcessId] || (before === 0 && finished)) return undefined;
      awaiting[harqProcessId] = true;
      if (before === 0) transportBlocks++;
      sent[harqProcessId] = before + 1;
      const rvIndex = redundancyVersions[before % redundancyVersions.length]!;
      return { harqProcessId, newDataIndicator: before === 0 ? 1 : 0, rvIndex };
    },
    report(harqProcessId, received) {
      awaiting[harqProcessId] = false;
      if (received || sent[harqProcessId]! >= maximumTransmissions) sent[harqProcessId] = 0;
    },
    finish() {
      finished = true;
    },
    get pending() {
      return sent.some((count) => count > 0);
    },
    get transportBlocks() {
      return transportBlocks;
    },
  };
}
