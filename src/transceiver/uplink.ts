import { complex64, dataflow, feedback, float32, type Handle, int32 } from "../functions/index.js";
import { deciphering } from "./ciphering/function.js";
import { decoding } from "./coding/function.js";
import { analogToDigital } from "./conversion/function.js";
import { crcCheck } from "./crc/function.js";
import { detection } from "./detection/function.js";
import { extraction } from "./extraction/function.js";
import { deinterleaving } from "./interleaving/function.js";
import { synchronization } from "./synchronization/function.js";

/**
 * PUSCH receive, from the converter's samples to what the bearer carried: one slot and its guards in, with the grant
 * message under which it is processed. What is tracked from slot to slot, timing and frequency, goes over a feedback
 * edge.
 */
export const uplink = dataflow(
  "uplink",
  { inputs: { samples: complex64("antenna", "converterSample"), grant: int32("grantField") } },
  ({ samples, grant }) => {
    const tracking = feedback("tracking", float32("offsetField"));
    const received = receiver(samples, grant, tracking);
    tracking.from(received.tracking);
    return received;
  },
);

/**
 * PUSCH receive like `uplink`, but what is tracked is handed in and out: for slots of several users, or of several
 * simulated conditions, by one instance.
 */
export const uplinkWithTracking = dataflow(
  "uplinkWithTracking",
  {
    inputs: {
      samples: complex64("antenna", "converterSample"),
      grant: int32("grantField"),
      tracking: float32("offsetField"),
    },
  },
  ({ samples, grant, tracking }) => receiver(samples, grant, tracking),
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
    const { llrs, tracking, quality } = detection({ grid, grant, applied });
    return { ...outerReceiver(llrs, grant), tracking, quality };
  },
);

/** What `uplink` and its like share; of no use outside a builder. */
export function receiver(samples: Handle<"complex64">, grant: Handle<"int32">, tracking: Handle<"float32">) {
  const { aligned, applied } = synchronization({ samples: analogToDigital({ analog: samples }), tracking });
  const { grid, pdu } = extraction({ samples: aligned, grant });
  const detected = detection({ grid, grant: pdu, applied });
  return { ...outerReceiver(detected.llrs, pdu), tracking: detected.tracking, quality: detected.quality };
}

/** What all flows share: from soft bits to the payload. */
function outerReceiver(llrs: Handle<"int8">, grant: Handle<"int32">) {
  const { blocks, iterations } = decoding({ codeword: deinterleaving({ llrs }), grant });
  const { payload: block, crc } = crcCheck({ blocks });
  const { payload, lengths, report } = deciphering(
    { block, crc },
    // The transport block is the CRC check's payload; what it carried is the bearer's.
    { dimensions: { blockByte: "payloadByte", payloadByte: "bearerByte" } },
  );
  return { block, crc, iterations, payload, lengths, report };
}
