import { InputError } from "../../errors.js";
import type { Context, Process } from "../../functions/index.js";
import type { ModulationOrder } from "../pusch/mcs.js";
import { precodingMatrix, precodingMatrixCount } from "../pusch/precoding.js";
import type { mapping } from "./function.js";
import { layerMap } from "./layer-map.js";
import { prepareModulate } from "./modulate.js";
import { keepModulationScheme, modulationSchemeIndex } from "./modulation-scheme.js";
import { precode } from "./precode.js";
import { prepareScramble } from "./scramble.js";
import { prepareTransformPrecoding } from "./transform-precoding.js";

type MappingContext = Context<
  typeof mapping.inputs,
  typeof mapping.outputs,
  typeof mapping.parameters,
  typeof mapping.state
>;

/** How codewords of one modulation order go through. */
interface Path {
  readonly layers: number;
  readonly modulate: (codeword: Uint8Array, symbols: Float32Array) => void;
  /**
   * Precoding matrices `[port][layer]` by TPMI; at -1 the identity, where there are as many ports as layers. With
   * transform precoding they hold its factor too.
   */
  readonly weights: ReadonlyMap<number, Float64Array>;
}

/**
 * Prepares plain mapping. The sizes leave open which modulation order goes with which number of layers, so a path
 * stands ready for each pair that fits.
 * @throws InputError where none fits.
 */
export function prepareMapping(context: MappingContext): Process {
  const { dimensions, inputs, outputs, state, parameters } = context;
  const { codewordBit, port, re } = dimensions;
  const { transformSize } = parameters;
  const paths = new Map<number, Path>();
  for (const order of [1, 2, 4, 6, 8] as const) {
    const layers = codewordBit / (order * re);
    if (Number.isInteger(layers) && layers >= 1 && layers <= (transformSize ? 1 : Math.min(4, port)))
      paths.set(order, path(order, codewordBit, layers, port, transformSize));
  }
  if (paths.size === 0)
    throw new InputError(
      "dimensions.codewordBit",
      codewordBit,
      `give 1, 2, 4, 6 or 8 times 1 to ${Math.min(4, port)} layers of ${re} resource elements`,
    );
  const scramble = prepareScramble(codewordBit);
  const codeword = new Uint8Array(codewordBit);
  const most = Math.max(...Array.from(paths.values(), ({ layers }) => layers));
  const transform = transformSize ? prepareTransformPrecoding(context, transformSize) : undefined;
  const modulated = transform?.symbols ?? new Float32Array(2 * re * most);
  const layered = transform?.transformed ?? new Float32Array(2 * re * most);
  const [bits, grant] = [inputs.bits.view, inputs.grant.view];
  const [symbols, scheme] = [outputs.symbols.view, state.modulationScheme.view];
  return () => {
    keepModulationScheme(grant, scheme);
    const chosen = paths.get(scheme[modulationSchemeIndex.modulationOrder]!);
    const weights = chosen?.weights.get(scheme[modulationSchemeIndex.tpmi]!);
    if (chosen === undefined || weights === undefined) {
      symbols.fill(0);
      return;
    }
    codeword.set(bits);
    scramble(scheme[modulationSchemeIndex.scramblingInit]!, codeword);
    chosen.modulate(codeword, modulated);
    if (transform) transform.run();
    else layerMap(modulated, chosen.layers, re, layered);
    precode(weights, layered, chosen.layers, port, re, symbols);
  };
}

function path(
  order: ModulationOrder,
  codewordBits: number,
  layers: number,
  ports: number,
  transformSize: number,
): Path {
  const factor = transformSize ? 1 / Math.sqrt(transformSize) : 1;
  const scaled = (matrix: Float64Array) => matrix.map((weight) => weight * factor);
  const weights = new Map<number, Float64Array>();
  if (layers === ports) weights.set(-1, scaled(identity(layers)));
  for (let tpmi = 0; tpmi < precodingMatrixCount(layers, ports); tpmi++)
    weights.set(tpmi, scaled(precodingMatrix(layers, ports, tpmi, transformSize > 0)));
  return { layers, modulate: prepareModulate(order, codewordBits), weights };
}

function identity(layers: number): Float64Array {
  const matrix = new Float64Array(2 * layers * layers);
  for (let layer = 0; layer < layers; layer++) matrix[2 * (layer * layers + layer)] = 1;
  return matrix;
}
