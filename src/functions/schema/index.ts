export { type Codec, codecOf } from "./codec.js";
export { checkSchema, field, stateSchema } from "./field.js";
export { type AdmittedSchema, admitSchema, keptLayouts, type SchemaStore } from "./history.js";
export type {
  Fields,
  FieldType,
  FieldValue,
  MapKeyName,
  MapType,
  RecordType,
  ScalarName,
  ScalarType,
  ScalarValues,
  Schema,
  TensorType,
  ValueOf,
} from "./schema.js";
