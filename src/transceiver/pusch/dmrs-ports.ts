/** TS 38.211 Tables 6.4.1.1.3-1 (type 1) and -2 (type 2). */
export type DmrsConfigType = 1 | 2;

/** How one DM-RS port is laid on its CDM group's subcarriers and symbols. */
export interface DmrsPort {
  /** λ. */
  readonly cdmGroup: number;
  /** Δ: offset of the group's first subcarrier. */
  readonly delta: number;
  /** w_f(0), w_f(1): over the two subcarriers k' of a pair. */
  readonly frequencyWeights: readonly [1, 1 | -1];
  /** w_t(0), w_t(1): over the symbols l' of double-symbol DM-RS. */
  readonly timeWeights: readonly [1, 1 | -1];
}

/** Number of DM-RS ports: 4 or 6, twice as many with double-symbol DM-RS. */
export function dmrsPortCount(type: DmrsConfigType, length: 1 | 2): number {
  return (type === 1 ? 4 : 6) * length;
}

/** λ of a port counted from 0 (port 1000 + p of the 3GPP numbering is p here). */
export function dmrsCdmGroup(type: DmrsConfigType, port: number): number {
  return type === 1 ? (port >> 1) % 2 : (port >> 1) % 3;
}

/** The row of TS 38.211 Table 6.4.1.1.3-1 or -2 of a port counted from 0; a port outside the table is the caller's mistake. */
export function dmrsPort(type: DmrsConfigType, port: number): DmrsPort {
  const cdmGroup = dmrsCdmGroup(type, port);
  return {
    cdmGroup,
    delta: type === 1 ? cdmGroup : 2 * cdmGroup,
    frequencyWeights: [1, port % 2 === 0 ? 1 : -1],
    timeWeights: [1, port < (type === 1 ? 4 : 6) ? 1 : -1],
  };
}

/** Subcarriers of a resource block that carry the pilots of one CDM group: 6 (type 1) or 4 (type 2). */
export function dmrsSubcarriersPerBlock(type: DmrsConfigType): 6 | 4 {
  return type === 1 ? 6 : 4;
}

/** Subcarrier, from the start of the first resource block, of pilot `index` = 2n + k' of a CDM group with offset `delta`. */
export function dmrsSubcarrier(type: DmrsConfigType, delta: number, index: number): number {
  return type === 1 ? 2 * index + delta : 6 * (index >> 1) + (index & 1) + delta;
}
