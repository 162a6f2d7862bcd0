import type { DataType, Views } from "../data-type.js";

/** A number, truth value or text. Integers of 64 bits are bigints. */
export interface ScalarType<T extends ScalarName = ScalarName> {
  readonly kind: "scalar";
  readonly type: T;
  readonly initial: ScalarValues[T] | undefined;
}

export interface ScalarValues {
  boolean: boolean;
  int8: number;
  int16: number;
  int32: number;
  int64: bigint;
  uint8: number;
  uint16: number;
  uint32: number;
  uint64: bigint;
  float32: number;
  float64: number;
  text: string;
}
export type ScalarName = keyof ScalarValues;

/** A typed array of fixed shape, slowest dimension first; complex64 interleaved. */
export interface TensorType<D extends DataType = DataType> {
  readonly kind: "tensor";
  readonly dtype: D;
  readonly shape: readonly number[];
}

/** Named fields. */
export interface RecordType<F extends Fields = Fields> {
  readonly kind: "record";
  readonly fields: F;
}
export type Fields = Readonly<Record<string, FieldType>>;

/** Any number of values by a key that is a text or an integer. */
export interface MapType<K extends MapKeyName = MapKeyName, V = unknown> {
  readonly kind: "map";
  readonly key: K;
  readonly value: V;
}
export type MapKeyName = Exclude<ScalarName, "boolean" | "float32" | "float64">;

export type FieldType = ScalarType | TensorType | RecordType | MapType;

/** What a function keeps for each key, and how what earlier versions kept becomes it. */
export interface Schema<F extends Fields = Fields> {
  readonly kind: "schema";
  /** Raised whenever the fields change. */
  readonly version: number;
  readonly fields: F;
  /** By the version that it takes: gives the value of the next version. */
  readonly migrations: Readonly<Record<number, (old: never) => unknown>>;
}

/** What a field holds in TypeScript. */
export type FieldValue<T> =
  T extends ScalarType<infer N>
    ? ScalarValues[N]
    : T extends TensorType<infer D>
      ? Views[D]
      : T extends RecordType<infer F>
        ? { -readonly [N in keyof F]: FieldValue<F[N]> }
        : T extends MapType<infer K, infer V>
          ? Map<ScalarValues[K], FieldValue<V>>
          : never;

/** What a schema's state is in TypeScript: an object whose fields are changed in place. */
export type ValueOf<S> = S extends Schema<infer F> ? { -readonly [N in keyof F]: FieldValue<F[N]> } : never;
