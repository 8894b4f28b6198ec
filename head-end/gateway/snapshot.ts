import { type Static, type TSchema, Type } from 'typebox';
import type { Micro, MicroPerKWh, UnixSeconds, W, Wh } from '#hal/units.ts';

/**
 * What the page and the REST interface show of a campus, as JSON Schemas (fastify serialises by them, OpenAPI can
 * publish them) and as the TypeScript types derived from them. All times are virtual time of the campus.
 */

const Power = (description: string) => Type.Unsafe<W>(Type.Integer({ description: `W. ${description}` }));
const Energy = (description: string) => Type.Unsafe<Wh>(Type.Integer({ description: `Wh. ${description}` }));
const Time = (description: string) => Type.Unsafe<UnixSeconds>(Type.Integer({ description: `Unix s. ${description}` }));
const Money = (description: string) =>
  Type.Unsafe<Micro>(Type.Integer({ description: `Millionths of the settlement token. ${description}` }));
const Price = () =>
  Type.Unsafe<MicroPerKWh>(Type.Integer({ description: 'Millionths of the settlement token per kWh.' }));
const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const ListOf = <S extends TSchema>(schema: S, maxItems?: number) =>
  Type.Unsafe<readonly Static<S>[]>(Type.Array(schema, maxItems === undefined ? {} : { maxItems }));

/** How many windows and settlements a snapshot carries at most. */
export const shownWindows = 24;
export const shownSettlements = 12;

export const SiteSchema = Type.Object({
  name: Type.String({ description: 'Name of the campus, the title of the page.' }),
  timeZone: Type.String({ description: 'IANA name; the page shows times in it: `America/Los_Angeles`.' }),
});

const powerFlows = {
  generationW: Power('Photovoltaic output, 0 or more.'),
  loadW: Power('Consumption, 0 or more.'),
  gridW: Power('At the connection point; positive is import.'),
  storageW: Power('AC side of the storage; positive is discharge.'),
};

export const CampusSchema = Type.Object({
  ...powerFlows,
  p2pW: Power('Mean power of the trades of the window being delivered, 0 or more.'),
});

export const LastTradeSchema = Type.Object({
  window: Time('Start of the delivery window.'),
  side: Type.Union([Type.Literal('buy'), Type.Literal('sell')]),
  energyWh: Energy('Positive.'),
  priceMicroPerKWh: Price(),
});

export const NoticeSchema = Type.Object({
  level: Type.Union([Type.Literal('notice'), Type.Literal('warning'), Type.Literal('critical')]),
  text: Type.String({ description: 'For a person: `certificate ends in 6 days`.' }),
});

export const MeterSchema = Type.Object({
  meterId: Type.String(),
  name: Type.String({ description: 'What people call the building.' }),
  building: Type.String({ description: 'Building type: `academic`, `residential`, …' }),
  role: Type.Union([Type.Literal('prosumer'), Type.Literal('consumer')], {
    description: '`prosumer` while it exports or sells in the current window, else `consumer`.',
  }),
  ...powerFlows,
  stateOfChargePercent: Nullable(
    Type.Number({ minimum: 0, maximum: 100, description: 'null without a battery or before its first reading.' }),
  ),
  batteryWh: Energy('Usable capacity; 0 without a battery.'),
  lastReadingAt: Nullable(Time('End of the period of the newest stored reading.')),
  powerAt: Nullable(
    Time('End of the span that its powers are means of; null before its second reading: no power yet.'),
  ),
  lastTrade: Nullable(LastTradeSchema),
  notice: Nullable(NoticeSchema),
});

export const WindowSchema = Type.Object({
  window: Time('Start of the window, which also names it.'),
  priceMicroPerKWh: Nullable(Price()),
  volumeWh: Energy('Energy traded, 0 or more.'),
  trades: Type.Integer({ minimum: 0 }),
  status: Type.Union([Type.Literal('cleared'), Type.Literal('settled'), Type.Literal('empty')]),
});

export const SettlementSchema = Type.Object({
  window: Time('Start of the window it settles.'),
  signature: Type.String({ description: "The transaction's signature, base58." }),
  transfers: Type.Integer({ minimum: 0, description: 'Token transfers in the transaction, after netting.' }),
  volumeWh: Energy('Energy settled.'),
  amountMicro: Money('Moved between accounts.'),
  confirmedAt: Time('When the ledger confirmed it.'),
  ledger: Type.Literal('embedded'),
});

export const HealthSchema = Type.Object({
  metersOnline: Type.Integer({ minimum: 0, description: 'Meters whose newest reading is not overdue.' }),
  metersTotal: Type.Integer({ minimum: 0 }),
  database: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
  lastError: Nullable(Type.String({ description: 'The newest error a person should know of, one line.' })),
});

export const CampusSnapshotSchema = Type.Object({
  site: SiteSchema,
  time: Time('Now.'),
  startedAt: Time('When this run began.'),
  speed: Nullable(Type.Number({ exclusiveMinimum: 0, description: 'Virtual seconds a second; null: no limit.' })),
  campus: CampusSchema,
  meters: ListOf(MeterSchema),
  windows: ListOf(WindowSchema, shownWindows),
  settlements: ListOf(SettlementSchema, shownSettlements),
  health: HealthSchema,
});

export type LastTrade = Readonly<Static<typeof LastTradeSchema>>;
export type Notice = Readonly<Static<typeof NoticeSchema>>;
export type MeterSnapshot = Readonly<Static<typeof MeterSchema>>;
export type WindowSnapshot = Readonly<Static<typeof WindowSchema>>;
export type SettlementSnapshot = Readonly<Static<typeof SettlementSchema>>;
/** `meters` are ordered by meterId; `windows` and `settlements` run from oldest to newest. */
export type CampusSnapshot = Readonly<Static<typeof CampusSnapshotSchema>>;

/** Where the gateway gets what it shows. */
export interface SnapshotSource {
  /** The present state; cheap enough to be asked for with each request. */
  current(): CampusSnapshot;
  /** Calls `listener` with the time after each change until disposed; any number of changes a second is fine. */
  onChange(listener: (time: UnixSeconds) => void): Disposable;
}

export const HistoryPointSchema = Type.Object({
  time: Time('When the point was taken.'),
  generationW: powerFlows.generationW,
  loadW: powerFlows.loadW,
  gridW: powerFlows.gridW,
});
export type HistoryPoint = Readonly<Static<typeof HistoryPointSchema>>;

export const MetersSchema = Type.Object({ time: CampusSnapshotSchema.properties.time, meters: ListOf(MeterSchema) });
export const WindowsSchema = Type.Object({
  time: CampusSnapshotSchema.properties.time,
  windows: ListOf(WindowSchema, shownWindows),
});
export const SettlementsSchema = Type.Object({
  time: CampusSnapshotSchema.properties.time,
  settlements: ListOf(SettlementSchema, shownSettlements),
});
export const HistorySchema = Type.Object({
  stepSeconds: Type.Integer({ minimum: 1, description: 'Least distance of two points.' }),
  points: ListOf(HistoryPointSchema),
});
/** RFC 9457, with our code and hint. */
export const ProblemSchema = Type.Object({
  type: Type.Literal('about:blank'),
  title: Type.String({ description: 'What the status says.' }),
  status: Type.Integer(),
  detail: Type.String({ description: 'For a person; of a body it begins with the place as a JSON pointer.' }),
  code: Type.String({ description: 'Stable: `GTX-GTW-003`.' }),
  hint: Nullable(Type.String({ description: 'What can be done about it.' })),
});
export const MeterParamsSchema = Type.Object({ meterId: Type.String({ minLength: 1 }) });
