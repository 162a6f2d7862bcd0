import { withRegistry } from "../../src/neural/models/open-registry.js";
import { scalingModel } from "./scaling-model.js";

// Puts versions into the registry of the data directory that is given, each under a lock of its own, until it is killed.
const [directory] = process.argv.slice(2) as [string];
for (let scale = 1; ; scale++) {
  await withRegistry(directory, (registry) => registry.put(scalingModel(scale, "forever")));
  process.send?.(scale);
}
