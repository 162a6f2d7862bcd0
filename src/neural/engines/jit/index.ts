export { type BodyShape, bodyShape, buildNetwork, type NetworkMemory, scratchLength } from "./body.js";
export { jit, jitEngine } from "./engine.js";
export { type NetworkKernelShape, networkKernel, workspaceLength } from "./network-kernel.js";
export { multiplications, type NetworkPlan, type SamplePort } from "./plan.js";
export type { PlannedNetwork, PlanOptions } from "./planner.js";
export { planNetwork, plannedOperators } from "./rules.js";
