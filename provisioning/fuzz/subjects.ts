import { createPrivateKey as keyOf, sign } from 'node:crypto';
import {
  alternativeNames,
  basicConstraints,
  certificatePolicies,
  extendedKeyUsage,
  keyUsage,
  publicKeyBits,
  readCertificate,
} from '../certificate-fields.ts';
import { twinOf } from '../certificate-twin.ts';
import { EnrolmentDesk } from '../enrolment/enrolment-desk.ts';
import { inspectFile } from '../inspection.ts';
import { openKeyPem } from '../key-encryption.ts';
import { policies } from '../object-identifiers.ts';
import { readOcspRequest } from '../ocsp.ts';
import { checkOcspResponse } from '../ocsp-query.ts';
import { checkAuthorityBelow, checkPeer, type PeerRules } from '../peer-check.ts';
import { problemsOf } from '../profile-check.ts';
import { publicKeyOfRequest } from '../request-key.ts';
import { readRevocationList } from '../revocation-list.ts';
import { testNow, trustedBelow } from '../test-chain.ts';
import { verifyCertify, verifyQuote } from '../tpm/attestation.ts';
import { type Command, commands } from '../tpm/commands.ts';
import { checkEndorsement, trustedMakers } from '../tpm/endorsement-certificate.ts';
import { exchangeOf, permanent } from '../tpm/exchange.ts';
import type { Attestation } from '../tpm/objects.ts';
import { recorded } from '../tpm/recorded.ts';
import { publicArea, signature } from '../tpm/structures.ts';
import { signingKey } from '../tpm/templates.ts';
import { parse } from '../tpm/wire.ts';
import { trustedRoot } from '../trusted-authority.ts';
import {
  filesOf,
  ocspSignedAgain,
  passphrase,
  type Samples,
  signedAgain,
  signedOcspPart,
  signedPart,
  x509Of,
} from './samples.ts';

/** Something that reads what others wrote. */
export interface Subject {
  readonly what: string;
  /** Well-formed ones, which are changed. */
  readonly samples: readonly Uint8Array[];
  readonly read: (octets: Uint8Array) => unknown;
  /** The codes that it may throw; nothing at all where it has none. */
  readonly refusals: RegExp | undefined;
}

const textOf = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

/** Everything of `provisioning/` that reads foreign octets. */
export const subjectsOf = (samples: Samples): Subject[] => [
  ...certificateSubjects(samples),
  ...fileSubjects(samples),
  ...proofSubjects(samples),
  ...enrolmentSubjects(samples),
  ...responseSubjects(),
];

function certificateSubjects({
  root,
  issuing,
  device,
  list,
  request,
  ocspRequest,
  ocspResponse,
  attester,
}: Samples): Subject[] {
  const asked = { certificate: device.certificate, issuer: issuing.certificate, now: testNow };
  const known = trustedBelow(issuing.certificate, trustedRoot(root.certificate));
  const rules: PeerRules = {
    trusted: [known, ...known.above],
    revocationLists: [readRevocationList(list, issuing.certificate)],
    unlisted: 'pass',
    now: testNow,
    policies: [policies.genericDevice],
    as: 'client',
  };
  const issuingKey = keyOf(issuing.keyPem);
  const certificates = [device, issuing, root].map(({ certificate }) => certificate);
  return [
    {
      what: 'the fields of a certificate',
      samples: certificates,
      read: (octets) => {
        const fields = readCertificate(octets);
        const { extensions } = fields;
        for (const read of [alternativeNames, basicConstraints, certificatePolicies, extendedKeyUsage, keyUsage]) {
          read(extensions);
        }
        publicKeyBits(fields.spki);
        return problemsOf(fields, 'P-256', testNow);
      },
      refusals: /^GTX-PRV-030$/,
    },
    {
      what: 'the other writing of a certificate',
      samples: certificates,
      read: twinOf,
      refusals: /^GTX-PRV-030$/,
    },
    {
      what: 'a peer whose certificate anybody made',
      samples: certificates,
      read: (octets) => checkPeer([octets], rules),
      refusals: undefined,
    },
    {
      what: 'a peer whose certificate a known authority signed, whatever it is',
      samples: certificates.map(signedPart),
      read: (octets) => checkPeer([signedAgain(octets, issuingKey)], rules),
      refusals: undefined,
    },
    {
      what: 'an authority that a known one signed, whatever it is',
      samples: certificates.map(signedPart),
      read: (octets) => checkAuthorityBelow(signedAgain(octets, keyOf(root.keyPem)), rules),
      refusals: undefined,
    },
    {
      what: 'a revocation list, signed by its authority, whatever it is',
      samples: [signedPart(list)],
      read: (octets) => readRevocationList(signedAgain(octets, issuingKey), issuing.certificate),
      refusals: /^GTX-PRV-03[01]$/,
    },
    {
      what: 'an OCSP response',
      samples: [ocspResponse],
      read: (octets) => checkOcspResponse(octets, asked),
      refusals: undefined,
    },
    {
      what: 'an OCSP response, signed by its authority, whatever it is',
      samples: [signedOcspPart(ocspResponse)],
      read: (octets) => checkOcspResponse(ocspSignedAgain(octets, issuingKey), asked),
      refusals: undefined,
    },
    { what: 'an OCSP request', samples: [ocspRequest], read: readOcspRequest, refusals: undefined },
    {
      what: 'a certificate request, signed, whatever it is',
      samples: [signedPart(request)],
      read: (octets) => publicKeyOfRequest(signedAgain(octets, attester.key)),
      refusals: /^GTX-PRV-005$/,
    },
    { what: 'a certificate request', samples: [request], read: publicKeyOfRequest, refusals: /^GTX-PRV-005$/ },
  ];
}

