import { InputError } from "../../errors.js";

const list = "`neuroran inspect` lists them all";

/**
 * The one name that a person means: the name itself, or else the only one that begins with the text or, where none
 * does, that contains it.
 * @throws InputError with the names that it could be.
 */
export function chooseName(names: readonly string[], text: string): string {
  if (names.includes(text)) return text;
  const beginning = names.filter((name) => name.startsWith(text));
  const found = beginning.length > 0 ? beginning : names.filter((name) => name.includes(text));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) throw new InputError("kernel", text, `give one of ${shortened(found)}; ${list}`);
  const near = nearest(names, text);
  throw new InputError("kernel", text, near.length > 0 ? `did you mean ${near.join(" or ")}? ${list}` : list);
}

function shortened(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

/** Up to three names that have most pairs of neighbouring letters in common with the text. */
function nearest(names: readonly string[], text: string): string[] {
  const wanted = pairs(text);
  const scored = names.map((name) => {
    const there = pairs(name);
    return { name, share: [...wanted].filter((pair) => there.has(pair)).length / wanted.size };
  });
  return scored
    .filter(({ share }) => share >= 0.6)
    .sort((a, b) => b.share - a.share || a.name.length - b.name.length)
    .slice(0, 3)
    .map(({ name }) => name);
}

function pairs(text: string): Set<string> {
  return new Set(Array.from(text.toLowerCase().slice(1), (letter, k) => text.toLowerCase()[k] + letter));
}
