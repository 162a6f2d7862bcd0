import protobuf from "protobufjs/light.js";
import { InputError } from "../../errors.js";
import { modelType } from "./messages.js";

/** The largest file, and the most bytes that its tensors may have with external data: what protobuf itself allows. */
export const largestModel_bytes = 2 ** 31 - 1;

/** Of the longest attribute of a node of the deepest subgraph that is accepted, at four messages a subgraph. */
const deepestMessage = 40;

/** Fields and packed integers of a file, each of which takes up to 100 bytes of memory once it is decoded. */
const mostFields = 2 ** 23;

/** Wire types of protobuf. */
const LENGTH_DELIMITED = 2;

/**
 * Looks through a file before it is decoded, so that decoding takes memory in proportion to what the file may hold.
 * @throws InputError for a file that is larger than 2 GiB, nested more deeply than ten subgraphs, of more than 2^23 fields,
 * or cut short.
 */
export function checkLimits(bytes: Uint8Array): void {
  if (bytes.length > largestModel_bytes)
    throw new InputError("file", `${bytes.length} bytes`, `give at most ${largestModel_bytes} bytes`);
  const reader = protobuf.Reader.create(bytes);
  let fields = 0;

  function count(more: number): void {
    fields += more;
    if (fields > mostFields)
      throw new InputError(
        "file",
        `more than ${mostFields} fields`,
        "give a model of fewer nodes and values",
      );
  }

  function look(type: protobuf.Type, end: number, depth: number): void {
    if (depth > deepestMessage)
      throw new InputError("subgraphs of the file", depth, "nest at most ten subgraphs");
    while (reader.pos < end) {
      count(1);
      const tag = reader.tag();
      const field = type.fieldsById[tag >>> 3];
      if ((tag & 7) !== LENGTH_DELIMITED || field === undefined) {
        reader.skipType(tag & 7, 0, tag >>> 3);
        continue;
      }
      const size = reader.size();
      const next = reader.pos + size;
      if (next > end) throw new RangeError("index out of range");
      if (field.resolvedType instanceof protobuf.Type) look(field.resolvedType, next, depth + 1);
      else if (field.type !== "bytes" && field.type !== "string") count(size);
      reader.pos = next;
    }
    if (reader.pos !== end) throw new RangeError("index out of range");
  }

  look(modelType, bytes.length, 0);
}
