import { type Static, Type } from '#hal/schema.ts';
import { parseCheckedYaml } from '#hal/checked-yaml.ts';
import { buildingTypes } from './site/load-shapes.ts';
import { twinKinds } from './twins.ts';

const closed = { additionalProperties: false } as const;
const mostW = 10_000_000;

const device = Type.Object(
  {
    twin: Type.Enum(twinKinds.map(({ name }) => name)),
    unit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 247, description: 'As the device is delivered unless told' }),
    ),
    set: Type.Optional(
      Type.Record(Type.String(), Type.Number(), { description: 'Points held at a value, in the unit of the map' }),
    ),
  },
  closed,
);
const devices = Type.Array(device, { minItems: 1, maxItems: 64 });
const baud = Type.Optional(Type.Integer({ minimum: 300, maximum: 3_000_000 }));

/** Where devices stand: Modbus TCP on loopback, RTU on a pseudo-terminal reached by a path, RTU on a serial line. */
const port = Type.Object(
  {
    tcp: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: '0 takes any free port' })),
    pty: Type.Optional(Type.String({ minLength: 1, title: 'a path', description: 'A link to the pseudo-terminal' })),
    serial: Type.Optional(Type.String({ pattern: '^/dev/[^\\s]+$', title: 'a device file like /dev/ttyUSB0' })),
    baud,
    devices,
  },
  closed,
);

const site = Type.Object(
  {
    building: Type.Optional(Type.Enum([...buildingTypes])),
    latitude: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
    longitude: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
    timeZone: Type.Optional(Type.String()),
    peakLoadW: Type.Optional(Type.Integer({ minimum: 1, maximum: mostW })),
    pvRatedW: Type.Optional(Type.Integer({ minimum: 1, maximum: mostW })),
    battery: Type.Optional(
      Type.Object(
        {
          capacityWh: Type.Integer({ minimum: 1, maximum: mostW }),
          ratedW: Type.Integer({ minimum: 1, maximum: mostW }),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** What a plan of twins may say. */
export const twinPlanSchema = Type.Object(
  {
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffffffff, description: 'Of weather, load and grid' })),
    start: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$',
        title: 'a time like 2026-06-21T19:00:00Z',
        description: 'What time it is at the site when the twins start; now unless told',
      }),
    ),
    site: Type.Optional(site),
    ports: Type.Array(port, { minItems: 1, maxItems: 32 }),
  },
  closed,
);
export type TwinPlan = Static<typeof twinPlanSchema>;
export type TwinPort = TwinPlan['ports'][number];

const codes = {
  unreadable: 'GTX-TWN-002',
  invalid: 'GTX-TWN-003',
  hint: '`gridtokenx twin --list` names the devices; `gridtokenx twin --help` shows a plan.',
} as const;

/**
 * Checks the text of a plan.
 * @throws GridError GTX-TWN-002 (not YAML), GTX-TWN-003 (line, key and what was expected)
 */
export function parseTwinPlan(file: string, text: string): TwinPlan {
  const { value, fault } = parseCheckedYaml(file, text, twinPlanSchema, codes);
  const seen: Record<'pv' | 'battery', boolean> = { pv: false, battery: false };
  value.ports.forEach((each, i) => {
    const places = [each.tcp, each.pty, each.serial].filter((place) => place !== undefined);
    if (places.length !== 1) throw fault(['ports', i], 'expected one of tcp, pty, serial');
    const units = new Set<number>();
    each.devices.forEach(({ twin, unit }, at) => {
      const number = unit ?? twinKinds.find(({ name }) => name === twin)!.unit;
      const path = ['ports', i, 'devices', at] as const;
      if (units.has(number))
        throw fault([...path, unit === undefined ? 'twin' : 'unit'], `unit ${number} is already taken on this port`);
      units.add(number);
      const part = twin.startsWith('sunspec-inverter') ? 'pv' : twin === 'sunspec-battery' ? 'battery' : undefined;
      if (part === undefined) return;
      if (seen[part])
        throw fault(
          [...path, 'twin'],
          `the site has one ${part === 'pv' ? 'inverter' : 'battery'}; give another plan to the second`,
        );
      seen[part] = true;
    });
  });
  return value;
}
