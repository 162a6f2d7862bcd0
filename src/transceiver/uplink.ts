import { complex64, dataflow, feedback, float32, int32 } from "../functions/index.js";
import { deciphering } from "./ciphering/function.js";
import { decoding } from "./coding/function.js";
import { crcCheck } from "./crc/function.js";
import { equalization } from "./equalization/function.js";
import { estimation } from "./estimation/function.js";
import { extraction } from "./extraction/function.js";
import { deinterleaving } from "./interleaving/function.js";
import { demapping } from "./mapping/function.js";
import { synchronization } from "./synchronization/function.js";

/**
 * PUSCH receive, from samples to what the bearer carried: one slot and its guards in, with the grant message under
 * which it is processed. What is tracked from slot to slot, timing and frequency, goes over a feedback edge.
 */
export const uplink = dataflow(
  "uplink",
  { inputs: { samples: complex64("antenna", "sample"), grant: int32("grantField") } },
  ({ samples, grant }) => {
    const tracking = feedback("tracking", float32("offsetField"));
    const { aligned, applied } = synchronization({ samples, tracking });
    const { grid, pdu } = extraction({ samples: aligned, grant });
    const estimate = estimation({ grid, grant: pdu, applied });
    tracking.from(estimate.tracking);
    return { ...fromChannel(grid, pdu, estimate), tracking: estimate.tracking, quality: estimate.quality };
  },
);

/** PUSCH receive from the granted resource elements, as a radio unit with the split 7.2x delivers them. */
export const uplinkFromGrid = dataflow(
  "uplinkFromGrid",
  {
    inputs: {
      grid: complex64("antenna", "symbol", "subcarrier"),
      grant: int32("grantField"),
      applied: float32("offsetField"),
    },
  },
  ({ grid, grant, applied }) => {
    const estimate = estimation({ grid, grant, applied });
    return { ...fromChannel(grid, grant, estimate), tracking: estimate.tracking, quality: estimate.quality };
  },
);

type Grid = Parameters<typeof equalization>[0]["grid"];
type Grant = Parameters<typeof demapping>[0]["grant"];
type Estimate = Pick<Parameters<typeof equalization>[0], "channel" | "noise">;

/** The blocks that both flows share: from the channel estimate to the payload. */
function fromChannel(grid: Grid, grant: Grant, { channel, noise }: Estimate) {
  const equalized = equalization({ grid, channel, noise });
  const llrs = demapping({ symbols: equalized.symbols, noise: equalized.noise, grant });
  const codeword = deinterleaving({ llrs });
  const { blocks, iterations } = decoding({ codeword, grant });
  const { payload: block, crc } = crcCheck({ blocks });
  const { payload, lengths, report } = deciphering(
    { block, crc },
    // The transport block is the CRC check's payload; what it carried is the bearer's.
    { dimensions: { blockByte: "payloadByte", payloadByte: "bearerByte" } },
  );
  return { block, crc, iterations, payload, lengths, report };
}
