/** Signatures of at least four bytes: shorter ones are plausible as samples. */
const signatures: readonly (readonly [kind: string, bytes: readonly number[]])[] = [
  ["PNG picture", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["ZIP archive", [0x50, 0x4b, 0x03, 0x04]],
  ["HDF5 or MATLAB file", [0x89, 0x48, 0x44, 0x46]],
  ["MATLAB file", [...Buffer.from("MATLAB 5.0 MAT-file")]],
  ["NumPy file", [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ["WAV file", [0x52, 0x49, 0x46, 0x46]],
  ["gzip archive", [0x1f, 0x8b, 0x08, 0x00]],
  ["zstd archive", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz archive", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["ELF program", [0x7f, 0x45, 0x4c, 0x46]],
  ["PDF document", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["pcap capture", [0xd4, 0xc3, 0xb2, 0xa1]],
  ["pcapng capture", [0x0a, 0x0d, 0x0d, 0x0a]],
];

/** How much of a file's beginning {@link foreignFormat} looks at. */
export const signatureBytes = 4096;

/** Text shorter than this could be samples by chance. */
const leastText = 32;

/**
 * What a file that is called a recording of samples really is, judged by its first bytes; undefined when it may be
 * samples.
 */
export function foreignFormat(start: Uint8Array): string | undefined {
  for (const [kind, bytes] of signatures) {
    if (start.length >= bytes.length && bytes.every((byte, i) => start[i] === byte)) return kind;
  }
  if (start.length >= leastText && start.includes(0x0a) && start.every(isText)) return "text";
  return undefined;
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
