import { InputError } from "../../errors.js";
import type { View } from "../data-type.js";
import type { DataflowData } from "../dataflow.js";
import type { Configuration } from "../flow-instance.js";
import type { Delivery, Key } from "../flows/declaration.js";
import type { Ports, TensorsOf } from "../port.js";
import { codecOf, type Schema, type ValueOf } from "../schema/index.js";
import type { KeysOfSlot } from "../slots/slot-keys.js";
import type { Invocation } from "../turns/declaration.js";
import { checkName } from "../turns/index.js";

/** What comes in with one slot. */
export interface SlotInput<About = unknown> {
  readonly configuration: Configuration;
  /** By input of the flow; copied, so that the source may use the arrays again. */
  readonly inputs: Readonly<Record<string, View>>;
  /** Keys of keyed state that the slot touches. */
  readonly keys?: KeysOfSlot;
  /** What the outputs are told beside: to be carried between threads. */
  readonly about: About;
}

/** Gives slots by their number. */
export interface SlotReader<About = unknown> {
  /** The same for the same number, whenever it is asked for; undefined behind the last. Numbers ascend, with gaps. */
  slot(number: number): SlotInput<About> | undefined;
  close?(): void;
}

/** Gives slots as they come. */
export interface LiveSlots<About = unknown> {
  /** Resolves with the next one; with undefined when there will be none. */
  next(): Promise<SlotInput<About> | undefined>;
  close?(): void;
}

/** Where slots come from. It is opened on a thread of its own. */
export type SlotSource<About = unknown> =
  | { readonly kind: "replayable"; open(): SlotReader<About> }
  | { readonly kind: "live"; open(): LiveSlots<About> };

/** A slot that is done. */
export interface DoneSlot<O extends Ports = Ports, About = unknown> {
  readonly number: number;
  readonly about: About;
  /** To be read, and not kept: the next slot writes over them. */
  readonly outputs: TensorsOf<O>;
}

/** One output of a slot flow. */
export interface SlotOutput<M extends Schema = Schema, O extends Ports = Ports, About = unknown> {
  readonly message: M;
  /** What a slot gives; undefined where it gives nothing. */
  of(slot: DoneSlot<O, About>): ValueOf<M> | undefined;
  /** What those who subscribe can choose messages by. */
  readonly key?: (message: ValueOf<M>) => Key;
}

/** What a slot flow is declared by. */
export interface SlotFlowDeclaration<
  F extends DataflowData,
  About,
  M extends Readonly<Record<string, Schema>>,
> {
  /**
   * `exactly-once`: every slot takes effect once, whatever fails, and what it gives leaves when its epoch is committed.
   * `real-time`: late slots are dropped and counted, and none is repeated; state stays consistent.
   */
  readonly delivery: Delivery;
  /** Who creates the instance on the slot thread, as `startSlotExecutor` takes it. */
  readonly instance: {
    readonly module: URL | string;
    readonly factory: string;
    readonly options?: unknown;
    readonly arenaBytes: number;
  };
  readonly source: SlotSource<About>;
  /** Slots begin so long after each other; one after the other, as fast as they can, unless given. */
  readonly slotDuration_ms?: number;
  /** In real time, a slot that would begin so late is dropped; 10 unless given. */
  readonly lateAfter_ms?: number;
  readonly outputs: { readonly [N in keyof M]: SlotOutput<M[N], F["outputs"], About> };
  /** What a slot sends to stateful functions: once, when its epoch is committed. */
  readonly sends?: (slot: DoneSlot<F["outputs"], About>) => readonly Invocation[];
  /** Whether what came in a slot was lost, a transport block say: by it, implementations that take turns are compared. */
  readonly lost?: (slot: DoneSlot<F["outputs"], About>) => boolean;
}

/** A slot flow without its types: what a module exports. */
export interface SlotFlow {
  readonly kind: "slot flow";
  readonly name: string;
  readonly delivery: Delivery;
  readonly instance: {
    readonly module: string;
    readonly factory: string;
    readonly options: unknown;
    readonly arenaBytes: number;
  };
  readonly source: SlotSource;
  readonly slotDuration_ms: number | undefined;
  readonly lateAfter_ms: number;
  readonly outputs: Readonly<
    Record<
      string,
      { readonly message: Schema; readonly key?: (message: never) => Key; of(slot: DoneSlot): unknown }
    >
  >;
  sends(slot: DoneSlot): readonly Invocation[];
  readonly lost: ((slot: DoneSlot) => boolean) | undefined;
}

const defaultLateness_ms = 10;

/**
 * Declares a flow whose slots run on a slot executor; a module exports it and a node runs it. The type says which flow the
 * instance is of.
 *
 * ```ts
 * export const cell = slotFlow<typeof uplink>()("cell", {
 *   delivery: "exactly-once",
 *   instance: { module: import.meta.url, factory: "createCell", arenaBytes: 2 ** 26 },
 *   source: { kind: "replayable", open: () => recordedSlots("cell.sigmf") },
 *   outputs: { blocks: { message: block, of: ({ number, outputs }) => ({ slot: number, crc: outputs.crc.view[0] }) } },
 * });
 * ```
 *
 * @throws InputError for `exactly-once` from a source that cannot replay, and for `real-time` without the duration of a slot.
 */
export function slotFlow<F extends DataflowData>() {
  return <About, M extends Readonly<Record<string, Schema>>>(
    name: string,
    declaration: SlotFlowDeclaration<F, About, M>,
  ): SlotFlow => {
    checkName("slot flow, name", name);
    const { delivery, instance, source, slotDuration_ms, lateAfter_ms, outputs, sends, lost } = declaration;
    if (delivery === "exactly-once" && source.kind !== "replayable") {
      const remedy = "give a source that is replayable, or deliver in real time";
      throw new InputError(`slot flow ${name}, delivery`, delivery, remedy);
    }
    if (delivery === "real-time" && slotDuration_ms === undefined) {
      throw new InputError(`slot flow ${name}, slotDuration_ms`, undefined, "say how long a slot lasts");
    }
    if (slotDuration_ms !== undefined && !(slotDuration_ms > 0)) {
      throw new InputError(
        `slot flow ${name}, slotDuration_ms`,
        slotDuration_ms,
        "give milliseconds above 0",
      );
    }
    for (const output of Object.values<SlotOutput>(outputs as never)) codecOf(output.message);
    return {
      kind: "slot flow",
      name,
      delivery,
      instance: {
        module: String(instance.module),
        factory: instance.factory,
        options: instance.options,
        arenaBytes: instance.arenaBytes,
      },
      source,
      slotDuration_ms,
      lateAfter_ms: lateAfter_ms ?? defaultLateness_ms,
      outputs: outputs as unknown as SlotFlow["outputs"],
      sends: (sends ?? (() => [])) as SlotFlow["sends"],
      lost: lost as SlotFlow["lost"],
    };
  };
}
