import type { Command } from "commander";
import type { CreateOptions } from "../../neural/index.js";
import { choiceOption, numberOption } from "../options.js";

/** What the numbers of a demapper of others mean. */
export interface ConventionOptions {
  readonly positiveBit?: 0 | 1;
  readonly llrScale?: number;
  readonly symbolScale?: number;
}

/** Adds the options that {@link ConventionOptions} holds. */
export function addConventionOptions(command: Command): Command {
  const scale = (option: string) => numberOption(option, { minimum: 1e-6, maximum: 1e6 });
  return command
    .option(
      "--positive-bit <bit>",
      "bit that positive soft bits stand for: 0 (as TS 38.212's decoders take them) or 1",
      choiceOption("--positive-bit", [0, 1]),
    )
    .option("--llr-scale <factor>", "by which soft bits exceed natural logarithms", scale("--llr-scale"))
    .option(
      "--symbol-scale <factor>",
      "by which symbols exceed those of mean power 1; 1.5811 where neighbouring points of 16QAM are 1 apart",
      scale("--symbol-scale"),
    );
}

/** What `create` takes of them. */
export function conventionsOf({
  positiveBit,
  llrScale,
  symbolScale,
}: ConventionOptions): Pick<CreateOptions, "llr" | "symbol"> {
  return {
    ...((positiveBit !== undefined || llrScale !== undefined) && {
      llr: { positiveBit: positiveBit ?? 0, scale: llrScale ?? 1 },
    }),
    ...(symbolScale !== undefined && { symbol: { scale: symbolScale } }),
  };
}
