import { join } from 'node:path';
import { GridError } from '#hal/errors.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { writeIdentity } from '#provisioning/identity-files.ts';
import { type AuthorityFlags, openAuthority } from './authority.ts';

interface ReplaceFlags extends AuthorityFlags {
  readonly out: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** Devices keep their keys: their folders under `--out` hold certificates only, by serial number and old LFDI. */
export async function replace(flags: ReplaceFlags): Promise<void> {
  await using authority = await openAuthority(flags);
  const { ca: opened } = authority;
  for (const name of await opened.revokeReplaced()) {
    process.stderr.write(`A replacement was broken off before ${name} was revoked: it is now.\n`);
  }
  const left = await opened.outdated();
  if (left.length > 0 && flags.resume !== true) {
    throw new GridError('GTX-PRV-015', `A replacement was broken off: ${left.length} devices are still without`, {
      kind: 'input',
      hint: 'Go on with it: --resume.',
    });
  }
  const ca = flags.resume === true ? opened : await opened.replaceIssuing();
  const outdated = flags.resume === true ? left : await ca.outdated();
  const devices: { serial: string; lfdi: string; replaces: string; folder: string }[] = [];
  for (const [i, old] of outdated.entries()) {
    const issued = await ca.reissue(old);
    const folder = join(flags.out, `${old.serial.replaceAll(/[^\w.-]/g, '_')}-${old.lfdi.slice(0, 8)}`);
    await writeIdentity(folder, { issued, caPem: ca.rootPem });
    devices.push({ serial: old.serial, lfdi: lfdiOf(issued.der), replaces: old.lfdi, folder });
    showProgress(i + 1, outdated.length);
  }
  for (const name of ca.listNames()) await ca.revocationList(name).catch(tellOffline);
  process.stderr.write(
    `The issuing authority was replaced, ${devices.length} certificates reissued. A head-end that runs lets devices in ` +
      'with them at once; started again, it has its own reissued, too.\n',
  );
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ devices })}\n`);
}

/** The root's key may be offline: its list has nothing new. */
function tellOffline(error: unknown): void {
  if (!(error instanceof GridError) || error.code !== 'GTX-PRV-022') throw error;
  process.stderr.write(`${error.message}\n`);
}

function showProgress(done: number, all: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${all}${done === all ? '\n' : ''}`);
}
