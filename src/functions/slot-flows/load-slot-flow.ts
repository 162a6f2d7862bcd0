import { NeuroranError } from "../../errors.js";
import type { SlotFlow } from "./declaration.js";

/** The slot flow that a module exports under a name. @throws NeuroranError FLOW_MISSING, or what the module throws. */
export async function loadSlotFlow(module: string, name: string): Promise<SlotFlow> {
  const exports: Record<string, unknown> = await import(module);
  const found = exports[name] as SlotFlow | undefined;
  if (found?.kind === "slot flow") return found;
  const there = Object.keys(exports).join(", ") || "nothing";
  throw new NeuroranError("FLOW_MISSING", `${module} exports no slot flow ${name}, but ${there}: export one`);
}
