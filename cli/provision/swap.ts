import { parseLfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { askHeadEnd, type HeadEndFlags } from '../operator.ts';
import { readGiven } from './issue.ts';
import { certificateIn } from './revoke.ts';

interface SwapFlags extends HeadEndFlags {
  readonly reason: string;
  readonly registers: 'anew' | 'kept';
  /** Of the new board or TPM: its certificate's LFDI, or file. */
  readonly certificate?: string;
}

/** Says that a building's board, TPM or clamps were swapped: it stays one device, whose registers go on. */
export async function swap(device: string, { reason, registers, certificate, ...flags }: SwapFlags): Promise<void> {
  const lfdi = certificate === undefined ? {} : { lfdi: await lfdiNamed(certificate) };
  const answer = await askHeadEnd(flags, `/api/v1/devices/${encodeURIComponent(device)}/replacement`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ registers, reason, ...lfdi }),
  });
  const { meterId, lfdi: now } = (await answer.json()) as { readonly meterId: string; readonly lfdi: string };
  const counted = registers === 'anew' ? 'go on from where they were, by meters that begin anew' : 'go on as they are';
  process.stdout.write(
    `${meterId} is the device that it was. Its registers ${counted}. ` +
      (certificate === undefined
        ? `Its certificate stays ${now}.\n`
        : `Its certificate is ${now}; the one before is retired.\n`),
  );
}

/** The LFDI of a certificate that a person named by it, or by its file. */
async function lfdiNamed(named: string): Promise<string> {
  if (/^[0-9a-fA-F]{40}$/.test(named)) return parseLfdi(named);
  return lfdiOf(certificateIn(named, await readGiven(named, 'certificate')));
}
