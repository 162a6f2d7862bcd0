import type { Command } from "commander";
import { InputError } from "../../errors.js";
import { createClient } from "../../server/client.js";
import { printJson } from "../format.js";
import { numberOption } from "../options.js";
import { addConnectionOptions, type ConnectionOptions, nodeOf, patience_ms } from "./connection.js";

interface CallOptions extends ConnectionOptions {
  readonly idempotencyKey?: string;
}

interface SendOptions extends CallOptions {
  readonly delay: number;
}

/** The commands `invoke` and `send`. */
export function addCalls(program: Command): void {
  const invocation = (name: string): Command =>
    program
      .command(name)
      .argument("<function>", "name of the function")
      .argument("<key>", "whose state the handler works on")
      .argument("<handler>", "name of the handler")
      .argument("[json]", "body of the request", jsonArgument)
      .option("--idempotency-key <text>", "requests with the same text run once within ten minutes");
  addConnectionOptions(
    invocation("invoke")
      .summary("call a stateful function and print its reply")
      .description(
        "Calls a handler of a stateful function and prints its reply when it is durable. The exit status is 1 where the handler fails, 2 where the request is refused.",
      ),
  )
    .addHelpText("after", `\nExample:\n  $ neuroran invoke counter alice add '{"by": 1}'`)
    .action(async (name: string, key: string, handler: string, body: unknown, options: CallOptions) => {
      const client = createClient({ ...nodeOf(options), patience_ms });
      try {
        const reply = await client.invoke(
          { target: { function: name, key }, handler, body },
          identified(options),
        );
        if (options.json) printJson({ reply: reply ?? null });
        else if (reply !== undefined) process.stdout.write(`${JSON.stringify(reply, null, 2)}\n`);
      } finally {
        client.close();
      }
    });
  addConnectionOptions(
    invocation("send")
      .summary("send a message to a stateful function")
      .description("Sends a message to a handler of a stateful function; ends when it is accepted for good."),
  )
    .option(
      "--delay <ms>",
      "time until it runs",
      numberOption("--delay", { minimum: 0, maximum: 10 * 365 * 86_400_000, whole: true, unit: "ms" }),
      0,
    )
    .addHelpText("after", `\nExample:\n  $ neuroran send counter alice add '{"by": 1}' --delay 5000`)
    .action(async (name: string, key: string, handler: string, body: unknown, options: SendOptions) => {
      const client = createClient({ ...nodeOf(options), patience_ms });
      try {
        const invocation = { target: { function: name, key }, handler, body };
        await client.send(invocation, { delay_ms: options.delay, ...identified(options) });
        if (options.json) printJson({ accepted: true });
        else process.stdout.write("accepted\n");
      } finally {
        client.close();
      }
    });
}

function identified({ idempotencyKey }: CallOptions): { idempotencyKey?: string } {
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}

/** @throws InputError where the text is no JSON. */
export function jsonArgument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("json", text, `give JSON, quoted for the shell: '{"by": 1}' (${reason})`, { cause });
  }
}
