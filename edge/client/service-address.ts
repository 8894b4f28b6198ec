import { GridError } from '#hal/errors.ts';
import { namespaceCsipAus12, namespaceCsipAus13 } from '#ieee2030_5/namespaces.ts';
import type { Connection } from './connection.ts';

/** Where a CSIP-AUS server says which versions it speaks (CSIP-AUS 1.3, service discovery and version negotiation). */
const wellKnownPath = '/.well-known/csipaus';
/** Where IEEE 2030.5's WADL has the DeviceCapability. */
const defaultPath = '/dcap';
/** The versions that this client speaks, the best first. */
const versions = [namespaceCsipAus13, namespaceCsipAus12];

interface WellKnown {
  readonly supportedSchemaVersions?: Readonly<Record<string, { readonly dcap?: readonly string[] } | null>>;
}

/**
 * The absolute URL of a server's DeviceCapability. A URL with a path is it already (a static URI); for one without,
 * the server's well-known file tells the path of the best version that both ends speak, and else it is /dcap.
 * Rejects with `GTX-SEP-001` when the server is not reached, `GTX-SEP-009` when no version fits.
 */
export async function deviceCapabilityOf(connection: Pick<Connection, 'fetch'>, serverUrl: string): Promise<string> {
  const url = new URL(serverUrl);
  if (url.pathname !== '/') return url.href;
  return new URL((await negotiatedPath(connection)) ?? defaultPath, url).href;
}

async function negotiatedPath(connection: Pick<Connection, 'fetch'>): Promise<string | undefined> {
  const supported = await readWellKnown(connection);
  if (supported === undefined) return undefined;
  for (const version of versions) {
    const path = supported[version]?.dcap?.find((each) => typeof each === 'string');
    if (path !== undefined) return path;
  }
  throw new GridError(
    'GTX-SEP-009',
    `The server speaks ${Object.keys(supported).join(', ')}: none that this client does`,
    {
      hint: `This client speaks ${versions.join(' and ')}; give the address of a DeviceCapability to use it as it is.`,
    },
  );
}

/** Servers of before version 1.3 do not have the file. */
async function readWellKnown(connection: Pick<Connection, 'fetch'>): Promise<WellKnown['supportedSchemaVersions']> {
  let body: Uint8Array | undefined;
  try {
    ({ body } = await connection.fetch(wellKnownPath));
  } catch (error) {
    if (error instanceof GridError && error.code === 'GTX-SEP-002') return undefined;
    throw error;
  }
  try {
    const file = JSON.parse(Buffer.from(body ?? []).toString()) as WellKnown | null;
    const supported = file?.supportedSchemaVersions;
    return typeof supported === 'object' ? supported : undefined;
  } catch {
    // Some servers answer every path with a page of their own.
    return undefined;
  }
}
