import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A protocol broken on purpose: one text of one compiled file is another. */
export interface Mutant {
  readonly name: string;
  readonly scenario: string;
  /** Below `src/functions`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly text: string;
  readonly instead: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: "replies of sessions leave before their commit",
    scenario: "turns",
    file: "turns/sessions.js",
    text: "ledger.whenDurable(() => waiter.resolve(outcome), (error) => tellAgain(entry, waiter, error));",
    instead: "waiter.resolve(outcome);",
  },
  {
    name: "replies to clients leave before their commit",
    scenario: "turns",
    file: "turns/clients.js",
    text: "ledger.whenDurable(release, ignore);",
    instead: "release();",
  },
  {
    name: "messages leave before their commit",
    scenario: "turns",
    file: "turns/channels.js",
    text: "ledger.whenDurable(() => durable(channel, one), ignore);",
    instead: "durable(channel, one);",
  },
  {
    name: "messages are acknowledged before they are durable",
    scenario: "turns",
    file: "turns/channels.js",
    text: "ledger.whenDurable(acknowledge, () => { });",
    instead: "acknowledge();",
  },
  {
    name: "the number of the last message accepted is not stored",
    scenario: "turns",
    file: "turns/channels.js",
    text: "            received.set(entry, number);\n            ledger.put(entry, number);",
    instead: "            received.set(entry, number);",
  },
  {
    name: "messages are accepted out of order",
    scenario: "turns",
    file: "turns/channels.js",
    text: "if (number === last + 1) {",
    instead: "if (number > last) {",
  },
  {
    name: "messages are in no outbox",
    scenario: "turns",
    file: "turns/channels.js",
    text: "ledger.add(entry, one);",
    instead: "",
  },
  {
    name: "messages stay in the inbox after their turns",
    scenario: "turns",
    file: "turns/message-handler.js",
    text: "        ledger.remove(entry);\n        if (message.kind === ",
    instead: "        if (message.kind === ",
  },
  {
    name: "timers stay after they have fired",
    scenario: "turns",
    file: "turns/timers.js",
    text: "                due.push(ledger.read(entry));\n                ledger.remove(entry);",
    instead: "                due.push(ledger.read(entry));",
  },
  {
    name: "events are delivered before their commit",
    scenario: "turns",
    file: "turns/events.js",
    text: "ledger.whenDurable(release, () => { });",
    instead: "release();",
  },
  {
    name: "that a request was accepted is not recorded",
    scenario: "turns",
    file: "turns/sessions.js",
    text: "ledger.put(recording, { request, outcome: undefined });",
    instead: "",
  },
  {
    name: "memory stays as it was when a commit fails",
    scenario: "turns",
    file: "turns/domain.js",
    text: "        load();\n        cancelPause?.();",
    instead: "        cancelPause?.();",
  },
  {
    name: "turns that fail leave their changes",
    scenario: "turns",
    file: "turns/turn.js",
    text: "const state = key.bytes === undefined ?",
    instead: "const state = key.value ??= key.bytes === undefined ?",
  },
  {
    name: "barriers are not aligned",
    scenario: "snapshot",
    file: "flows/barrier-aligner.js",
    text: "waits: (input) => underWay && !copied && arrived[input],",
    instead: "waits: () => false,",
  },
  {
    name: "messages under way on feedback are not logged",
    scenario: "snapshot",
    file: "flows/barrier-aligner.js",
    text: "logs: (input) => copied && feedback[input] && !arrived[input],",
    instead: "logs: () => false,",
  },
  {
    name: "an epoch commits at its first acknowledgement",
    scenario: "snapshot",
    file: "flows/coordinator.js",
    text: "!missing.delete(participant) || missing.size > 0)",
    instead: "!missing.delete(participant))",
  },
  {
    name: "what an aborted epoch copied is forgotten",
    scenario: "snapshot",
    file: "flows/pending-epoch.js",
    text: "parts.set(task, [...(parts.get(task) ?? []), ...copied]);",
    instead: "parts.set(task, [...copied]);",
  },
  {
    name: "manifests are committed before parts",
    scenario: "snapshot",
    file: "flows/epoch-store.js",
    text: "await store.commit([...writes, sealJson(guard, keys.head, next)]);",
    instead:
      "await store.commit([...writes.slice(-1), sealJson(guard, keys.head, next)]);\n        await store.commit(writes.slice(0, -1));",
  },
  {
    name: "two coordinators commit",
    scenario: "snapshot",
    file: "flows/epoch-store.js",
    text: "if (!sameHead(head(), expected))\n            return false;",
    instead: "",
  },
  {
    name: "outputs are released before their epoch commits",
    scenario: "snapshot",
    file: "flows/running-flow.js",
    text: "if (!(await epochs.compareAndSet(head, nextHead, writes)))",
    instead:
      "for (const { output, position, bytes } of one.outputs) outputs[output].release(position, bytes);\n        if (!(await epochs.compareAndSet(head, nextHead, writes)))",
  },
  {
    name: "slots are handed over at once, not between two",
    scenario: "swap",
    file: "slots/swap.js",
    text: "return Atomics.compareExchange(words, word.owner, owner, owner | asked) === owner;",
    instead: "return Atomics.compareExchange(words, word.owner, owner, otherThread(owner)) === owner;",
  },
  {
    name: "the state before a slot is not put back when its thread ends",
    scenario: "swap",
    file: "slots/slot-swap.js",
    text: "if (isKept(words))",
    instead: "if (false)",
  },
  {
    name: "a wish to hand over is not taken back",
    scenario: "swap",
    file: "slots/swap.js",
    text: "return Atomics.compareExchange(words, word.owner, owner | asked, owner) === (owner | asked);",
    instead: "return true;",
  },
  {
    name: "a reply's failed commit is told as the request's (a bug that seed 1736 found)",
    scenario: "turns",
    file: "turns/sessions.js",
    text: "(error) => tellAgain(entry, waiter, error)",
    instead: "waiter.reject",
  },
  {
    name: "a swap never returns whose end is told before its beginning (a bug that seed 656 found)",
    scenario: "swap",
    file: "slots/slot-swap.js",
    text: "current?.handedOver.resolve(Atomics.load(words, word.ownedFrom));\n                    current?.outcome.resolve({ kept: true });",
    instead: "current?.outcome.resolve({ kept: true });",
  },
];

/** What a simulation of a copy of the compiled source says. */
export interface Verdict {
  readonly passed: boolean;
  readonly invariant: string | undefined;
  readonly schedules: number;
}

const program = `
const [, address, scenario, schedules] = process.argv;
const { verifySimulation } = await import(address);
const { passed, failure, schedules: done } = await verifySimulation({ seed: 1, schedules: Number(schedules), scenario });
process.stdout.write(JSON.stringify({ passed, invariant: failure?.invariant, schedules: done }));
`;

/**
 * Runs schedules on a copy of the compiled source, in a process of its own; unchanged where there is no mutant.
 * @throws Error where the mutant's text does not stand in its file exactly once.
 */
export async function verdictOn(
  mutant: Mutant | undefined,
  schedules: number,
  scenario: string,
): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), "neuroran-mutant-"));
  try {
    for (const part of ["bus", "compiler", "functions", "system", "errors.js"]) {
      const copied = (path: string) => !/\.test\.js$|\.map$|\.d\.ts$/.test(path);
      cpSync(resolve("dist/src", part), join(folder, "src", part), { recursive: true, filter: copied });
    }
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    if (mutant !== undefined) mutate(join(folder, "src/functions", mutant.file), mutant);
    return await run(
      pathToFileURL(join(folder, "src/functions/simulation/index.js")).href,
      scenario,
      schedules,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mutate(path: string, { name, text, instead }: Mutant): void {
  const parts = readFileSync(path, "utf8").split(text);
  if (parts.length !== 2) throw new Error(`${name}: its text stands ${parts.length - 1} times in ${path}`);
  writeFileSync(path, parts.join(instead));
}

function run(address: string, scenario: string, schedules: number): Promise<Verdict> {
  const child = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    program,
    address,
    scenario,
    `${schedules}`,
  ]);
  let out = "";
  let problem = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    problem += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(JSON.parse(out) as Verdict);
      else reject(new Error(`the simulation ended with status ${status}: ${problem}`));
    });
  });
}
