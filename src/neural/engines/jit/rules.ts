import type { OnnxModel } from "../../graph/graph.js";
import { elementwiseRules } from "./elementwise-rules.js";
import { layoutRules } from "./layout-rules.js";
import { type PlannedNetwork, type PlanOptions, type PlanRule, planWith } from "./planner.js";
import { productRules } from "./product-rules.js";
import { reductionRules } from "./reduction-rules.js";

const rules: ReadonlyMap<string, PlanRule> = new Map([
  ...elementwiseRules,
  ...layoutRules,
  ...productRules,
  ...reductionRules,
]);

/** The operators that the engine jit has; of what does not depend on the inputs, all that the interpreter has. */
export const plannedOperators: readonly string[] = [...rules.keys()].sort();

/**
 * Plans a network whose inputs all begin with the same dimension, the batch, and which treats its samples alike. What does
 * not depend on the inputs is computed here; float16 weights are taken as float32.
 * @throws InputError for a dimension that is not given, for an operator that the engine lacks, by its name, and for a
 * network that mixes samples.
 */
export function planNetwork(model: OnnxModel, options: PlanOptions = {}): PlannedNetwork {
  return planWith(rules, model, options);
}
