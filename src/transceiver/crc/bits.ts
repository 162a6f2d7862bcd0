/** Unpacks `count` bits of packed bytes, first bit highest, to one bit a byte from `offset`. */
export function unpackBits(packed: Uint8Array, bits: Uint8Array, offset: number, count: number): void {
  for (let bit = 0; bit < count; bit++) bits[offset + bit] = (packed[bit >> 3]! >>> (7 - (bit & 7))) & 1;
}

/** Packs `count` bits, one a byte from `offset`, to bytes, first bit highest; the last byte is filled with zeros. */
export function packBits(bits: Uint8Array, offset: number, count: number, packed: Uint8Array): void {
  packed.fill(0, 0, (count + 7) >> 3);
  for (let bit = 0; bit < count; bit++) packed[bit >> 3]! |= bits[offset + bit]! << (7 - (bit & 7));
}
