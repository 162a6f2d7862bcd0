/** What happened in a schedule, as a number to compare and, where wanted, as lines to read. */
export interface Trace {
  /** Takes down that `what` happened on `where`; the detail is only asked for where lines are wanted. */
  note(time_ms: number, where: string, what: string, value?: number, detail?: () => string): void;
  /** Of everything taken down so far; equal for equal runs. */
  hash(): number;
  /** Empty unless lines are wanted. */
  readonly lines: readonly string[];
}

const doubles = new Float64Array(1);
const words = new Uint32Array(doubles.buffer);

export function createTrace(wanted: boolean): Trace {
  const lines: string[] = [];
  const names = new Map<string, number>();
  let hash = 0x811c9dc5;

  function mix(word: number): void {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }

  function number(name: string): number {
    let known = names.get(name);
    if (known === undefined) {
      known = hashOfText(name);
      names.set(name, known);
    }
    return known;
  }

  return {
    note(time_ms, where, what, value = 0, detail) {
      doubles[0] = time_ms;
      mix(words[0]!);
      mix(words[1]!);
      mix(number(where));
      mix(number(what));
      mix(value);
      if (!wanted) return;
      const said = detail?.();
      const line = `${time_ms.toFixed(3).padStart(12)} ms  ${where.padEnd(10)} ${what}`;
      lines.push(said === undefined ? line : `${line}: ${said}`);
    },
    hash: () => hash >>> 0,
    lines,
  };
}

export function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash | 0;
}

export function hashOfBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash | 0;
}
