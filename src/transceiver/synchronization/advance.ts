import { floatLanes } from "../../compiler/index.js";
import type { Context, Process } from "../../functions/index.js";
import { SINC_HALF_LENGTH, windowedSinc } from "../conversion/windowed-sinc.js";
import { checkSize } from "../extraction/sizes.js";
import type { advance } from "./function.js";
import { guardSamples } from "./guard.js";
import { interpolationKernel } from "./interpolation-kernel.js";
import { OFFSET_FIELDS, offsetFieldIndex } from "./offsets.js";
import { prepareRotation } from "./rotation.js";

type AdvanceContext = Context<typeof advance.inputs, typeof advance.outputs, typeof advance.parameters>;

const TAPS = 2 * SINC_HALF_LENGTH;

/**
 * Prepares the timing advance by interpolation and the frequency pre-compensation by rotation.
 * @throws NeuroranError DIMENSION_MISMATCH where the samples are no slot and two guards.
 */
export function prepareAdvance(context: AdvanceContext): Process {
  const { dimensions, inputs, outputs, scratch, compile } = context;
  const { port: ports, sample, offsetField } = dimensions;
  const carrier = context.parameters.signalType;
  checkSize("offsetField", offsetField, OFFSET_FIELDS);
  const guard = guardSamples(carrier, sample);
  const interpolate = compile(interpolationKernel(TAPS, sample, floatLanes(context.target)));
  const rotation = prepareRotation(context, sample);
  const moved = scratch("moved", "float32", sample + TAPS, 2);
  const interpolated = scratch("interpolated", "float32", sample, 2);
  const factors = scratch("factors", "float32", TAPS);
  const { timing, frequency, valid } = offsetFieldIndex;
  const given = inputs.offsets.view;
  // Over all tensors, to copy from one to another without a view of each piece.
  const memory = new Float32Array(moved.view.buffer);
  return () => {
    const known = given[valid] === 1;
    const late = known ? given[timing]! * carrier.sampleRate : 0;
    const offset = known && Number.isFinite(given[frequency]!) ? given[frequency]! : 0;
    // A slot moved by its whole length is gone: more would be the same.
    const delay = Number.isFinite(late) ? Math.max(-sample, Math.min(sample, late)) : 0;
    const whole = Math.floor(delay);
    for (let tap = 0; tap < TAPS; tap++)
      factors.view[tap] = windowedSinc(tap - (SINC_HALF_LENGTH - 1) - (delay - whole));
    // Sample m of `moved` is sample m + first of the port.
    const first = whole - (SINC_HALF_LENGTH - 1);
    const begin = Math.max(0, -first);
    const end = Math.max(begin, Math.min(sample + TAPS, sample - first));
    rotation.turns[0] = -offset / carrier.sampleRate;
    for (let port = 0; port < ports; port++) {
      moved.view.fill(0, 0, 2 * begin);
      moved.view.fill(0, 2 * end);
      const from = inputs.samples.offset / 4 + 2 * (port * sample + first);
      memory.copyWithin(moved.offset / 4 + 2 * begin, from + 2 * begin, from + 2 * end);
      interpolate(moved.offset, factors.offset, interpolated.offset, sample);
      const to = outputs.samples.offset + 8 * port * sample;
      rotation.run(-guard, interpolated.offset, to, sample);
    }
  };
}
