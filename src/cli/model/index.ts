import type { Command } from "commander";
import { addAlias } from "./alias.js";
import { addCreate } from "./create.js";
import { addDeployModel } from "./deploy.js";
import { addEvaluate } from "./evaluate.js";
import { addExport } from "./export.js";
import { addImport } from "./import.js";
import { addInfer } from "./infer.js";
import { addList } from "./list.js";
import { addRm } from "./rm.js";
import { addShow } from "./show.js";
import { addTrain } from "./train.js";

/** The command `model` with its verbs. */
export function addModel(program: Command): void {
  program.commandsGroup("Neural networks:");
  const model = program
    .command("model")
    .summary("make, train, measure and keep neural networks")
    .description(
      "Neural networks as ONNX graphs with a manifest, in a registry of immutable versions. The registry has a store of its own in the data directory, so that a node may be up over it.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran model list\n  $ neuroran model train llrnet-16qam --curve loss.svg\n  $ neuroran model import receiver.onnx",
    );
  addCreate(model);
  addList(model);
  addShow(model);
  addTrain(model);
  addInfer(model);
  addEvaluate(model);
  addDeployModel(model);
  addExport(model);
  addImport(model);
  addAlias(model);
  addRm(model);
}
