import type { Log } from '#hal/log.ts';
import { wallSeconds } from '#hal/wall.ts';
import { trustedMakers } from '#provisioning/tpm/endorsement-certificate.ts';
import type { EnrolmentConfig } from '../protocol.ts';
import { EnrolmentServer } from './enrolment-server.ts';
import { EnrolmentService, type EnrolmentServiceOptions } from './enrolment-service.ts';

export interface EnrolmentParts
  extends Pick<EnrolmentServiceOptions, 'list' | 'authority' | 'register' | 'securityLog'> {
  /** PEM texts of the head-end's certificate chain and key. */
  readonly tls: { readonly cert: string; readonly key: string };
  readonly log: Log;
}

/**
 * The enrolment service of a head-end, which does not listen yet; the boards of its configuration are on the list.
 * Rejects with GTX-TPM-032 for the makers, GTX-ENR-02x for a board.
 */
export async function openEnrolment(config: EnrolmentConfig, parts: EnrolmentParts): Promise<EnrolmentServer> {
  const { tls, log, ...served } = parts;
  const { port, host = '127.0.0.1' } = config;
  for (const board of config.boards) await parts.list.allow(board, wallSeconds());
  const pcrs = config.pcrs && new Map(config.pcrs.map(({ index, digest }) => [index, Buffer.from(digest, 'hex')]));
  const rules = { makers: trustedMakers(config.makers), ...(pcrs !== undefined && { pcrs }) };
  const service = new EnrolmentService({ ...served, ...rules, now: wallSeconds });
  return new EnrolmentServer({ port, host, tls, service, log });
}
