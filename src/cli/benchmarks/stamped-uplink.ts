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
  type Handle,
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

/** Bytes of a session, and the names of its state. */
export const sessionBytes = 65536;
export const sessionKey = "session";

const ledger = defineFunction({
  name: "ledger",
  inputs: { grant: int32("grantField"), begun: float64() },
  outputs: { kept: float64() },
  state: { sessions: { dtype: "uint8", key: sessionKey, dimensions: [sessionBytes], version: 1 } },
});
ledger.implement("overwrite", {
  kind: "model",
  prepare({ inputs, outputs, state, rows, table }) {
    const { view, shape } = state.sessions;
    const content = table("content", new Uint8Array(sessionBytes)).view;
    const touched = rows[sessionKey]!.view;
    const sessions = Array.from({ length: shape[0]! }, (_, row) =>
      view.subarray(row * sessionBytes, (row + 1) * sessionBytes),
    );
    return () => {
      if (touched[0]! >= 0) {
        content[0] = (content[0]! + 1) & 255;
        sessions[touched[0]!]!.set(content);
      }
      outputs.kept.view[0] = inputs.begun.view[0]!;
    };
  },
});

const inputs = { samples: complex64("antenna", "converterSample"), grant: int32("grantField") };

function stamped(
  samples: Handle<"complex64">,
  grant: Handle<"int32">,
  keep: (one: Begun) => Handle<"float64">,
) {
  const begun = begin({ grant });
  const tracking = feedback("tracking", float32("offsetField"));
  const received = receiver(samples, begun.started, tracking);
  tracking.from(received.tracking);
  return { ...received, times: end({ begun: keep(begun), crc: received.crc }) };
}

interface Begun {
  readonly started: Handle<"int32">;
  readonly begun: Handle<"float64">;
}

/** The receiver with the instants at which each slot began and ended, by the clock that all threads of a machine share. */
export const stampedUplink = dataflow("stampedUplink", { inputs }, ({ samples, grant }) =>
  stamped(samples, grant, ({ begun }) => begun),
);

/** The same, and of each slot one session is written. */
export const stampedLedger = dataflow("stampedLedger", { inputs }, ({ samples, grant }) =>
  stamped(samples, grant, ({ started, begun }) => ledger({ grant: started, begun })),
);

/** Creates it on a slot thread; with sessions where a number of them is given. */
export const createStampedUplink: FlowFactory = ({ arena, options, implementations: chosen }) => {
  const { target, implementations, stateDimensions } = options as UplinkInstanceOptions;
  return createFlowInstance(sessionKey in stateDimensions ? stampedLedger : stampedUplink, {
    arena,
    target: openTarget(target),
    implementations: { ...implementations, ...chosen },
    stateDimensions,
  });
};
