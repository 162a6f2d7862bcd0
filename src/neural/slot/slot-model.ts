import { InputError } from "../../errors.js";
import { builtInModel, builtInNames } from "../models/built-in.js";
import type { Model } from "../models/model.js";
import { readModelDirectory } from "../models/model-directory.js";

/**
 * The model that an implementation names: one that comes with the package by its name, or the path of a model's directory,
 * which has a separator in it. Read at once, so that an implementation can be prepared with it.
 * @throws InputError for a name that no model has, or a directory that holds none.
 */
export function slotModel(named: unknown): Model {
  const isText = typeof named === "string" && named !== "";
  if (isText && /[/\\]/.test(named)) return readModelDirectory(named);
  const known = builtInNames();
  if (isText && known.includes(named)) return builtInModel(named);
  const names = known.length > 0 ? `${known.join(", ")}, or ` : "";
  throw new InputError("model", named, `give ${names}the path of a model's directory, as ./models/mine`);
}
