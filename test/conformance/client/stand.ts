import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';

/** What all tests of the client stand on: certificates of one authority, and a folder that goes with the run. */
export class ClientStand implements AsyncDisposable {
  readonly folder: string;
  readonly #authority: CertificateAuthority;
  readonly #identities = new Map<string, Promise<DeviceIdentity>>();
  #folders = 0;

  private constructor(folder: string, authority: CertificateAuthority) {
    this.folder = folder;
    this.#authority = authority;
  }

  static async open(): Promise<ClientStand> {
    const folder = await mkdtemp(join(tmpdir(), 'gtx-client-conformance-'));
    return new ClientStand(folder, await CertificateAuthority.create(join(folder, 'ca')));
  }

  /** The identity of a device or, by the name `server`, of a server on loopback; made once. */
  identity(name: string): Promise<DeviceIdentity> {
    const known = this.#identities.get(name);
    if (known !== undefined) return known;
    const made = loadOrCreateIdentity(join(this.folder, 'identities', name), {
      ca: this.#authority,
      serial: name,
      ...(name.startsWith('server') && { hosts: ['127.0.0.1', 'localhost'] }),
    });
    this.#identities.set(name, made);
    return made;
  }

  /** A path for a new file, never given out twice. */
  newFile(name: string): string {
    return join(this.folder, `${++this.#folders}-${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
