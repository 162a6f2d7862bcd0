import type { Kernel } from "../src/compiler/index.js";
import { createRandom } from "../src/radio/index.js";
import { baseGraph } from "../src/transceiver/coding/base-graph.js";
import {
  checkKernel,
  decideKernel,
  initializeKernel,
  iterateKernel,
} from "../src/transceiver/coding/decoder-kernels.js";
import { codeTable, decoderLayout } from "../src/transceiver/coding/decoder-layout.js";
import { type CrcName, crc } from "../src/transceiver/crc/crc.js";
import { crcKernel, crcShape, crcTables, crcWorkspaceLength } from "../src/transceiver/crc/crc-kernel.js";
import { equalizationKernel } from "../src/transceiver/equalization/equalization-kernel.js";
import { transformTable, transformWorkLength } from "../src/transceiver/extraction/fourier-transform.js";
import { fourierTransformKernel } from "../src/transceiver/extraction/fourier-transform-kernel.js";
import { takeSubcarriersKernel } from "../src/transceiver/extraction/subcarrier-kernel.js";
import {
  combinationKernel,
  placementKernel,
  transpositionKernel,
} from "../src/transceiver/interleaving/deinterleaving-kernel.js";
import { demappingKernel, workspaceLength } from "../src/transceiver/mapping/demapping-kernel.js";

import type { Call } from "./machine-code.js";

/** What a buffer holds at the call: what it is given, random normal floats, random int8, or as many bytes of one value. */
type Contents =
  | ArrayBufferView
  | { readonly floats: number }
  | { readonly bytes: number; readonly value?: number };

/** A kernel and a call of it as the receiver makes it. */
export interface KernelCall {
  readonly name: string;
  readonly kernel: Kernel;
  /** Every argument by its name: scalars as numbers. */
  readonly given: Readonly<Record<string, Contents | number>>;
}

/** 273 PRBs, 30 kHz, 122.88 Msample/s; 12 of 14 symbols hold data; 256-QAM, R = 0.926, one layer. */
const subcarriers = 3276;
const size = 4096;
const dataElements = 12 * subcarriers;
const modulationOrder = 8;
const codeBlocks = 35;

/**
 * The kernels in which the receiver spends its time, as it calls them for the widest carrier: decoding a code block, a
 * symbol's transform, half a symbol of subcarriers, a symbol's equalization, a slot's demapping, a block's
 * deinterleaving and CRC.
 * @param vectorBytes of the target
 */
export function kernelCalls(vectorBytes: number): KernelCall[] {
  const lanes = vectorBytes / 4;
  return [
    ...decoderCalls(vectorBytes),
    transformCall(lanes),
    {
      name: "take subcarriers, 1638",
      kernel: takeSubcarriersKernel(lanes),
      given: {
        spectrum: { floats: 2 * size },
        factors: { floats: 2 * subcarriers },
        phase: Float32Array.of(Math.SQRT1_2, Math.SQRT1_2),
        to: { floats: 2 * subcarriers },
        count: subcarriers / 2,
        spectrumStride: size,
        factorStride: subcarriers,
      },
    },
    equalizationCall(1, lanes),
    equalizationCall(4, lanes),
    {
      name: "demapping max-log Qm 8",
      kernel: demappingKernel({ method: "max-log", modulationOrder, layers: 1, lanes }),
      given: {
        symbols: { floats: 2 * dataElements },
        noise: new Float32Array(dataElements).fill(0.01),
        sequence: { bytes: (dataElements * modulationOrder) / 8 },
        llrs: { bytes: dataElements * modulationOrder },
        workspace: { floats: workspaceLength(modulationOrder, 1) },
        rounds: dataElements / 8,
        layerStride: dataElements,
      },
    },
    ...deinterleavingCalls(vectorBytes),
    crcCall("CRC24B of 35 code blocks", "crc24b", codeBlocks, 1035, vectorBytes),
    crcCall("CRC24A of a transport block", "crc24a", 1, 36117, vectorBytes),
  ];
}

function decoderCalls(lanes: number): KernelCall[] {
  const graph = baseGraph(1, 384);
  const layout = decoderLayout(graph, lanes);
  // Positive everywhere: a codeword, so that every row is checked.
  const posterior = { bytes: layout.posteriorBytes, value: 20 };
  const code = codeTable(layout);
  const rates = [
    { rate: "R=1/3", rows: 46 },
    { rate: "R=0.92", rows: 7 },
  ];
  return [
    ...rates.flatMap(({ rate, rows }): KernelCall[] => {
      const messageBytes = layout.messageBytes[rows]!;
      const messages = { bytes: messageBytes };
      return [
        {
          name: `LDPC iterate ${rate}`,
          kernel: iterateKernel(layout),
          given: { posterior, messages, code, rows, iteration: 1 },
        },
        { name: `LDPC check ${rate}`, kernel: checkKernel(layout), given: { posterior, code, rows } },
        {
          name: `LDPC initialize ${rate}`,
          kernel: initializeKernel(lanes),
          given: {
            codeword: { bytes: 66 * 384 + lanes },
            posterior,
            messages,
            rows,
            messageBytes,
            informationColumns: graph.informationColumns,
            liftingSize: graph.liftingSize,
          },
        },
      ];
    }),
    {
      name: "LDPC decide",
      kernel: decideKernel(lanes),
      given: {
        posterior,
        joined: { bytes: 22 * 384 + 2 * lanes },
        block: { bytes: 22 * 48 },
        informationBits: 22 * 384,
        liftingSize: 384,
      },
    },
  ];
}

