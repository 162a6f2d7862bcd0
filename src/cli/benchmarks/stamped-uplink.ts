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
import { type Clock, openClock, openThreadClock } from "../../system/index.js";
import { receiver } from "../../transceiver/uplink.js";
import type { UplinkInstanceOptions } from "../../transceiver/uplink-instance.js";

/** Of the machine, and of the thread's own time on a processor; the first again where there is no such clock. */
function openClocks(): readonly [Clock, Clock] {
  const clock = openClock();
  return [clock, openThreadClock() ?? clock];
}

const begin = defineFunction({
  name: "begin",
  inputs: { grant: int32("grantField") },
  outputs: { started: int32("grantField"), begun: float64("stamp") },
});
begin.implement("clock", {
  kind: "model",
  prepare({ outputs, forward }) {
    forward("started", "grant");
    const [readClock, readOwn] = openClocks();
    return () => {
      readClock(outputs.begun.view, 0);
      readOwn(outputs.begun.view, 1);
    };
  },
});

const end = defineFunction({
  name: "end",
  inputs: { begun: float64("stamp"), crc: int32("crcField") },
  outputs: { times: float64("instant") },
});
end.implement("clock", {
  kind: "model",
  prepare({ inputs, outputs }) {
    const [readClock, readOwn] = openClocks();
    return () => {
      outputs.times.view.set(inputs.begun.view);
      readOwn(outputs.times.view, 3);
      readClock(outputs.times.view, 2);
    };
  },
});

/** Bytes of a session, and the names of its state. */
export const sessionBytes = 65536;
export const sessionKey = "session";

const ledger = defineFunction({
  name: "ledger",
  inputs: { grant: int32("grantField"), begun: float64("stamp") },
  outputs: { kept: float64("stamp") },
  state: { sessions: { dtype: "uint8", key: sessionKey, dimensions: [sessionBytes], version: 1 } },
});
ledger.implement("overwrite", {
  kind: "model",
  prepare({ forward, state, rows, table }) {
    forward("kept", "begun");
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

/**
 * The receiver with instants of each slot in `times`: by the clock that all threads of a machine share and the thread's own,
 * when it began, then when it ended.
 */
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
