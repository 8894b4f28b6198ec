import { X509Certificate } from 'node:crypto';
import type { Static, TSchema } from '#hal/schema.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { problemIn } from '#hal/problem.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { certificatePolicies, readCertificate } from '#provisioning/certificate-fields.ts';
import { bytesOf, checkedMessage, IssuedSchema } from '#provisioning/enrolment/message-json.ts';
import { type KeyProof, proofJson, RenewalChallengeSchema, renewalPath } from '#provisioning/enrolment/renewal-json.ts';
import { type DeviceIdentity, writeIdentity } from '#provisioning/identity-files.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { checkPeer } from '#provisioning/peer-check.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { trustedRoot } from '#provisioning/trusted-authority.ts';
import { isRenewalDue } from '#provisioning/validity.ts';
import { exchange, openTlsLink } from '../client/tls-link.ts';

export interface RenewalOptions {
  /** Of the head-end's 2030.5 server: `https://head-end.example:8443`. */
  readonly origin: string;
  /** Where the identity's files lie, and the new ones come to lie. */
  readonly folder: string;
  /** The TPM's word, for a nonce, that the key is still in it; undefined for a key in a file. */
  readonly prove?: (nonce: Uint8Array) => Promise<KeyProof>;
  /** Whether a certificate is to be renewed by now; from 30 days left on unless told. */
  readonly isDue?: typeof isRenewalDue;
}

/**
 * Renews an identity's certificate at the head-end when it is due, over the one in force (IEEE 2030.5-2018 knows none
 * that end; the messages are those of RFC 7030 §4.2.2 in JSON), and answers the one to use from then on: the same
 * where it is not due. The new one lies on the disk before it is used, and the head-end retires the old one when the
 * board comes with the new one. Rejects with the head-end's code where it refuses, `GTX-RNW-001` where it is not
 * reached, `GTX-RNW-002` for a certificate that does not hold.
 */
export async function renewed(identity: DeviceIdentity, options: RenewalOptions): Promise<DeviceIdentity> {
  const { isDue = isRenewalDue, folder, prove } = options;
  const [old] = certificatesOf(identity.certificatePem);
  if (old === undefined || !isDue(readCertificate(old.raw), wallSeconds())) return identity;
  const chain = await overLink(identity, options, async (ask) => {
    const { nonce } = await ask('start', RenewalChallengeSchema);
    const proof = nonce === undefined || prove === undefined ? {} : { proof: proofJson(await prove(bytesOf(nonce))) };
    return (await ask('finish', IssuedSchema, proof)).chain;
  });
  const next = checked(chain, { old, identity });
  await writeIdentity(folder, { issued: { der: next.raw, chainPem: chain }, caPem: identity.caPem });
  const lfdi = lfdiOf(next.raw);
  const renewedIdentity = { ...identity, certificatePem: chain, lfdi, sfdi: sfdiOf(lfdi) };
  await overLink(renewedIdentity, options, (ask) => ask('confirm', undefined));
  return renewedIdentity;
}

type Ask = <S extends TSchema | undefined>(
  step: 'start' | 'finish' | 'confirm',
  schema: S,
  message?: object,
) => Promise<S extends TSchema ? Static<S> : undefined>;

async function overLink<T>(
  identity: DeviceIdentity,
  { origin }: Pick<RenewalOptions, 'origin'>,
  talk: (ask: Ask) => Promise<T>,
): Promise<T> {
  const link = openTlsLink({ origin, identity, checkHostName: true, onConnected: () => undefined });
  try {
    return await talk((async (step: string, schema: TSchema | undefined, message: object = {}) => {
      const body = JSON.stringify(message);
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const path = `${renewalPath}/${step}`;
      const answer = await exchange(link, { method: 'POST', path, headers, body }).catch((error: unknown) => {
        throw unreached(origin, reasonOf(error), error);
      });
      const text = Buffer.from(answer.body).toString('utf8');
      if (answer.status >= 300) throw problemIn(text) ?? unreached(origin, `status ${answer.status}`);
      return schema === undefined ? undefined : checkedMessage(schema, JSON.parse(text));
    }) as Ask);
  } finally {
    await link.destroy();
  }
}

const unreached = (origin: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-RNW-001', `The head-end at ${origin} does not renew: ${reason}`, {
    hint: 'The certificate is renewed again and again until it ends: check the way to the head-end, and its log.',
    cause,
  });

const wrong = (reason: string): GridError =>
  new GridError('GTX-RNW-002', `The certificate that the head-end gave does not hold: ${reason}`, {
    hint: 'The old one stays in use. The head-end issues by another authority than this board trusts, or is damaged.',
  });

/** It has to be for the same key, by an authority that this board trusts, operational, and last longer. */
function checked(
  chain: string,
  { old, identity }: { readonly old: X509Certificate; readonly identity: DeviceIdentity },
): X509Certificate {
  const certificates = certificatesOf(chain);
  const [next] = certificates;
  if (next === undefined) throw wrong('there is none');
  const answer = checkPeer(
    certificates.map(({ raw }) => raw),
    {
      trusted: certificatesOf(identity.caPem).map(({ raw }) => trustedRoot(raw)),
      revocationLists: undefined,
      now: wallSeconds(),
      policies: [policies.operational],
      as: 'client',
    },
  );
  if (!answer.ok) throw wrong(`${answer.reason}: ${answer.detail}`);
  if (!next.publicKey.equals(old.publicKey)) throw wrong('it is for another key');
  const [was, is] = [readCertificate(old.raw), readCertificate(next.raw)];
  if (is.notAfter <= was.notAfter) throw wrong('it does not last longer than the old one');
  const isMarked = (fields: typeof was): boolean =>
    certificatePolicies(fields.extensions).includes(policies.softwareKey);
  if (isMarked(was) !== isMarked(is)) throw wrong('it says something else of where its key is');
  return next;
}
