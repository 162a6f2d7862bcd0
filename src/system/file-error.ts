import { InputError } from "../errors.js";

/**
 * A file that cannot be `used` ("read", "written"), with the system's reason less the call that it names: the path
 * that was called with may be a temporary one.
 */
export function fileError(path: string, used: string, cause: unknown, field = "file"): InputError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = message.replace(/, \w+( '.*')?$/s, "");
  return new InputError(field, path, `it cannot be ${used} (${reason}): check the path and the permissions`, {
    cause,
  });
}
