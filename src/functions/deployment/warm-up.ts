import { rm } from "node:fs/promises";
import { createTransientDomain, reference } from "../turns/index.js";
import { installModule, modulePath } from "./installation.js";
import { importModule } from "./loaded-module.js";

/** A module like those that are deployed. */
const text = `import { field, handler, stateSchema, statefulFunction, z } from "neuroran";
const state = stateSchema({ turns: field.float64() });
const types = { request: z.object({ by: z.number() }), reply: z.number() };
export const nothing = statefulFunction("nothing", state, {
  turn: handler(types, ({ state }, { by }) => (state.turns += by)),
});
`;

/** Until the engine has compiled what a turn runs through. */
const turns = 50;

/**
 * Loads what deployed modules import, and runs a few turns that nobody sees, so that the first module that is asked for does
 * not wait for this: some 200 ms. A node does it when it listens.
 */
export async function warmUp(dataDirectory: string): Promise<void> {
  const hash = await installModule(dataDirectory, text);
  const domain = createTransientDomain((await importModule(dataDirectory, hash)).functions);
  for (let turn = 0; turn < turns; turn++) {
    await domain.invoke(reference("nothing", `${turn}`, "turn", { by: 1 }));
  }
  await domain.close();
  await rm(modulePath(dataDirectory, hash), { force: true });
}