function fileSubjects(samples: Samples): Subject[] {
  const files = filesOf(samples);
  const { device, issuing, list, request } = samples;
  const makers = [samples.root, samples.issuing].map(({ certificate }) => certificate);
  return [
    {
      what: 'a file that a person gives, in PEM',
      samples: files,
      read: (octets) => inspectFile(octets, testNow),
      refusals: /^GTX-PRV-(005|030|032)$/,
    },
    {
      what: 'a file that a person gives, in DER',
      samples: [device.certificate, issuing.certificate, list, request],
      read: (octets) => inspectFile(octets, testNow),
      refusals: /^GTX-PRV-(005|030|032)$/,
    },
    {
      what: 'a file with a private key',
      samples: samples.keys.map((text) => Buffer.from(text)),
      read: (octets) => openKeyPem(textOf(octets), 'a key', () => Promise.resolve(passphrase)),
      refusals: /^GTX-PRV-0(20|34)$/,
    },
    {
      what: "the certificates of TPMs' makers",
      samples: [...files, ...makers],
      read: (octets) => trustedMakers(textOf(octets)),
      refusals: /^GTX-TPM-032$/,
    },
  ];
}

/** What a TPM that lies signs: its signature holds, and what is signed is anything. */
function proofSubjects({ attester }: Samples): Subject[] {
  const lie = (attested: Uint8Array): Attestation => {
    const rs = sign('sha256', attested, { key: attester.key, dsaEncoding: 'ieee-p1363' });
    return {
      attested,
      signature: { scheme: 'ecdsa', hash: 'sha256', r: rs.subarray(0, 32), s: rs.subarray(32) },
    };
  };
  const key = parse(publicArea, recorded.key);
  const { nonce } = recorded;
  const pcrs = new Map([[0, Buffer.alloc(32)]]);
  const attestations = [recorded.certify.attested, recorded.quote.attested];
  return [
    {
      what: 'what a TPM says of a key, signed, whatever it is',
      samples: attestations,
      read: (octets) => verifyCertify({ attestation: lie(octets), by: attester.area, nonce, key }),
      refusals: /^GTX-TPM-0(03|26|27|29)$/,
    },
    {
      what: 'what a TPM says of its registers, signed, whatever it is',
      samples: attestations,
      read: (octets) => verifyQuote({ attestation: lie(octets), by: attester.area, nonce, pcrs }),
      refusals: /^GTX-TPM-0(03|26|27|30)$/,
    },
    {
      what: "a TPM's signature",
      samples: [recorded.certify.signature, recorded.quote.signature],
      read: (octets) => {
        const attestation = { attested: recorded.certify.attested, signature: parse(signature, octets) };
        return verifyCertify({ attestation, by: parse(publicArea, recorded.by), nonce, key });
      },
      refusals: /^GTX-TPM-0(03|08|28)$/,
    },
  ];
}

