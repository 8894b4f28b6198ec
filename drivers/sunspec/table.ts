/** The shape of the generated table of SunSpec information models (`models.generated.ts`). */

export const pointTypes = {
  int16: 1,
  uint16: 1,
  count: 1,
  enum16: 1,
  bitfield16: 1,
  sunssf: 1,
  pad: 1,
  int32: 2,
  uint32: 2,
  acc32: 2,
  bitfield32: 2,
  float32: 2,
  uint64: 4,
  acc64: 4,
  /** As many registers as the point says. */
  string: 0,
} as const;
/** The point types that the models use (SunSpec Device Information Model Specification V1.2 §4.2), with their registers. */
export type PointType = keyof typeof pointTypes;

export interface PointTable {
  readonly type: PointType;
  /** Registers from the start of its group; the model's ID register is 0. */
  readonly at: number;
  /** Registers. */
  readonly size: number;
  /** The point of the model that holds its power of ten. */
  readonly sf?: string;
  readonly unit?: string;
  /** May be written. */
  readonly rw?: true;
  /** Does not change while the device runs. */
  readonly fixed?: true;
  readonly symbols?: Readonly<Record<string, number>>;
}

export interface GroupTable {
  readonly name: string;
  /** Registers of its own points, without the groups within. */
  readonly size: number;
  /** How often it stands there: a number, the model's point that says so, or 0 for as often as the model's length allows. */
  readonly count: number | string;
  readonly points: Readonly<Record<string, PointTable>>;
  /** They follow the points, in this order, each with all its repetitions. */
  readonly groups: readonly GroupTable[];
}

/** A point at its place in one device. */
export interface PlacedPoint {
  /** `WH`, `Prt[0].DCW`, `Crv[1].Pt[3].V`; a group that stands once has no index. */
  readonly path: string;
  /** Registers from the model's ID register. */
  readonly at: number;
  readonly point: PointTable;
}

/**
 * Lays a model out. `countOf` answers the value of a counting point; `length` (the registers after ID and L) bounds
 * the groups that repeat to the model's end. Every point and count is taken as it is: check `length` before.
 */
export function layOut(model: GroupTable, countOf: (point: string) => number, length: number): PlacedPoint[] {
  const placed: PlacedPoint[] = [];
  const place = (group: GroupTable, prefix: string, start: number): number => {
    for (const [name, point] of Object.entries(group.points)) {
      placed.push({ path: prefix + name, at: start + point.at, point });
    }
    let at = start + group.size;
    for (const inner of group.groups) {
      const count = countIn(inner, at);
      const isOnce = inner.count === 1;
      for (let i = 0; i < count; i++) at = place(inner, `${prefix}${inner.name}${isOnce ? '' : `[${i}]`}.`, at);
    }
    return at;
  };
  const countIn = (group: GroupTable, at: number): number => {
    if (typeof group.count === 'string') return countOf(group.count);
    return group.count === 0 ? Math.floor((length + 2 - at) / group.size) : group.count;
  };
  place(model, '', 0);
  return placed;
}
