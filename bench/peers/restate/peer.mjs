/**
 * Restate with what is measured of it: a keyed counter, and a service that calls three keyed functions in turn. Runs in the
 * temporary folder under the Node that is installed there; prints one line of JSON that says how to call it, and ends, the
 * server with it, when its standard input ends: also when whoever started it was killed.
 */
import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { object, serve, service } from "@restatedev/restate-sdk";

const patience_ms = 60_000;

const counter = object({
  name: "counter",
  handlers: {
    async add(context, { by }) {
      const value = ((await context.get("value")) ?? 0) + by;
      context.set("value", value);
      return value;
    },
  },
});

const chain = service({
  name: "chain",
  handlers: {
    async run(context, { by, keys }) {
      let sum = 0;
      for (const key of keys) sum += await context.objectClient(counter, key).add({ by });
      return sum;
    },
  },
});

/** Ports that nothing listens on now; all open at once, so that they differ. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((one) => new Promise((done) => one.listen(0, "127.0.0.1", done))));
  const ports = servers.map((one) => one.address().port);
  await Promise.all(servers.map((one) => new Promise((done) => one.close(done))));
  return ports;
}

const [ingressPort, adminPort, nodePort] = await freePorts(3);
const log = openSync("server.log", "a");
const modules = "node_modules/@restatedev";
const program = join(modules, `restate-server-${process.platform}-${process.arch}/bin/restate-server`);
const { version } = JSON.parse(readFileSync(join(modules, "restate-server/package.json"), "utf8"));
const server = spawn(program, ["--base-dir", "data", "--no-logo"], {
  stdio: ["ignore", log, log],
  env: {
    ...process.env,
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_BIND_IP: "127.0.0.1",
    RESTATE_BIND_PORT: nodePort,
    RESTATE_ADMIN__BIND_PORT: adminPort,
    RESTATE_INGRESS__BIND_PORT: ingressPort,
    RESTATE_DISABLE_TELEMETRY: "true",
    // A line for each invocation would cost it time.
    RESTATE_LOG_FILTER: "warn",
  },
});
server.on("exit", (status) => {
  process.stderr.write(`The Restate server ended with status ${status}; see server.log\n`);
  process.exit(1);
});
const end = () => {
  server.removeAllListeners("exit").on("exit", () => process.exit());
  server.kill("SIGKILL");
};
process.stdin.resume().on("end", end).on("error", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);

const admin = `http://127.0.0.1:${adminPort}`;
const servicePort = await serve({ services: [counter, chain], port: 0 });
for (const deadline = Date.now() + patience_ms; ; await sleep(100)) {
  const health = await fetch(`${admin}/health`).catch(() => undefined);
  if (health?.ok) break;
  if (Date.now() > deadline) throw new Error("The Restate server does not come up; see server.log");
}
const registered = await fetch(`${admin}/deployments`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ uri: `http://127.0.0.1:${servicePort}` }),
});
if (!registered.ok) throw new Error(`The services are refused: ${await registered.text()}`);

const system = {
  name: `Restate ${version}`,
  host: "127.0.0.1",
  port: ingressPort,
  headers: {},
  counter: "/counter/{key}/add",
  chain: "/chain/run",
  processId: server.pid,
};
process.stdout.write(`${JSON.stringify(system)}\n`);