/** The first message of an enrolment, each of its parts in turn; the board is on the list whatever its TPM is. */
function enrolmentSubjects({ root, endorsement, attester }: Samples): Subject[] {
  const makers = { roots: [x509Of(root)], intermediates: [] };
  const desk = new EnrolmentDesk({
    makers,
    find: () => Promise.resolve({ serial: 'board', building: 'M-1', enrolled: [] }),
    now: () => testNow,
  });
  const message = {
    serial: 'board',
    building: 'M-1',
    role: 'operational',
    endorsementCertificate: endorsement,
    attestationKey: publicArea.write(attester.area),
    deviceKey: publicArea.write({ ...signingKey, unique: attester.area.unique }),
  } as const;
  const refusals = /^GTX-(TPM-0(03|07|08|20|21|22|23|24|25)|ENR-00\d)$/;
  const part = (name: 'endorsementCertificate' | 'attestationKey' | 'deviceKey'): Subject => ({
    what: `an enrolment's ${name}`,
    samples: [message[name], message.deviceKey],
    read: (octets) => desk.start({ ...message, [name]: octets }),
    refusals,
  });
  return [
    {
      what: "a TPM's endorsement certificate that its maker signed, whatever it is",
      samples: [signedPart(endorsement)],
      read: (octets) => checkEndorsement(signedAgain(octets, keyOf(root.keyPem)), makers, testNow),
      refusals: /^GTX-TPM-02[0-3]$/,
    },
    part('endorsementCertificate'),
    part('attestationKey'),
    part('deviceKey'),
  ];
}

/** TPM2B: octets after their count. */
const sizedOctets = (octets: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(octets.length >> 8, octets.length), octets]);

/** What a TPM answers to the commands whose answers have most in them. */
function responseSubjects(): Subject[] {
  const area = parse(publicArea, recorded.key);
  const { certify, quote } = recorded;
  const attested = (one: typeof certify | typeof quote): Buffer =>
    Buffer.concat([sizedOctets(one.attested), one.signature]);
  const name = sizedOctets(Buffer.alloc(34, 1));
  const answers: Readonly<Record<string, readonly [parameters: unknown, answer: Buffer]>> = {
    ReadPublic: [{}, Buffer.concat([sizedOctets(publicArea.write(area)), name, name])],
    Certify: [{ qualifyingData: new Uint8Array(), scheme: { scheme: 'null' } }, attested(certify)],
    Quote: [{ qualifyingData: new Uint8Array(), scheme: { scheme: 'null' }, selection: [] }, attested(quote)],
    NV_Read: [{ size: 512, offset: 0 }, sizedOctets(Buffer.alloc(512, 0x30))],
    GetCapability: [
      { capability: 'handles', first: 0, count: 1 },
      Buffer.from('0100000001000000028100000181000002', 'hex'),
    ],
  };
  return Object.entries(answers).map(([called, [parameters, answer]]) => {
    const command = commands.find((one) => one.name === called)!;
    const handles = Array.from({ length: command.handles }, (_, index) => permanent(index + 1));
    const exchange = exchangeOf(command as Command<unknown, unknown>, { handles, parameters });
    // Authorizations come back behind the parameters, whose length stands before them.
    const sessions = Buffer.concat(Array.from({ length: command.authorized }, () => Buffer.from('0000010000', 'hex')));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(answer.length);
    const body = command.authorized > 0 ? Buffer.concat([size, answer, sessions]) : answer;
    const header = Buffer.alloc(10);
    header.writeUInt16BE(command.authorized > 0 ? 0x8002 : 0x8001);
    header.writeUInt32BE(10 + body.length, 2);
    return {
      what: `a TPM's response to ${called}`,
      samples: [Buffer.concat([header, body])],
      // Its stated size is held against its real one first, so that most of it would never be read.
      read: (octets) => exchange.read(withSize(octets)),
      refusals: /^GTX-TPM-00[34]$/,
    };
  });
}

function withSize(octets: Uint8Array): Uint8Array {
  const copy = Buffer.from(octets);
  if (copy.length >= 10) copy.writeUInt32BE(copy.length, 2);
  return copy;
}
