import { NeuroranError } from "../../errors.js";
import type { Flow } from "./declaration.js";

/** The flow that a module exports under a name. @throws NeuroranError FLOW_MISSING, or what the module throws. */
export async function loadFlow(module: string, name: string): Promise<Flow> {
  const exports: Record<string, unknown> = await import(module);
  const found = exports[name] as Flow | undefined;
  if (found?.kind === "flow") return found;
  const there = Object.keys(exports).join(", ") || "nothing";
  throw new NeuroranError("FLOW_MISSING", `${module} exports no flow ${name}, but ${there}: export one`);
}
