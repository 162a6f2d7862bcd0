import { InputError } from "../errors.js";
import { createAtomicFile } from "../system/atomic-file.js";
import { compressedPrbBytes, compressPrbs, decompressPrbs, prbSubcarriers } from "./block-floating-point.js";
import { openFile } from "./byte-source.js";

/** How PRBs of one slot were compressed and how many make a symbol. */
export interface FronthaulOptions {
  /** Bits of a block-floating-point mantissa, 2 to 16. */
  readonly iqWidth: number;
  /** PRBs of the carrier, 1 to 275. */
  readonly prbCount: number;
  /** OFDM symbols of the slot: 14 with normal cyclic prefix (default), 12 with extended. */
  readonly symbolCount?: number | undefined;
}

/** Resource elements of one slot. */
export interface FronthaulGrid {
  readonly antennas: number;
  readonly symbols: number;
  readonly subcarriers: number;
  /** complex64 [antenna][symbol][subcarrier]; int16 full scale is amplitude 1. */
  readonly grid: Float32Array;
}

/** A slot of 275 PRBs, 14 symbols and 64 antennas at 16 bits is 36 MB of text. */
const greatestText = 2 ** 26;

/**
 * Decompresses the U-plane PRBs of one slot, in the order symbol, antenna, PRB. How many antennas there are follows
 * from the number of PRBs.
 *
 * @throws InputError when options are wrong or the bytes are not a whole number of antennas
 */
export function decodeFronthaul(bytes: Uint8Array, options: FronthaulOptions): FronthaulGrid {
  const { iqWidth, prbCount, symbols, prbBytes } = checkOptions(options);
  const found = bytes.length / prbBytes;
  if (!Number.isInteger(found)) {
    throw new InputError(
      `byte ${Math.floor(found) * prbBytes}`,
      `end after ${bytes.length} bytes`,
      `PRBs at ${iqWidth} bits have ${prbBytes} bytes each`,
    );
  }
  const antennas = antennasOf(found, prbCount, symbols, "PRBs");
  const subcarriers = prbCount * prbSubcarriers;
  const grid = new Float32Array(2 * antennas * symbols * subcarriers);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (let antenna = 0; antenna < antennas; antenna++) {
      const byte = (symbol * antennas + antenna) * prbCount * prbBytes;
      decompressPrbs(bytes, byte, prbCount, iqWidth, grid, 2 * (antenna * symbols + symbol) * subcarriers);
    }
  }
  return { antennas, symbols, subcarriers, grid };
}

/**
 * Compresses a slot into U-plane PRBs in the order symbol, antenna, PRB.
 *
 * @param grid complex64 [antenna][symbol][subcarrier]; amplitude 1 is int16 full scale, beyond it is saturated
 * @throws InputError when options are wrong or the grid is not a whole number of antennas
 */
export function encodeFronthaul(grid: Float32Array, options: FronthaulOptions): Uint8Array {
  const { iqWidth, prbCount, symbols, prbBytes } = checkOptions(options);
  const subcarriers = prbCount * prbSubcarriers;
  const antennas = antennasOf(grid.length / (2 * prbSubcarriers), prbCount, symbols, "PRBs");
  const bytes = new Uint8Array(antennas * symbols * prbCount * prbBytes);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (let antenna = 0; antenna < antennas; antenna++) {
      const byte = (symbol * antennas + antenna) * prbCount * prbBytes;
      compressPrbs(grid, 2 * (antenna * symbols + symbol) * subcarriers, prbCount, iqWidth, bytes, byte);
    }
  }
  return bytes;
}

/**
 * Reads the text form: a PRB a line, its bytes as two hexadecimal digits each, blanks between them, in the order
 * symbol, antenna, PRB.
 *
 * @throws InputError naming line and column, or the number of lines
 */
export function parseFronthaul(text: string, options: FronthaulOptions): FronthaulGrid {
  const { prbCount, symbols, prbBytes } = checkOptions(options);
  if (text.length === 0) throw new InputError("fronthaul text", "an empty text", "it has a PRB a line");
  // A good line takes three characters a byte, so this is room enough whatever the text is.
  const bytes = new Uint8Array(Math.ceil((text.length + 1) / 3));
  let lines = 0;
  for (let start = 0; start < text.length; lines++) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    parseLine(text.slice(start, end), lines, bytes, prbBytes);
    start = end + 1;
  }
  antennasOf(lines, prbCount, symbols, "lines");
  return decodeFronthaul(bytes.subarray(0, lines * prbBytes), options);
}

