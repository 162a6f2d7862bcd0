import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { largestRecord, ringConsumer, ringFill, ringMemory, ringProducer } from "./ring.js";

describe("ring", () => {
  it("gives what went in, in order and whole, at any fill and over its end (invariants 2 to 4)", () => {
    const bytes = 256;
    fc.assert(
      fc.property(
        fc.array(fc.record({ write: fc.boolean(), length: fc.nat(largestRecord(bytes)) }), {
          maxLength: 300,
        }),
        (steps) => {
          const memory = ringMemory(bytes);
          const [producer, consumer] = [ringProducer(memory), ringConsumer(memory)];
          const expected: { bytes: Uint8Array; tag: number }[] = [];
          const target = new Uint8Array(bytes);
          let number = 0;
          let refused = false;
          for (const { write, length } of steps) {
            if (write) {
              const record = { bytes: new Uint8Array(length).fill(++number), tag: number * 0x1000_0001 };
              record.tag >>>= 0;
              const went = producer.write(record.bytes, record.tag);
              // An empty ring has room for the largest record, wherever it stands.
              if (expected.length === 0) expect(went).toBe(true);
              if (went) expected.push(record);
              refused ||= !went;
            } else if (expected.length === 0) expect(consumer.peek()).toBe(-1);
            else {
              const first = expected.shift()!;
              expect(consumer.peek()).toBe(first.bytes.length);
              expect(consumer.peek()).toBe(first.bytes.length);
              expect(consumer.tag()).toBe(first.tag);
              expect(consumer.take(target)).toBe(refused);
              refused = false;
              expect(target.subarray(0, first.bytes.length)).toEqual(first.bytes);
            }
            expect(ringFill(memory)).toBeLessThanOrEqual(bytes);
          }
        },
      ),
      { seed: 20261121, numRuns: 500 },
    );
  });
});
