import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkDigit,
  formatLfdi,
  formatMrid,
  hasValidCheckDigit,
  lfdiBytes,
  lfdiOf,
  mridOf,
  parseLfdi,
  pinOf,
  sfdiOf,
} from './identity.ts';

test('the SFDI is 36 bits of the LFDI and a check digit', () => {
  assert.equal(sfdiOf(parseLfdi('3E4F45AB31EDFE5B67E343E5E4562E31984E23E5')), 167261211391);
  assert.equal(sfdiOf(parseLfdi('0671C144D27DC9E612AFE7DC6C79EC089ED3DCC5')), 17298934539);
});

test('the LFDI is the leftmost 160 bits of the fingerprint of the certificate', () => {
  const certificate = Buffer.from('any octets');
  const fingerprint = createHash('sha256').update(certificate).digest();
  const lfdi = lfdiOf(certificate);
  assert.deepEqual(Buffer.from(lfdiBytes(lfdi)), fingerprint.subarray(0, 20));
  assert.equal(formatLfdi(lfdiBytes(lfdi)), lfdi);
  assert.equal(formatLfdi(lfdi), lfdi);
});

test('an LFDI is read in any case and from bytes, and nothing else is one', () => {
  const lfdi = parseLfdi('3e4f45ab31edfe5b67e343e5e4562e31984e23e5');
  assert.equal(lfdi, '3E4F45AB31EDFE5B67E343E5E4562E31984E23E5');
  assert.equal(parseLfdi(lfdiBytes(lfdi)), lfdi);
  for (const wrong of ['', 'xyz', lfdi.slice(1), `${lfdi}0`, new Uint8Array(19)]) {
    assert.throws(() => parseLfdi(wrong), { code: 'GTX-IDN-001' });
  }
});

test('the digits of a number with its check digit sum to a multiple of ten', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 36 - 1 }), (number) => {
      const digits = String(number * 10 + checkDigit(number));
      assert.equal(digits.split('').reduce((sum, digit) => sum + Number(digit), 0) % 10, 0);
      assert.ok(hasValidCheckDigit(Number(digits)));
      assert.ok(!hasValidCheckDigit(Number(digits) % 10 === 9 ? Number(digits) - 1 : Number(digits) + 1));
    }),
  );
});

test('a registration PIN is five digits and their check digit', () => {
  assert.equal(pinOf(11111), 111115);
  assert.equal(pinOf(0), 0);
  for (const wrong of [-1, 100_000, 1.5]) assert.throws(() => pinOf(wrong), { code: 'GTX-IDN-002' });
});

test('an mRID belongs to its name and ends in the enterprise number', () => {
  assert.deepEqual(mridOf('building-1/import'), mridOf('building-1/import'));
  assert.notDeepEqual(mridOf('building-1/import'), mridOf('building-1/export'));
  assert.match(formatMrid(mridOf('a', 37244)), /^[0-9a-f]{24}0000917c$/);
  assert.match(formatMrid(mridOf('a')), /^[0-9a-f]{24}00000000$/);
});
