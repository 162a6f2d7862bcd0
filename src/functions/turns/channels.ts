/**
 * Messages to and from other commit domains. Each pair of key groups, the sender's and the receiver's, has a channel of its
 * own, whose messages are numbered from 1.
 *
 * Invariants:
 * 1. A message is in the outbox of its sender's key group from the commit of the turn that sent it until the receiver has
 *    acknowledged it; it leaves the domain only after that commit is durable.
 * 2. A receiver accepts the message that follows the last one it accepted, no other: once each, in order.
 * 3. That a message was accepted is one change with the message's entry in the inbox, and is acknowledged only when durable.
 * Numbers, outbox and what was accepted belong to key groups and move with them.
 */
import type { Bus, Clock } from "../../bus/index.js";
import type { NeuroranError } from "../../errors.js";
import type { Address } from "./address.js";
import { groupPrefix, type KeyGroup, keyGroupOfAddress, orderedNumber } from "./entries.js";
import { type Frame, frameOf } from "./frame.js";
import type { Ledger } from "./ledger.js";
import type { Message } from "./message.js";
import { serialise } from "./serialisable.js";

/** Says which node has a key group. */
export type Directory = (group: KeyGroup) => string;

/** A message in an outbox. */
interface Outgoing {
  readonly entry: string;
  readonly from: KeyGroup;
  readonly to: KeyGroup;
  readonly number: number;
  readonly message: Message;
}

interface OutgoingChannel {
  /** Of the message sent last. */
  number: number;
  /** Durable and not yet acknowledged, in order. */
  readonly unacknowledged: Outgoing[];
  /** Of the next repetition. */
  delay_ms: number;
  cancelRepetition: (() => void) | undefined;
}

export interface Channels {
  /** Whether the key group of `address` is another domain's. */
  isRemote(address: Address): boolean;
  /** Puts a message of `sender` into its outbox, from where it goes when the commit is durable. */
  send(sender: Address, message: Message): void;
  /** Takes in what the store holds, in place of what is in memory. */
  load(entries: {
    readonly outbox: Iterable<readonly [string, unknown]>;
    readonly sent: Iterable<readonly [string, unknown]>;
    readonly received: Iterable<readonly [string, unknown]>;
  }): void;
  close(): void;
  /** Messages in outboxes. */
  readonly pending: number;
}

const firstRepetition_ms = 50;
const lastRepetition_ms = 5000;

/** Messages of one channel that are under way at a time. */
const window = 64;

