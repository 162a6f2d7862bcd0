import protobuf from "protobufjs/light.js";

/** A 64-bit integer as it is read and written: its halves. */
export interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned?: boolean;
}

export interface StringStringEntryProto {
  readonly key: string;
  readonly value: string;
}

export interface TensorProto {
  readonly dims: readonly Long[];
  readonly dataType: number;
  readonly name: string;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly Long[];
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly Long[];
  readonly stringData: readonly Uint8Array[];
  readonly rawData: Uint8Array;
  readonly externalData: readonly StringStringEntryProto[];
  readonly dataLocation: number;
}

export interface DimensionProto {
  readonly dimValue: Long;
  readonly dimParam: string;
}

export interface TypeProto {
  readonly tensorType: {
    readonly elemType: number;
    readonly shape: { readonly dim: readonly DimensionProto[] } | null;
  } | null;
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto | null;
}

export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f: number;
  readonly i: Long;
  readonly s: Uint8Array;
  readonly t: TensorProto | null;
  readonly g: GraphProto | null;
  readonly floats: readonly number[];
  readonly ints: readonly Long[];
  readonly strings: readonly Uint8Array[];
  readonly refAttrName: string;
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly attribute: readonly AttributeProto[];
}

export interface GraphProto {
  readonly name: string;
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly sparseInitializer: readonly object[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface OperatorSetIdProto {
  readonly domain: string;
  readonly version: Long;
}

export interface ModelProto {
  readonly irVersion: Long;
  readonly producerName: string;
  readonly graph: GraphProto | null;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly metadataProps: readonly StringStringEntryProto[];
  readonly functions: readonly object[];
}

const optional = (type: string, id: number) => ({ type, id });
const repeated = (type: string, id: number) => ({ rule: "repeated", type, id });
const packed = (type: string, id: number) => ({ rule: "repeated", type, id, options: { packed: true } });

/** The part of onnx.proto (IR version 10) that graphs of dense tensors use; messages that are refused have no fields. */
const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: optional("int64", 1),
        producerName: optional("string", 2),
        graph: optional("GraphProto", 7),
        opsetImport: repeated("OperatorSetIdProto", 8),
        metadataProps: repeated("StringStringEntryProto", 14),
        functions: repeated("Refused", 25),
      },
    },
    OperatorSetIdProto: { fields: { domain: optional("string", 1), version: optional("int64", 2) } },
    StringStringEntryProto: { fields: { key: optional("string", 1), value: optional("string", 2) } },
    GraphProto: {
      fields: {
        node: repeated("NodeProto", 1),
        name: optional("string", 2),
        initializer: repeated("TensorProto", 5),
        input: repeated("ValueInfoProto", 11),
        output: repeated("ValueInfoProto", 12),
        sparseInitializer: repeated("Refused", 15),
      },
    },
    NodeProto: {
      fields: {
        input: repeated("string", 1),
        output: repeated("string", 2),
        name: optional("string", 3),
        opType: optional("string", 4),
        attribute: repeated("AttributeProto", 5),
        domain: optional("string", 7),
      },
    },
    AttributeProto: {
      fields: {
        name: optional("string", 1),
        f: optional("float", 2),
        i: optional("int64", 3),
        s: optional("bytes", 4),
        t: optional("TensorProto", 5),
        g: optional("GraphProto", 6),
        floats: repeated("float", 7),
        ints: repeated("int64", 8),
        strings: repeated("bytes", 9),
        type: optional("int32", 20),
        refAttrName: optional("string", 21),
      },
    },
    TensorProto: {
      fields: {
        dims: repeated("int64", 1),
        dataType: optional("int32", 2),
        floatData: packed("float", 4),
        int32Data: packed("int32", 5),
        stringData: repeated("bytes", 6),
        int64Data: packed("int64", 7),
        name: optional("string", 8),
        rawData: optional("bytes", 9),
        doubleData: packed("double", 10),
        uint64Data: packed("uint64", 11),
        externalData: repeated("StringStringEntryProto", 13),
        dataLocation: optional("int32", 14),
      },
    },
    ValueInfoProto: { fields: { name: optional("string", 1), type: optional("TypeProto", 2) } },
    TypeProto: { fields: { tensorType: optional("TensorTypeProto", 1) } },
    TensorTypeProto: {
      fields: { elemType: optional("int32", 1), shape: optional("TensorShapeProto", 2) },
    },
    TensorShapeProto: { fields: { dim: repeated("DimensionProto", 1) } },
    DimensionProto: {
      oneofs: { value: { oneof: ["dimValue", "dimParam"] } },
      fields: { dimValue: optional("int64", 1), dimParam: optional("string", 2) },
    },
    Refused: { fields: {} },
  },
}).resolveAll();

/** The message of a whole file. */
export const modelType = root.lookupType("ModelProto");

/** ONNX's numbers of the attribute types that nodes here use. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** The halves of a 64-bit integer. */
export function longOf(value: bigint): Long {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: false,
  };
}

/** The 64-bit integer of the halves, by its sign where it is signed. */
export function bigintOf({ low, high, unsigned }: Long): bigint {
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return unsigned ? BigInt.asUintN(64, bits) : BigInt.asIntN(64, bits);
}
