import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Grid } from "./complex.js";
import { dataFolder, hasData, hexToBits, readFloats, readText } from "./reference-data.js";
import type { IndependentGrant } from "./transmitter.js";

/** One slot of the reference data: what was sent and the grid it became. */
export interface ReferenceCase {
  readonly name: string;
  readonly grant: IndependentGrant;
  readonly transportBlock: number[];
  readonly grid: Grid;
}

/** The file format of the reference data. */
interface CaseFile {
  carrier: { n_cell_id: number; slot_number: number };
  pusch: {
    n_size_bwp: number;
    symbol_allocation: [number, number];
    n_rnti: number;
    num_antenna_ports: number;
    num_layers: number;
    precoding: string;
    tpmi: number;
    dmrs: {
      length: 1 | 2;
      config_type: 1 | 2;
      additional_position: 0 | 1 | 2 | 3;
      num_cdm_groups_without_data: number;
      dmrs_port_set: number[];
      n_scid: 0 | 1;
      n_id: number;
    };
    tb: { mcs_index: number; mcs_table: 1 | 2 | 3 };
  };
  transport_block: { bits: number; hex_msb_first_zero_padded: string };
  grid: { file: string; shape: [number, number, number] };
}

/** Names of the reference slots; none where the reference data is absent. */
export const referenceCaseNames: readonly string[] = hasData
  ? readdirSync(resolve(dataFolder, "pusch"))
      .filter((file) => file.endsWith(".json"))
      .map((file) => file.replace(".json", ""))
      .sort()
  : [];

/** Reads one slot; what the files leave out is normal cyclic prefix, mapping type A, DM-RS at symbol 2. */
export function readReferenceCase(name: string): ReferenceCase {
  const { carrier, pusch, transport_block, grid } = JSON.parse(readText(`pusch/${name}.json`)) as CaseFile;
  const floats = readFloats(`pusch/${grid.file}`);
  const [ports, symbols, subcarriers] = grid.shape;
  return {
    name,
    transportBlock: hexToBits(transport_block.hex_msb_first_zero_padded, transport_block.bits),
    grid: Array.from({ length: ports }, (_, port) =>
      Array.from({ length: symbols }, (_, symbol) =>
        Array.from({ length: subcarriers }, (_, subcarrier) => {
          const index = 2 * ((port * symbols + symbol) * subcarriers + subcarrier);
          return { re: floats[index]!, im: floats[index + 1]! };
        }),
      ),
    ),
    grant: {
      slot: carrier.slot_number,
      physCellId: carrier.n_cell_id,
      rnti: pusch.n_rnti,
      bwpStart: 0,
      bwpSize: pusch.n_size_bwp,
      subcarrierSpacing: 30,
      cyclicPrefix: "normal",
      rbStart: 0,
      rbSize: pusch.n_size_bwp,
      startSymbolIndex: pusch.symbol_allocation[0],
      nrOfSymbols: pusch.symbol_allocation[1],
      mappingType: "A",
      dmrsTypeAPosition: 2,
      dmrsAdditionalPosition: pusch.dmrs.additional_position,
      dmrsLength: pusch.dmrs.length,
      dmrsConfigType: pusch.dmrs.config_type,
      dmrsPorts: pusch.dmrs.dmrs_port_set,
      numDmrsCdmGrpsNoData: pusch.dmrs.num_cdm_groups_without_data,
      dmrsScramblingId: pusch.dmrs.n_id,
      scid: pusch.dmrs.n_scid,
      dataScramblingId: carrier.n_cell_id,
      mcsTable: pusch.tb.mcs_table,
      mcsIndex: pusch.tb.mcs_index,
      rvIndex: 0,
      nrOfLayers: pusch.num_layers,
      antennaPorts: pusch.num_antenna_ports,
      ...(pusch.precoding === "codebook" ? { tpmi: pusch.tpmi } : {}),
    },
  };
}
