import type { Address } from "../../../functions/turns/address.js";
import { createRandom, type Random } from "../../../system/index.js";
import {
  type AddressedProgram,
  addressOf,
  greatestAddend,
  layers,
  type Operation,
  type OperationName,
  type Program,
} from "./program.js";

/** Programs of a seed, each by its number, whatever others are asked for. */
export type ProgramGenerator = (index: number) => AddressedProgram;

const deepest = 4;
/** Keys that many programs meet at. */
const hotKeys = 32;
const hotShare = 0.1;

/**
 * Random programs that end: each key runs some operations, and lets other keys run smaller programs. Program n starts at key n,
 * modulo the number of keys. Timers and delayed messages are due within `longestDelay_ms`.
 */
export function createProgramGenerator(
  seed: number,
  keys: number,
  longestDelay_ms: number,
): ProgramGenerator {
  const origin = createRandom(seed);
  return (index) => {
    const at = addressOf(index % keys);
    let names = 0;
    const draw: Draw = {
      random: origin.fork(index),
      keys,
      longestDelay_ms,
      nameTimer: () => `${index}.${names++}`,
    };
    return { at, program: drawProgram(draw, [at]) };
  };
}

interface Draw {
  readonly random: Random;
  readonly keys: number;
  readonly longestDelay_ms: number;
  /** A name that no other timer of the whole run has. */
  nameTimer(): string;
}

/** @param chain the keys that wait for each other, or sent each other here; the last runs the program. */
function drawProgram(draw: Draw, chain: readonly Address[]): Program {
  const { random } = draw;
  const program: Operation[] = [];
  const decoys: string[] = [];
  const length = 1 + random.integer(chain.length > 1 ? 3 : 5);
  for (let i = 0; i < length; i++) {
    const name = drawKind(random, chain.length >= deepest);
    if (name === "decoy") decoys.push(draw.nameTimer());
    program.push(drawOperation(draw, chain, name, decoys));
  }
  // After calls, so that timers are cancelled and set again by other turns than those that set them.
  for (const decoy of decoys) {
    if (random.next() < 0.5) program.push({ do: "cancel", name: decoy });
    else program.push(drawTimer(draw, chain, decoy));
  }
  return program;
}

const shares: readonly (readonly [OperationName, number])[] = [
  ["call", 0.26],
  ["send", 0.16],
  ["timer", 0.08],
  ["decoy", 0.03],
  ["cancelled", 0.03],
  ["fail", 0.03],
  ["add", 1],
];

function drawKind(random: Random, leaf: boolean): OperationName {
  let point = random.next();
  for (const [name, share] of shares) {
    if (point < share) return leaf && (name === "call" || name === "send" || name === "timer") ? "add" : name;
    point -= share;
  }
  return "add";
}

function drawOperation(
  draw: Draw,
  chain: readonly Address[],
  name: OperationName,
  decoys: readonly string[],
): Operation {
  const { random } = draw;
  switch (name) {
    case "call":
      return { do: name, ...drawTarget(draw, chain), caught: random.next() < 0.7 };
    case "send":
      return random.next() < 0.6
        ? { do: name, ...drawTarget(draw, chain) }
        : { do: name, ...drawTarget(draw, chain), delay_ms: drawDelay(draw) };
    case "timer":
      return drawTimer(draw, chain, draw.nameTimer());
    case "decoy":
      return { do: name, name: decoys.at(-1)! };
    case "cancelled":
      return { do: name, name: draw.nameTimer() };
    case "fail":
      return { do: name };
    default:
      return { do: "add", by: 1 + random.integer(greatestAddend) };
  }
}

function drawTimer(draw: Draw, chain: readonly Address[], name: string): Operation {
  const own = chain.at(-1)!;
  const delay_ms = drawDelay(draw);
  return { do: "timer", name, delay_ms, program: drawProgram(draw, [...chain, own]) };
}

function drawTarget(draw: Draw, chain: readonly Address[]): AddressedProgram {
  const at = drawAddress(draw, chain);
  return { at, program: drawProgram(draw, [...chain, at]) };
}

/** This key itself, one that is on the way here (a cycle), a key of the next layer, or any key. */
function drawAddress({ random, keys }: Draw, chain: readonly Address[]): Address {
  const own = chain.at(-1)!;
  const point = random.next();
  if (point < 0.1) return own;
  if (point < 0.3 && chain.length > 1) return chain[random.integer(chain.length - 1)]!;
  const index = random.integer(random.next() < hotShare ? Math.min(keys, hotKeys) : keys);
  const layer = layers.indexOf(own.function as (typeof layers)[number]);
  if (point < 0.8 && layer + 1 < layers.length) {
    const below = index - (index % layers.length) + layer + 1;
    if (below < keys) return addressOf(below);
  }
  return addressOf(index);
}

/** Short ones more often, so that they are due among calls and kills. */
function drawDelay({ random, longestDelay_ms }: Draw): number {
  return Math.floor(longestDelay_ms * random.next() ** 3);
}

/** How many operations of each kind a program holds, those of the programs in it included. */
export function countOperations(
  program: Program,
  counts: Partial<Record<OperationName, number>> = {},
): Partial<Record<OperationName, number>> {
  for (const operation of program) {
    counts[operation.do] = (counts[operation.do] ?? 0) + 1;
    if ("program" in operation) countOperations(operation.program, counts);
  }
  return counts;
}
