import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SwtpmFactory } from '#hal/emulated/swtpm-factory.ts';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { type TrustedMakers, trustedMakers } from '#provisioning/tpm/endorsement-certificate.ts';

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
  const factory = new SwtpmFactory(join(folder, 'maker'));
  await factory.make([join(folder, 'state')]);
  const swtpm = new Swtpm(join(folder, 'state'));
  await swtpm.start();
  t.after(() => swtpm[Symbol.asyncDispose]());
  return { swtpm, makers: trustedMakers(await factory.certificates()) };
}
