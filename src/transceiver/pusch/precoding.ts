/**
 * TS 38.211 Tables 6.3.1.5-1 to -7: rows are antenna ports, columns layers,
 * without the factor. Ports of a matrix are separated by commas, layers by nothing; `i` is +j, `I` is -j, `-` is -1.
 */
const ONE_LAYER_TWO_PORTS = "1,0 0,1 1,1 1,- 1,i 1,I";

const ONE_LAYER_FOUR_PORTS_TRANSFORM_PRECODED =
  "1,0,0,0 0,1,0,0 0,0,1,0 0,0,0,1 1,0,1,0 1,0,-,0 1,0,i,0 1,0,I,0 " +
  "0,1,0,1 0,1,0,- 0,1,0,i 0,1,0,I 1,1,1,- 1,1,i,i 1,1,-,1 1,1,I,I " +
  "1,i,1,i 1,i,i,1 1,i,-,I 1,i,I,- 1,-,1,1 1,-,i,I 1,-,-,- 1,-,I,i " +
  "1,I,1,I 1,I,i,- 1,I,-,i 1,I,I,1";

const ONE_LAYER_FOUR_PORTS =
  "1,0,0,0 0,1,0,0 0,0,1,0 0,0,0,1 1,0,1,0 1,0,-,0 1,0,i,0 1,0,I,0 " +
  "0,1,0,1 0,1,0,- 0,1,0,i 0,1,0,I 1,1,1,1 1,1,i,i 1,1,-,- 1,1,I,I " +
  "1,i,1,i 1,i,i,- 1,i,-,I 1,i,I,1 1,-,1,- 1,-,i,I 1,-,-,1 1,-,I,i " +
  "1,I,1,I 1,I,i,1 1,I,-,i 1,I,I,-";

const TWO_LAYERS_TWO_PORTS = "10,01 11,1- 11,iI";

const TWO_LAYERS_FOUR_PORTS =
  "10,01,00,00 10,00,01,00 10,00,00,01 00,10,01,00 00,10,00,01 00,00,10,01 " +
  "10,01,10,0I 10,01,10,0i 10,01,I0,01 10,01,I0,0- 10,01,-0,0I 10,01,-0,0i 10,01,i0,01 10,01,i0,0- " +
  "11,11,1-,1- 11,11,iI,iI 11,ii,1-,iI 11,ii,iI,-1 11,--,1-,-1 11,--,iI,Ii 11,II,1-,Ii 11,II,iI,1-";

const THREE_LAYERS_FOUR_PORTS =
  "100,010,001,000 100,010,100,001 100,010,-00,001 " +
  "111,1-1,11-,1-- 111,1-1,iiI,iII 111,-1-,11-,-11 111,-1-,iiI,Iii";

const FOUR_LAYERS_FOUR_PORTS =
  "1000,0100,0010,0001 1100,0011,1-00,001- 1100,0011,iI00,00iI " + "1111,1-1-,11--,1--1 1111,1-1-,iiII,iIIi";

const VALUES: Readonly<Record<string, readonly [number, number]>> = {
  "0": [0, 0],
  "1": [1, 0],
  "-": [-1, 0],
  i: [0, 1],
  I: [0, -1],
};

function codebook(layers: number, ports: number, transformPrecoding: boolean): readonly string[] {
  const tables: Readonly<Record<string, string>> = {
    "1,2": ONE_LAYER_TWO_PORTS,
    "1,4": transformPrecoding ? ONE_LAYER_FOUR_PORTS_TRANSFORM_PRECODED : ONE_LAYER_FOUR_PORTS,
    "2,2": TWO_LAYERS_TWO_PORTS,
    "2,4": TWO_LAYERS_FOUR_PORTS,
    "3,4": THREE_LAYERS_FOUR_PORTS,
    "4,4": FOUR_LAYERS_FOUR_PORTS,
  };
  return tables[`${layers},${ports}`]?.split(" ") ?? [];
}

/**
 * Number of transmitted precoding matrix indicators for so many layers and antenna ports, transform precoding enabled
 * or not; 0 where there is no table.
 */
export function precodingMatrixCount(layers: number, ports: number): number {
  return codebook(layers, ports, false).length;
}

/**
 * Precoding matrix W of codebook-based transmission (TS 38.211 6.3.1.5).
 * @param tpmi below `precodingMatrixCount(layers, ports)`; another is the caller's mistake.
 * @returns `[port][layer]` interleaved re, im.
 */
export function precodingMatrix(
  layers: number,
  ports: number,
  tpmi: number,
  transformPrecoding = false,
): Float64Array {
  const text = codebook(layers, ports, transformPrecoding)[tpmi]!;
  const symbols = [...text.replaceAll(",", "")];
  const matrix = new Float64Array(2 * ports * layers);
  const factor = precodingFactor(text, ports);
  symbols.forEach((symbol, index) => {
    const [re, im] = VALUES[symbol]!;
    matrix[2 * index] = re * factor;
    matrix[2 * index + 1] = im * factor;
  });
  return matrix;
}

/** The factor before a matrix of the tables: one over the root of ports times layers on the port that carries most. */
function precodingFactor(text: string, ports: number): number {
  const layersOfPort = text.split(",").map((row) => row.replaceAll("0", "").length);
  return 1 / Math.sqrt(ports * Math.max(...layersOfPort));
}