/** Channels over `bus`; `accept` takes what came, in the same change that notes it. */
export function createChannels(options: {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly directory: Directory;
  accept(message: Message): void;
  /** Called when all of a frame is done. */
  settled(): void;
}): Channels {
  const { bus, clock, ledger, directory, accept, settled } = options;
  const outgoing = new Map<string, OutgoingChannel>();
  const received = new Map<string, number>();
  let pending = 0;
  let closed = false;

  const channelOf = (entry: string): OutgoingChannel => {
    let channel = outgoing.get(entry);
    if (channel === undefined) {
      channel = { number: 0, unacknowledged: [], delay_ms: firstRepetition_ms, cancelRepetition: undefined };
      outgoing.set(entry, channel);
    }
    return channel;
  };

  const transmit = ({ from, to, number, message }: Outgoing): void => {
    const frame: Frame = { kind: "message", from, to, number, message };
    bus.send(directory(to), serialise(frame));
  };

  const repeatLater = (channel: OutgoingChannel): void => {
    if (channel.cancelRepetition !== undefined || channel.unacknowledged.length === 0 || closed) return;
    channel.cancelRepetition = clock.after(channel.delay_ms, () => {
      channel.cancelRepetition = undefined;
      channel.delay_ms = Math.min(2 * channel.delay_ms, lastRepetition_ms);
      for (const one of channel.unacknowledged.slice(0, window)) transmit(one);
      repeatLater(channel);
    });
  };

  const durable = (channel: OutgoingChannel, one: Outgoing): void => {
    // All was loaded again meanwhile, this with it.
    if (outgoing.get(channelEntry("sent", one.from, one.to)) !== channel) return;
    channel.unacknowledged.push(one);
    if (channel.unacknowledged.length <= window) transmit(one);
    repeatLater(channel);
  };

  const receiveMessage = (node: string, frame: Extract<Frame, { kind: "message" }>): void => {
    const { from, to, number, message } = frame;
    // A stale directory sent it here: the sender repeats it to whom its directory names later.
    if (directory(to) !== bus.node) return;
    const entry = channelEntry("received", to, from);
    const last = received.get(entry) ?? 0;
    if (number === last + 1) {
      received.set(entry, number);
      ledger.put(entry, number);
      accept(message);
    }
    const accepted = received.get(entry) ?? 0;
    if (accepted === 0) return;
    const reply: Frame = { kind: "accepted", from, to, number: accepted };
    const acknowledge = (): void => bus.send(node, serialise(reply));
    ledger.whenDurable(acknowledge, () => {});
  };

  const receiveAccepted = ({ from, to, number }: Extract<Frame, { kind: "accepted" }>): void => {
    const channel = outgoing.get(channelEntry("sent", from, to));
    if (channel === undefined) return;
    const { unacknowledged } = channel;
    let gone = 0;
    while (gone < unacknowledged.length && unacknowledged[gone].number <= number) {
      ledger.remove(unacknowledged[gone].entry);
      gone++;
    }
    if (gone === 0) return;
    const next = unacknowledged.slice(Math.max(gone, window), window + gone);
    unacknowledged.splice(0, gone);
    pending -= gone;
    channel.delay_ms = firstRepetition_ms;
    channel.cancelRepetition?.();
    channel.cancelRepetition = undefined;
    for (const one of next) transmit(one);
    repeatLater(channel);
  };

  bus.receive((node, bytes) => {
    if (closed) return;
    const frame = frameOf(bytes);
    if (frame?.kind === "message") receiveMessage(node, frame);
    else if (frame?.kind === "accepted") receiveAccepted(frame);
    settled();
  });

  const stop = (): void => {
    for (const { cancelRepetition } of outgoing.values()) cancelRepetition?.();
    outgoing.clear();
    received.clear();
    pending = 0;
  };

  return {
    isRemote: (address) => directory(keyGroupOfAddress(address)) !== bus.node,
    send(sender, message) {
      const from = keyGroupOfAddress(sender);
      const to = keyGroupOfAddress(message.target);
      const counter = channelEntry("sent", from, to);
      const channel = channelOf(counter);
      const number = ++channel.number;
      const entry = outboxEntry(from, to, number);
      const one: Outgoing = { entry, from, to, number, message };
      ledger.put(counter, number);
      ledger.add(entry, one);
      pending++;
      ledger.whenDurable(() => durable(channel, one), ignore);
    },
    load({ outbox, sent, received: accepted }) {
      stop();
      for (const [entry, number] of sent) channelOf(entry).number = number as number;
      for (const [entry, number] of accepted) received.set(entry, number as number);
      for (const [, value] of outbox) {
        const one = value as Outgoing;
        const channel = channelOf(channelEntry("sent", one.from, one.to));
        channel.unacknowledged.push(one);
        pending++;
      }
      for (const channel of outgoing.values()) {
        for (const one of channel.unacknowledged.slice(0, window)) transmit(one);
        repeatLater(channel);
      }
    },
    close() {
      closed = true;
      stop();
    },
    get pending() {
      return pending;
    },
  };
}

/** When a commit fails, all is loaded from the store again: there is nothing to undo here. */
function ignore(_error: NeuroranError): void {}

/** The number of a channel, at its owner's end. */
function channelEntry(kind: "sent" | "received", owner: KeyGroup, other: KeyGroup): string {
  return `${groupPrefix(kind, owner.function, owner.group)}${other.function}\0${other.group}`;
}

function outboxEntry(from: KeyGroup, to: KeyGroup, number: number): string {
  return `${groupPrefix("outbox", from.function, from.group)}${to.function}\0${to.group}\0${orderedNumber(number)}`;
}
