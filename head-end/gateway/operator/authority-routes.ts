import type { X509Certificate } from 'node:crypto';
import { Type } from 'typebox';
import { certificatePem, certificatesOf } from '#provisioning/pem.ts';
import { idOf, type KnownAuthority } from '../../server/known-authorities.ts';
import { apiBase, reference } from './operation.ts';
import { recordRoutes } from './record-routes.ts';
import { checked, conflict, unfit } from './refusals.ts';

/** Characters of a certificate in PEM: 8 KiB of it, more than any of this profile has. */
const longestPem = 12_000;

const certificate = Type.String({ maxLength: longestPem, description: 'The certificate in PEM' });
const shown = (description: string) => Type.String({ readOnly: true, description });
const AuthoritySchema = Type.Object(
  {
    id: shown('SHA-256 of the certificate'),
    certificate,
    subject: shown('Its name'),
    issuer: shown('The name of the one above it'),
    validFrom: shown('RFC 3339'),
    validUntil: shown('RFC 3339'),
    isOwn: Type.Boolean({ readOnly: true, description: 'It comes with the head-end’s identity and cannot be removed' }),
    fault: Type.Optional(shown('Why devices that it issued are refused now')),
  },
  { additionalProperties: false, title: 'Authority' },
);
const NewAuthoritySchema = Type.Object({ certificate }, { additionalProperties: false, title: 'NewAuthority' });

export const authoritySchemas = { Authority: AuthoritySchema, NewAuthority: NewAuthoritySchema };

const examplePem = '-----BEGIN CERTIFICATE-----\nMIIBpTCCAUug…\n-----END CERTIFICATE-----\n';

/** Which authorities devices may be issued by. */
export const authorityRoutes = recordRoutes({
  path: '/authorities',
  noun: 'authority',
  tag: 'authorities',
  schema: 'Authority',
  all: ({ authorities }) => authorities.all().map(jsonOf),
  at: (id, { authorities }) => {
    const found = authorities.get(id);
    return found && jsonOf(found);
  },
  list: {
    id: 'listAuthorities',
    summary: 'The authorities whose devices are let in, those of the head-end’s own first',
  },
  get: { id: 'getAuthority', summary: 'One authority' },
  add: {
    id: 'addAuthority',
    summary: 'Lets in devices of one more authority, which one that is known has issued; from the next handshake on',
    body: { schema: reference('NewAuthority'), example: { certificate: examplePem } },
    store: async (body, { authorities }) => {
      const offered = certificateIn(checked(NewAuthoritySchema, body).certificate);
      const id = idOf(offered);
      if (authorities.get(id) !== undefined) {
        throw conflict(`Authority ${id} is known already`, `GET ${apiBase}/authorities lists those that are known.`);
      }
      const answer = await authorities.add(offered);
      if (!answer.ok) throw unfit('/certificate', `${answer.reason}: ${answer.detail}`, authorityHint);
      return id;
    },
  },
  remove: {
    id: 'removeAuthority',
    summary: 'Refuses devices below it from their next handshake on; connections that stand are kept',
    refusals: [409],
    drop: async ({ id, isOwn }, { authorities }) => {
      if (isOwn) {
        throw conflict(
          `Authority ${id} comes with the head-end’s own identity`,
          'Only those that were added here can be removed; another identity comes with another authority.',
        );
      }
      await authorities.remove(id);
    },
  },
});

const authorityHint =
  'It has to be an authority of IEEE 2030.5 (§6.11.8), issued by one that is known; the one above it goes first.';

/** Throws `GTX-OPR-002` where the text is not one certificate. */
function certificateIn(pem: string): X509Certificate {
  let all: readonly X509Certificate[] = [];
  try {
    all = certificatesOf(pem);
  } catch {
    throw unfit('/certificate', 'it is no certificate', pemHint);
  }
  const [first] = all;
  if (first === undefined || all.length > 1) {
    throw unfit('/certificate', `there are ${all.length} certificates, not one`, pemHint);
  }
  return first;
}

const pemHint = 'Give the text between BEGIN CERTIFICATE and END CERTIFICATE, with both lines, of one certificate.';

const jsonOf = ({ id, certificate: one, isOwn, fault }: KnownAuthority) => ({
  id,
  certificate: certificatePem(one.raw),
  subject: nameIn(one.subject),
  issuer: nameIn(one.issuer),
  validFrom: one.validFromDate.toISOString(),
  validUntil: one.validToDate.toISOString(),
  isOwn,
  ...(fault !== undefined && { fault }),
});

/** OpenSSL writes each part of a name on a line of its own. */
const nameIn = (lines: string): string => lines.replaceAll('\n', ', ');
