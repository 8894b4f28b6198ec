import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tpmAddressOf } from './tpm-address.ts';

test('a TPM is named by its device, or by host and port of an emulator', () => {
  for (const [text, transport, name] of [
    ['/dev/tpmrm0', '/dev/tpmrm0', 'tpm /dev/tpmrm0'],
    ['swtpm:127.0.0.1:2321', '127.0.0.1:2321', 'tpm tcp 127.0.0.1:2321'],
    ['swtpm:localhost:2321', '127.0.0.1:2321', 'tpm tcp 127.0.0.1:2321'],
  ] as const) {
    const address = tpmAddressOf(text);
    assert.deepEqual([address.transport, address.port.name], [transport, name]);
  }
});

test('what names no TPM is refused with what would', () => {
  for (const text of [
    '',
    'none',
    'swtpm',
    'swtpm:2321',
    'swtpm:host.example:2321',
    'swtpm:127.0.0.1:0',
    'swtpm:127.0.0.1:70000',
  ]) {
    assert.throws(() => tpmAddressOf(text), { code: 'GTX-TPM-014', kind: 'input' }, text);
  }
});
