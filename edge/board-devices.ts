import { type TObject, Type } from '#hal/schema.ts';
import { type PortSpec, portSchema } from '#hal/port-file.ts';
import { type Role, roles } from '#drivers/driver.ts';
import { driversOf } from '#drivers/registry.ts';
import type { BoardFile, DeviceEntry } from './board-file.ts';

/** In place of a port: a twin stands in for the device. */
export const emulated = 'emulated';

const port = Type.Optional(
  Type.Union([Type.String({ title: 'the name of a port' }), ...portSchema.anyOf], {
    title: 'the name of a port, `emulated`, or a port like { tcp: "192.168.1.20:502" }',
    description: 'Where the device answers; needed when `hal` is real.',
  }),
);

export const roleNames = Object.keys(roles) as readonly Role[];

/** What a board file may say of each device: one mapping a driver, told apart by `driver`. */
export const deviceSchemas = Object.fromEntries(
  roleNames.map((role) => {
    const ofDrivers = driversOf(role).map(({ name, summary, settings }) =>
      Type.Object(
        { driver: Type.Literal(name, { description: summary }), ...roles[role], ...settings, port },
        { additionalProperties: false },
      ),
    );
    return [role, Type.Optional(Type.Union(ofDrivers))];
  }),
) as unknown as { readonly [R in Role]: TObject };

/** One device of a board file, with its role. */
export interface BoardDevice {
  readonly role: Role;
  readonly entry: DeviceEntry<Role>;
}

/** The devices of a board, in the order of the roles. */
export const devicesOf = ({ devices }: Pick<BoardFile, 'devices'>): readonly BoardDevice[] =>
  roleNames.flatMap((role) => {
    const entry = devices[role];
    return entry === undefined ? [] : [{ role, entry }];
  });

/** Whether a twin stands in for the device. */
export const isEmulated = (file: Pick<BoardFile, 'hal'>, entry: Pick<DeviceEntry<Role>, 'port'>): boolean =>
  file.hal === 'emulated' || entry.port === emulated;

/** The port of a device that is not emulated; `undefined` where the file names none that there is. */
export const portOf = ({ ports }: Pick<BoardFile, 'ports'>, entry: DeviceEntry<Role>): PortSpec | undefined =>
  typeof entry.port === 'string' ? ports?.[entry.port] : entry.port;
