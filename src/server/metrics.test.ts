import { describe, expect, it } from "vitest";
import { counter } from "../../test/server/counter.js";
import { memoryDomain } from "../../test/server/memory-domain.js";
import { metricsText } from "./metrics.js";

describe("metricsText", () => {
  it("is Prometheus' text format, and tells what was done", async () => {
    const domain = memoryDomain();
    domain.deploy([counter]);
    for (let i = 0; i < 3; i++) await domain.invoke(counter.at("a").add({ by: 1 }));
    await domain.invoke(counter.at("a").fail(undefined));
    const text = metricsText({
      domain: domain.statistics(),
      served: new Map([
        [200, 3],
        [422, 1],
      ]),
      open: 0,
      uptime_s: 1.5,
      residentMemory_bytes: 1000,
    });
    // https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
    const lines = text.split("\n");
    expect(lines.pop()).toBe("");
    const types = new Map<string, string>();
    for (const line of lines) {
      const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
      if (type !== null) {
        expect(types.has(type[1]!)).toBe(false);
        types.set(type[1]!, type[2]!);
      } else if (!/^# HELP [a-z_]+ \S/.test(line)) {
        const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"\})? -?[\d.]+$/.exec(line);
        expect(sample, line).not.toBeNull();
        expect(types.has(sample![1]!)).toBe(true);
      }
    }
    expect(lines).toContain('neuroran_turns_total{function="counter"} 4');
    expect(lines).toContain('neuroran_failed_turns_total{function="counter"} 1');
    expect(lines).toContain('neuroran_http_requests_total{status="422"} 1');
    expect(lines).toContain("neuroran_uptime_seconds 1.5");
  });
});