/** Writes the text form that {@link parseFronthaul} reads. */
export function formatFronthaul(grid: Float32Array, options: FronthaulOptions): string {
  const bytes = encodeFronthaul(grid, options);
  const prbBytes = compressedPrbBytes(options.iqWidth);
  let text = "";
  for (let at = 0; at < bytes.length; at += prbBytes) {
    const line = Array.from(bytes.subarray(at, at + prbBytes), (byte) => byte.toString(16).padStart(2, "0"));
    text += `${line.join(" ")}\n`;
  }
  return text;
}

/**
 * Reads a file of the text form.
 *
 * @throws InputError when the file is missing, too large, or not what {@link parseFronthaul} reads
 */
export function readFronthaul(path: string, options: FronthaulOptions): FronthaulGrid {
  const source = openFile(path);
  try {
    if (source.length > greatestText) {
      throw new InputError(path, `${source.length} bytes`, `a slot's PRBs have at most ${greatestText}`);
    }
    return parseFronthaul(Buffer.from(source.read(0, source.length)).toString("latin1"), options);
  } finally {
    source.close();
  }
}

/** Writes a file of the text form; it appears complete or not at all. */
export function writeFronthaul(path: string, grid: Float32Array, options: FronthaulOptions): void {
  const text = formatFronthaul(grid, options);
  const file = createAtomicFile(path);
  try {
    file.write(Buffer.from(text, "latin1"));
    file.commit();
  } finally {
    file.abandon();
  }
}

function parseLine(line: string, index: number, out: Uint8Array, prbBytes: number): void {
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  let at = 0;
  for (let i = 0; i < prbBytes; i++) {
    const start = at;
    while (at < end && isBlank(line.charCodeAt(at))) at++;
    if (i > 0 && at === start && at < end) throw refused(line, index, at, "a blank stands between two bytes");
    if (at === end) {
      throw refused(line, index, at, `the line has ${i} bytes, a PRB at this width has ${prbBytes}`);
    }
    const high = hexDigit(line.charCodeAt(at));
    if (high < 0) throw refused(line, index, at, "a byte is two hexadecimal digits");
    const low = at + 1 < end ? hexDigit(line.charCodeAt(at + 1)) : -1;
    if (low < 0) throw refused(line, index, at + 1, "a byte is two hexadecimal digits");
    out[index * prbBytes + i] = 16 * high + low;
    at += 2;
  }
  while (at < end && isBlank(line.charCodeAt(at))) at++;
  if (at < end)
    throw refused(line, index, at, `a PRB at this width has ${prbBytes} bytes, the line has more`);
}

function refused(line: string, index: number, at: number, remedy: string): InputError {
  const found = at < line.length && line[at] !== "\r" ? line[at] : "the end of the line";
  return new InputError(`line ${index + 1}, column ${at + 1}`, found, remedy);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** 0 to 15, or −1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const upper = code & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}

function antennasOf(prbs: number, prbCount: number, symbols: number, unit: string): number {
  const antennas = prbs / (prbCount * symbols);
  if (!(Number.isInteger(antennas) && antennas >= 1)) {
    throw new InputError(
      `number of ${unit}`,
      prbs,
      `it must be a multiple of ${prbCount} PRBs times ${symbols} symbols, once an antenna: check prbCount and that the slot is whole`,
    );
  }
  return antennas;
}

function checkOptions({ iqWidth, prbCount, symbolCount = 14 }: FronthaulOptions) {
  const prbBytes = compressedPrbBytes(iqWidth);
  if (!(Number.isInteger(prbCount) && prbCount >= 1 && prbCount <= 275)) {
    throw new InputError("prbCount", prbCount, "a carrier has 1 to 275 PRBs");
  }
  if (symbolCount !== 14 && symbolCount !== 12) {
    throw new InputError(
      "symbolCount",
      symbolCount,
      "a slot has 14 symbols, or 12 with extended cyclic prefix",
    );
  }
  return { iqWidth, prbCount, symbols: symbolCount, prbBytes };
}