function transformCall(lanes: number): KernelCall {
  const transform = { size, sign: -1, input: "interleaved", output: "planes", lanes } as const;
  return {
    name: `Fourier transform ${size}`,
    kernel: fourierTransformKernel(transform),
    given: {
      from: { floats: 2 * size },
      work: { floats: transformWorkLength(size) },
      table: transformTable(transform),
      to: { floats: 2 * size },
      // Not read.
      plan: new Int32Array(1),
    },
  };
}

function equalizationCall(antennas: number, lanes: number): KernelCall {
  return {
    name: `equalization 1x${antennas}`,
    kernel: equalizationKernel({ method: "mmse", layers: 1, antennas, granularity: 12, lanes }),
    given: {
      grid: { floats: 2 * antennas * subcarriers },
      channel: { floats: 2 * antennas * subcarriers },
      weights: new Float32Array(antennas).fill(100),
      symbols: { floats: 2 * subcarriers },
      noise: { floats: subcarriers },
      count: subcarriers,
      stride: subcarriers,
      outputStride: subcarriers,
    },
  };
}

function deinterleavingCalls(lanes: number): KernelCall[] {
  const columns = Math.floor(dataElements / codeBlocks);
  const count = columns * modulationOrder;
  const received = { bytes: count };
  return [
    {
      name: `deinterleaving Qm ${modulationOrder}, ${columns} columns`,
      kernel: transpositionKernel(modulationOrder, lanes),
      given: { received, selected: received, columns },
    },
    {
      name: `placement of ${count} soft bits`,
      kernel: placementKernel(lanes),
      given: { selected: received, placed: received, count },
    },
    {
      name: `combination of ${count} soft bits`,
      kernel: combinationKernel(lanes),
      given: { selected: received, placed: received, count },
    },
  ];
}

function crcCall(
  name: string,
  crcName: CrcName,
  sequences: number,
  sequenceLength: number,
  vectorBytes: number,
): KernelCall {
  const shape = crcShape(crc(crcName), sequenceLength, vectorBytes);
  return {
    name,
    kernel: crcKernel(shape),
    given: {
      bytes: { bytes: sequences * sequenceLength },
      tables: crcTables(crc(crcName)),
      workspace: { bytes: crcWorkspaceLength(shape, sequenceLength) },
      remainders: new Int32Array(sequences),
      sequences,
      sequenceLength,
      stride: sequenceLength,
    },
  };
}

/** Bytes that kernels may read past a buffer's end. */
const GUARD = 128;
const PAGE = 1 << 16;

/** Puts a call's buffers into memory of its own, each at a line of the cache as tensors are. */
export function place({ kernel, given }: KernelCall): Call {
  const lengths = Object.values(given).map((one) => (typeof one === "number" ? 0 : byteLength(one)));
  const bytes = lengths.reduce((sum, length) => sum + length + GUARD + 64, 0);
  const pages = Math.ceil(bytes / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const random = createRandom(1);
  let next = 0;
  const placed = kernel.arguments.map((a) => {
    const contents = given[a.kind === "buffer" ? a.buffer.name : a.name]!;
    if (typeof contents === "number") return contents;
    const offset = next;
    const length = byteLength(contents);
    next += 64 * Math.ceil((length + GUARD) / 64);
    if (ArrayBuffer.isView(contents)) {
      const source = new Uint8Array(contents.buffer, contents.byteOffset, contents.byteLength);
      new Uint8Array(memory.buffer, offset, length).set(source);
    } else if ("floats" in contents) {
      const floats = new Float32Array(memory.buffer, offset, contents.floats);
      for (let k = 0; k < floats.length; k++) floats[k] = random.gaussian();
    } else {
      const bytes = new Int8Array(memory.buffer, offset, length);
      for (let k = 0; k < length; k++) bytes[k] = contents.value ?? random.integer(256) - 128;
    }
    return offset;
  });
  return { memory, arguments: placed };
}

export function byteLength(contents: Contents): number {
  if (ArrayBuffer.isView(contents)) return contents.byteLength;
  return "floats" in contents ? 4 * contents.floats : contents.bytes;
}
