import { openTarget } from "../../compiler/index.js";
import {
  complex64,
  createFlowInstance,
  dataflow,
  defineFunction,
  type FlowFactory,
  feedback,
  float32,
  float64,
  int32,
} from "../../functions/index.js";
import { openClock } from "../../system/index.js";
import { receiver } from "../../transceiver/uplink.js";
import type { UplinkInstanceOptions } from "../../transceiver/uplink-instance.js";

const begin = defineFunction({
  name: "begin",
  inputs: { grant: int32("grantField") },
  outputs: { started: int32("grantField"), begun: float64() },
});
begin.implement("clock", {
  kind: "model",
  prepare({ outputs, forward }) {
    forward("started", "grant");
    const readClock = openClock();
    return () => readClock(outputs.begun.view, 0);
  },
});

const end = defineFunction({
  name: "end",
  inputs: { begun: float64(), crc: int32("crcField") },
  outputs: { times: float64("instant") },
});
end.implement("clock", {
  kind: "model",
  prepare({ inputs, outputs }) {
    const readClock = openClock();
    return () => {
      outputs.times.view[0] = inputs.begun.view[0]!;
      readClock(outputs.times.view, 1);
    };
  },
});

/** The receiver with the instants at which each slot began and ended, by the clock that all threads of a machine share. */
export const stampedUplink = dataflow(
  "stampedUplink",
  { inputs: { samples: complex64("antenna", "converterSample"), grant: int32("grantField") } },
  ({ samples, grant }) => {
    const { started, begun } = begin({ grant });
    const tracking = feedback("tracking", float32("offsetField"));
    const received = receiver(samples, started, tracking);
    tracking.from(received.tracking);
    const times = end({ begun, crc: received.crc });
    return { ...received, times };
  },
);

/** Creates it on a slot thread. */
export const createStampedUplink: FlowFactory = ({ arena, options, implementations: chosen }) => {
  const { target, implementations, stateDimensions } = options as UplinkInstanceOptions;
  return createFlowInstance(stampedUplink, {
    arena,
    target: openTarget(target),
    implementations: { ...implementations, ...chosen },
    stateDimensions,
  });
};
