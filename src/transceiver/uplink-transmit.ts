import { dataflow, float32, int32, uint8 } from "../functions/index.js";
import { ciphering } from "./ciphering/function.js";
import { encoding } from "./coding/function.js";
import { digitalToAnalog } from "./conversion/function.js";
import { crcAttachment } from "./crc/function.js";
import { referenceSignals } from "./estimation/function.js";
import { insertion } from "./extraction/function.js";
import { interleaving } from "./interleaving/function.js";
import { mapping } from "./mapping/function.js";
import { advance } from "./synchronization/function.js";

/**
 * PUSCH transmit, from what the bearer carries to samples: the blocks of `uplink` in the other direction. `lengths`
 * are the bytes of each service data unit in `payload`; without protection the payload is the transport block.
 */
export const uplinkTransmit = dataflow(
  "uplinkTransmit",
  {
    inputs: {
      payload: uint8("bearerByte"),
      lengths: int32("sdu"),
      grant: int32("grantField"),
      offsets: float32("offsetField"),
    },
  },
  ({ payload, lengths, grant, offsets }) => {
    const { block, report } = ciphering(
      { payload, lengths },
      { dimensions: { payloadByte: "bearerByte", blockByte: "payloadByte" } },
    );
    const blocks = crcAttachment({ payload: block });
    const bits = interleaving({ codeword: encoding({ blocks, grant }) });
    const { grid, samples } = insertion({
      symbols: mapping({ bits, grant }),
      pilots: referenceSignals({ grant }),
      grant,
    });
    const analog = digitalToAnalog(
      { samples: advance({ samples, offsets }) },
      { dimensions: { antenna: "port" } },
    );
    return { samples: analog, grid, block, report };
  },
);
