import type { Context, State, Tensor } from "../../functions/index.js";
import { combinationKernel, placementKernel } from "../interleaving/deinterleaving-kernel.js";
import { codeBlocks } from "../pusch/code-blocks.js";
import { grantFieldIndex } from "../pusch/grant-message.js";
import { type McsTable, mcs } from "../pusch/mcs.js";
import { transportBlockSize } from "../pusch/transport-block-size.js";

/** HARQ processes of a user (TS 38.214 6.1). */
export const HARQ_PROCESSES = 16;

/** What the state that decoding keeps of transport blocks is keyed by: HARQ processes, of each user their own. */
export const harqProcessKey = "harqProcess";

/** The key of a user's HARQ process. */
export function harqKey(rnti: number, harqProcessId: number): number {
  return HARQ_PROCESSES * rnti + harqProcessId;
}

/** Where each field of a HARQ process stands; zeros before its first grant. */
export const harqProcessIndex = Object.freeze({
  /** 1: the process keeps soft bits, of the transport block that the other fields name. 0: it is empty. */
  kept: 0,
  rnti: 1,
  /** Bits. */
  transportBlockSize: 2,
  baseGraph: 3,
  /** Z_c. */
  liftingSize: 4,
  codeBlockCount: 5,
  /** Highest position of the circular buffer that was received, over all code blocks and transmissions. */
  lastPosition: 6,
});

const FIELDS = Object.keys(harqProcessIndex).length;

/**
 * What decoding keeps of transport blocks that it could not decode: the soft bits d of all code blocks, the code
 * blocks one behind the other. A process keeps one transport block.
 */
export const softBits = {
  dtype: "int8",
  key: harqProcessKey,
  dimensions: ["softBit"],
  version: 2,
} as const satisfies State;

/** Which transport block the soft bits of each process belong to. */
export const harqProcesses = {
  dtype: "int32",
  key: harqProcessKey,
  dimensions: [FIELDS],
  version: 2,
} as const satisfies State;

/**
 * The size of state dimension `softBit` that holds every transport block: the most encoded bits that a grant of all
 * of the carrier can have, whatever its MCS, rounded up to a multiple of 64.
 */
export function softBitCapacity(prbs: number, layers: number): number {
  let most = 0;
  for (const table of [1, 2, 3] satisfies McsTable[]) {
    for (let index = 0; index < 32; index++) {
      const { modulationOrder, targetCodeRate } = mcs(table, index);
      if (targetCodeRate === undefined) continue;
      const size = transportBlockSize({
        prbs,
        symbols: 14,
        dmrsPerPrb: 12,
        overheadPerPrb: 0,
        modulationOrder,
        targetCodeRate,
        layers,
        scaling: 1,
      });
      const { count, encodedBits } = codeBlocks(size, targetCodeRate);
      most = Math.max(most, count * encodedBits);
    }
  }
  return 64 * Math.ceil(most / 64);
}

/** The soft buffers as decoding uses them under one grant after the other. Nothing is allocated. */
export interface SoftBuffers {
  /**
   * Begins a grant. Where it retransmits what its process keeps, the received soft bits are added to those kept.
   * @returns highest position of the circular buffer that was received so far
   */
  begin(): number;
  /** Byte offset of the soft bits to decode: those received, or the sum. */
  source(): number;
  /**
   * Ends the grant: the process keeps the soft bits for a retransmission, or is empty from then on.
   * @param keep whether the transport block is not decoded for certain
   */
  end(keep: boolean): void;
}

/**
 * Soft combining (TS 38.321 5.4.2.2, TS 38.212 5.4.2). A grant with the new-data indicator 0 whose user, transport
 * block size and code are those that its process keeps adds its soft bits, limited to ±127; every other grant starts
 * afresh: one of new data, of another user, of another block, or on an empty process, so also the retransmission of a
 * block of which nothing is kept. A transport block of more soft bits than a process has room for is not kept, nor is one
 * of a slot for which no process was chosen.
 *
 * The sum is made in place; soft bits of a first transmission are copied only where they are to be kept.
 *
 * @param received byte offset and number of the soft bits of a transmission
 * @param lastPosition highest position of the circular buffer that it reaches
 */
export function prepareSoftBuffers(
  context: Pick<Context, "compile" | "target" | "rows">,
  state: { readonly softBits: Tensor<"int8">; readonly harqProcesses: Tensor<"int32"> },
  message: Int32Array,
  received: { readonly offset: number; readonly count: number },
  lastPosition: number,
): SoftBuffers {
  const { offset, count } = received;
  const lanes = context.target.vectorBytes;
  const copy = context.compile(placementKernel(lanes));
  const add = context.compile(combinationKernel(lanes));
  const capacity = state.softBits.shape[1]!;
  const buffers = state.softBits.offset;
  const fields = state.harqProcesses.view;
  const rows = context.rows[harqProcessKey]!.view;
  // The row of the grant that began; -1 where its soft bits cannot be kept.
  let process = -1;
  let combined = false;
  let reached = lastPosition;

  const continues = (): boolean => {
    const first = process * FIELDS;
    return (
      message[grantFieldIndex.newDataIndicator] === 0 &&
      fields[first + harqProcessIndex.kept] === 1 &&
      fields[first + harqProcessIndex.rnti] === message[grantFieldIndex.rnti] &&
      fields[first + harqProcessIndex.transportBlockSize] === message[grantFieldIndex.transportBlockSize] &&
      fields[first + harqProcessIndex.baseGraph] === message[grantFieldIndex.baseGraph] &&
      fields[first + harqProcessIndex.liftingSize] === message[grantFieldIndex.liftingSize] &&
      fields[first + harqProcessIndex.codeBlockCount] === message[grantFieldIndex.codeBlockCount]
    );
  };

  return {
    begin() {
      process = message[grantFieldIndex.valid] === 1 ? rows[0]! : -1;
      const known = process >= 0;
      combined = known && continues();
      reached = lastPosition;
      if (combined) {
        add(offset, buffers + process * capacity, count);
        reached = Math.max(reached, fields[process * FIELDS + harqProcessIndex.lastPosition]!);
      }
      return reached;
    },
    source: () => (combined ? buffers + process * capacity : offset),
    end(keep) {
      if (process < 0) return;
      const first = process * FIELDS;
      if (!keep || count > capacity) {
        fields[first + harqProcessIndex.kept] = 0;
        return;
      }
      if (!combined) copy(offset, buffers + process * capacity, count);
      fields[first + harqProcessIndex.kept] = 1;
      fields[first + harqProcessIndex.rnti] = message[grantFieldIndex.rnti]!;
      fields[first + harqProcessIndex.transportBlockSize] = message[grantFieldIndex.transportBlockSize]!;
      fields[first + harqProcessIndex.baseGraph] = message[grantFieldIndex.baseGraph]!;
      fields[first + harqProcessIndex.liftingSize] = message[grantFieldIndex.liftingSize]!;
      fields[first + harqProcessIndex.codeBlockCount] = message[grantFieldIndex.codeBlockCount]!;
      fields[first + harqProcessIndex.lastPosition] = reached;
    },
  };
}
