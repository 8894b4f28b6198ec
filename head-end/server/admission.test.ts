import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { testCertificate } from '#provisioning/test-chain.ts';
import type { Standing } from '../registry/devices.ts';
import { standingRefusal } from './admission.ts';

test('the certificate that a board was born with opens nothing, unless a device is registered by it', async () => {
  const now = wallSeconds();
  const root = await testCertificate({ name: 'root', pathLength: 2, notBefore: now - 60, notAfter: now + 60 });
  const { certificate } = await testCertificate({ notBefore: now - 60, notAfter: now + 60 }, root);
  const lfdi = lfdiOf(certificate);
  const reasonOf = (standing: Standing, ...of: readonly string[]): string | undefined => {
    const registry = { standingOf: (asked: string) => (asked === lfdi ? standing : 'unknown') };
    return standingRefusal({ ok: true, lfdi, serial: 'A', policies: of }, certificate, registry)?.reason;
  };
  assert.equal(reasonOf('unknown', policies.genericDevice, policies.birth), 'birth');
  assert.equal(reasonOf('in-force', policies.genericDevice, policies.birth), undefined);
  assert.equal(reasonOf('quarantined', policies.genericDevice, policies.birth), 'quarantined');
  assert.equal(reasonOf('unknown', policies.genericDevice), undefined);
});
