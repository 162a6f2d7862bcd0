/** The thread that a source of slots is read on. */
import { parentPort, workerData } from "node:worker_threads";
import { describeError } from "../../errors.js";
import type { LiveSlots, SlotInput, SlotReader } from "./declaration.js";
import { loadSlotFlow } from "./load-slot-flow.js";
import type { FedSlot, FeedStart } from "./slot-feed.js";

const { module, name, wanted } = workerData as FeedStart;
const port = parentPort!;
const say = (fed: FedSlot): void => port.postMessage(fed);
/** Configurations that were told of already. */
const told = new Set<string>();

const tell = (number: number, input: SlotInput | undefined): void => {
  if (input === undefined) {
    say({ number, input: undefined });
    return;
  }
  const { configuration, ...rest } = input;
  const { key } = configuration;
  say({ number, input: { ...rest, key, configuration: told.has(key) ? undefined : configuration } });
  told.add(key);
};

try {
  const { source } = await loadSlotFlow(module, name);
  const opened: SlotReader | LiveSlots = source.open();
  let last: Promise<void> = Promise.resolve();
  const answer = async (number: number): Promise<void> => {
    // Nobody asks for what is late.
    if (BigInt(number) < Atomics.load(wanted, 0)) return;
    try {
      tell(number, "slot" in opened ? opened.slot(number) : await opened.next());
    } catch (error) {
      say({ number, failure: describeError(error) });
    }
  };
  port.on("message", (number: number | "close") => {
    if (number === "close") {
      opened.close?.();
      port.close();
    } else last = last.then(() => answer(number));
  });
} catch (error) {
  say({ number: -1, failure: describeError(error) });
}
