import type { Command } from "commander";
import { addCalls } from "./call.js";
import { addDeploy } from "./deploy.js";
import { addKeys } from "./keys.js";
import { addLogs } from "./logs.js";
import { addPs } from "./ps.js";
import { addSnapshot } from "./snapshot.js";
import { addState } from "./state.js";
import { addSubscribe } from "./subscribe.js";
import { addSwap } from "./swap.js";
import { addUp } from "./up.js";

/** The commands that start a node and look after it. */
export function addNode(program: Command): void {
  program.commandsGroup("Stateful functions:");
  addUp(program);
  addDeploy(program);
  addPs(program);
  addCalls(program);
  addSubscribe(program);
  addSwap(program);
  addState(program);
  addLogs(program);
  addKeys(program);
  addSnapshot(program);
}
