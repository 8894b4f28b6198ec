import { askHeadEnd, type HeadEndFlags } from '../operator.ts';

interface Listed {
  readonly serial: string;
  readonly building: string;
  readonly endorsementHash: string;
  readonly enrolments: readonly { readonly role: string; readonly lfdi: string }[];
}

interface AllowFlags extends HeadEndFlags {
  readonly serial: string;
  readonly building: string;
}

const path = '/api/v1/flashed-boards';

/** Puts a board on a head-end's list of flashed boards. */
export async function allow(endorsementHash: string, { serial, building, ...flags }: AllowFlags): Promise<void> {
  await askHeadEnd(flags, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ endorsementHash: endorsementHash.toLowerCase(), serial, building }),
  });
  process.stderr.write(`${serial} may enrol for ${building}.\n`);
}

/** Lets an enrolled board enrol once more. */
export async function release(serial: string, flags: HeadEndFlags): Promise<void> {
  await askHeadEnd(flags, `${path}/${encodeURIComponent(serial)}/release`, { method: 'POST' });
  process.stderr.write(
    `${serial} may enrol once more. A board that still has a certificate keeps it: move it away there.\n`,
  );
}

/** Takes a board that is not enrolled off the list. */
export async function disallow(serial: string, flags: HeadEndFlags): Promise<void> {
  await askHeadEnd(flags, `${path}/${encodeURIComponent(serial)}`, { method: 'DELETE' });
  process.stderr.write(`${serial} may not enrol any more.\n`);
}

/** Lists the boards that may enrol, or are enrolled. */
export async function allowed({ json, ...flags }: HeadEndFlags & { readonly json?: boolean }): Promise<void> {
  const { items } = (await (await askHeadEnd(flags, path)).json()) as { items: readonly Listed[] };
  process.stdout.write(
    json === true
      ? `${JSON.stringify(items)}\n`
      : items
          .map((item) => `${item.serial}  ${item.building}  ${standingOf(item)}  ${item.endorsementHash}\n`)
          .join(''),
  );
}

const standingOf = ({ enrolments }: Listed): string =>
  enrolments.find(({ role }) => role === 'operational')?.lfdi ?? (enrolments.length > 0 ? 'enrolling' : 'not enrolled');
