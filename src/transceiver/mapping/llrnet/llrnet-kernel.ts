import { createHash } from "node:crypto";
import { arith, type Kernel, kernelBuilder, math, type Value } from "../../../compiler/index.js";
import { type BodyShape, buildNetwork, scratchLength } from "../../../neural/engines/jit/body.js";
import type { NetworkPlan } from "../../../neural/engines/jit/plan.js";
import { lesser, type SquareOrder } from "../axis-llr.js";
import { axisDemapping } from "../demapping-kernel.js";
import { LLR_SCALE } from "../llr-scale.js";
import { AMPLITUDE_LIMIT, LARGEST_UNIT } from "./network.js";

/** What demapping by an LLRnet is specialized on: its weights are not part of it. */
export interface LlrnetKernelShape {
  /** Of `axisNetwork`. */
  readonly plan: NetworkPlan;
  readonly body: BodyShape;
  readonly modulationOrder: SquareOrder;
  readonly layers: number;
  /** f32 lanes of the target's vectors. */
  readonly lanes: number;
}

/** f32 numbers of the scratch memory that {@link llrnetKernel} takes. */
export function llrnetScratchLength({ plan, body }: Pick<LlrnetKernelShape, "plan" | "body">): number {
  return Math.max(1, scratchLength(plan, body));
}

/**
 * Demapping by an LLRnet, with quantization and descrambling, as one kernel. The arguments of `demappingKernel`, then the
 * network's table and scratch memory.
 */
export const llrnetKernel = kernelBuilder(
  import.meta.url,
  "llrnetKernel",
  (shape: LlrnetKernelShape): Kernel => {
    const { plan, body, modulationOrder, layers, lanes } = shape;
    const structure = createHash("sha256")
      .update(JSON.stringify([plan, body]))
      .digest("hex")
      .slice(0, 16);
    return axisDemapping(
      `llrnet_${structure}_qm${modulationOrder}_l${layers}_v${lanes}`,
      { modulationOrder, layers, lanes, wideLanes: body.lanes },
      { table: plan.tableLength, scratch: llrnetScratchLength(shape) },
      (memory) => (t, unit, order) => {
        const limited = lesser(unit, LARGEST_UNIT * LLR_SCALE);
        const magnitude = lesser(math.absf(t), AMPLITUDE_LIMIT * 2 ** (order / 2));
        const [first, ...others] = buildNetwork(
          plan,
          body,
          [arith.mulf(magnitude, limited), limited],
          memory,
        );
        const sign = arith.andi(arith.bitcast(t, "i32"), -0x80000000);
        const signed = arith.bitcast(arith.xori(arith.bitcast(first!, "i32"), sign), "f32");
        // Nothing is known of an axis on which nothing usable was received, nor of the sign of 0.
        const known = arith.cmpf("ogt", unit, 0);
        return [
          where(arith.andi(known, arith.cmpf("one", t, 0)), signed),
          ...others.map((llr) => where(known, llr)),
        ];
      },
    );
  },
);

/** The numbers where the mask is set, 0 elsewhere. */
function where(mask: Value, value: Value): Value {
  return arith.bitcast(arith.andi(arith.bitcast(value, "i32"), arith.extsi(mask, "i32")), "f32");
}
