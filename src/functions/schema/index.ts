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
