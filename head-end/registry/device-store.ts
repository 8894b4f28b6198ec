import type { PoolClient } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { type CertificateFacts, columnValues, type Device, deviceOf, type Registration } from './device.ts';
import { type DeviceRow, sql } from './device-sql.ts';

/** Stores a registration within a transaction, by its LFDI alone from then on. Rejects with `GTX-REG-001`. */
export async function store(client: PoolClient, registration: Registration, lfdi: Lfdi): Promise<Device> {
  const { meterId, at } = registration;
  const bytes = Buffer.from(lfdi, 'hex');
  const { rows } = await client.query<{ id: number }>(sql.upsertDevice, [meterId, at, ...columnValues(registration)]);
  const id = rows[0]?.id as number;
  await client.query(sql.retireOthers, [id, bytes, at]);
  await putLfdi(client, { lfdi, device: { id, meterId }, at, certificate: registration.certificate, isPending: false });
  return read(client, id);
}

export interface NewLfdi {
  readonly lfdi: Lfdi;
  readonly device: Pick<Device, 'id' | 'meterId'>;
  readonly at: UnixSeconds;
  readonly certificate?: CertificateFacts | undefined;
  readonly isPending: boolean;
}

/** Stores a certificate of a device. Rejects with `GTX-REG-001` where it is another meter's. */
export async function putLfdi(
  client: PoolClient,
  { lfdi, device, at, certificate, isPending }: NewLfdi,
): Promise<void> {
  const { number = null, notAfter = null } = certificate ?? {};
  const values = [Buffer.from(lfdi, 'hex'), sfdiOf(lfdi), device.id, at, number, notAfter, isPending];
  const { rows } = await client.query<{ meter_id: string }>(sql.upsertLfdi, values);
  const holder = rows[0]?.meter_id;
  if (holder !== undefined && holder !== device.meterId) throw taken(lfdi, holder);
}

/** The device as it is stored now. */
export async function read(client: PoolClient, id: number): Promise<Device> {
  const { rows } = await client.query<DeviceRow>(sql.deviceById, [id]);
  return deviceOf(rows[0] as DeviceRow);
}

export const taken = (lfdi: Lfdi, meterId: string): GridError =>
  new GridError('GTX-REG-001', `The LFDI ${lfdi} belongs to ${meterId}`, {
    hint: 'Two boards hold the same key: issue a new certificate with a key of its own to one of them.',
  });

export const notInForce = (lfdi: Lfdi): GridError =>
  new GridError('GTX-REG-003', `The certificate ${lfdi} is not the one of a device now`, {
    hint: 'Another has taken its place, or it was never offered: ask for a new one with the certificate in force.',
  });
