import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { TpmDevice } from './tpm.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** A pipe that is opened both ways gives back what is written: like the driver, whole, at one read. */
async function mirror(t: TestContext): Promise<string> {
  const path = join(await folder(t), 'tpm');
  execFileSync('mkfifo', [path]);
  return path;
}

test('a message is written whole and read whole, and its size must be what its header says', async (t) => {
  await using channel = await new TpmDevice(await mirror(t)).open();
  const message = Buffer.from('80010000000c000000000008', 'hex');
  assert.deepEqual(Buffer.from(await channel.transact(message)), message);
  const short = Buffer.from('80010000000d000000000008', 'hex');
  await assert.rejects(channel.transact(short), { code: 'GTX-TPM-003' });
  await assert.rejects(channel.transact(Buffer.from('8001', 'hex')), { code: 'GTX-TPM-003' });
});

test('a board without a TPM is told what to check', async (t) => {
  const path = join(await folder(t), 'tpmrm0');
  await assert.rejects(new TpmDevice(path).open(), {
    code: 'GTX-TPM-001',
    message: new RegExp(`^Cannot open tpm ${path}: `),
    hint: /dtoverlay/,
  });
});

test('a device that fails while it is open is told from one that is not there', async (t) => {
  const path = join(await folder(t), 'tpm');
  await writeFile(path, '');
  const channel = await new TpmDevice(path).open();
  await channel[Symbol.asyncDispose]();
  await assert.rejects(channel.transact(Buffer.alloc(10)), { code: 'GTX-TPM-002' });
});
