import { wallSeconds } from '#hal/wall.ts';
import { Access, type AccessOptions } from './access.ts';
import { writeLocalAccess } from './local-access.ts';

export interface OpenAccessOptions extends AccessOptions {
  /** Where the head-end keeps its data. */
  readonly folder: string;
  /** How the page is opened: scheme, host and port. */
  readonly origin: string;
  /** PEM of the certificate that it is opened by, and those above it; undefined for plain HTTP. */
  readonly certificate?: string | undefined;
}

export interface OpenedAccess {
  readonly access: Access;
  /** A one-time link, while no administrator can sign in: it is shown once, and written nowhere. */
  readonly firstAdministrator: string | undefined;
}

/** Behind the `#`, which browsers keep to themselves: no log and no proxy sees the secret. */
export const linkAt = (origin: string, secret: string): string => `${origin}/sign-in.html#link=${secret}`;

/** Opens who may do what on a head-end's database, and leaves a key for the programs of this machine. */
export async function openAccess({
  folder,
  origin,
  certificate,
  ...options
}: OpenAccessOptions): Promise<OpenedAccess> {
  const access = new Access(options);
  const { firstLink } = await access.start();
  const key = access.programs.keys.makeLocal('local', 'administrator');
  await writeLocalAccess(folder, {
    url: origin,
    key,
    since: wallSeconds(),
    ...(certificate !== undefined && { ca: certificate }),
  });
  return { access, firstAdministrator: firstLink === undefined ? undefined : linkAt(origin, firstLink) };
}
