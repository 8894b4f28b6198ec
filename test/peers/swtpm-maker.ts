import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import type { TrustedMakers } from '#provisioning/tpm/endorsement-certificate.ts';

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A running emulator without a maker: its endorsement keys have no certificates. */
export async function plainSwtpm(t: TestContext): Promise<Swtpm> {
  const swtpm = new Swtpm(await temporaryFolder(t));
  await swtpm.start();
  t.after(() => swtpm[Symbol.asyncDispose]());
  return swtpm;
}

/** A running emulator as Debian's tools make it, with a maker's authority and endorsement certificates. */
export async function madeSwtpm(t: TestContext): Promise<{ swtpm: Swtpm; makers: TrustedMakers }> {
  const folder = await temporaryFolder(t);
  const [state, maker] = [join(folder, 'state'), join(folder, 'maker')];
  await Promise.all([state, maker].map((path) => mkdir(path)));
  const file = async (name: string, lines: readonly string[]): Promise<string> => {
    await writeFile(join(folder, name), `${lines.join('\n')}\n`);
    return join(folder, name);
  };
  const authority = await file('authority.conf', [
    `statedir = ${maker}`,
    `signingkey = ${join(maker, 'key.pem')}`,
    `issuercert = ${join(maker, 'issuer.pem')}`,
    `certserial = ${join(maker, 'serial')}`,
  ]);
  const setup = await file('setup.conf', [
    'create_certs_tool = /usr/bin/swtpm_localca',
    `create_certs_tool_config = ${authority}`,
    `create_certs_tool_options = ${await file('options', [])}`,
    'active_pcr_banks = sha256',
  ]);
  const { status, stdout, stderr } = spawnSync(
    'swtpm_setup',
    ['--tpm2', '--tpmstate', state, '--config', setup, '--create-ek-cert', '--lock-nvram'],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stdout + stderr);
  const certificate = async (name: string) => new X509Certificate(await readFile(join(maker, name)));
  const swtpm = new Swtpm(state);
  await swtpm.start();
  t.after(() => swtpm[Symbol.asyncDispose]());
  const roots = [await certificate('swtpm-localca-rootca-cert.pem')];
  return { swtpm, makers: { roots, intermediates: [await certificate('issuer.pem')] } };
}
