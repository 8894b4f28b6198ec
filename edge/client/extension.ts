import { extensionPath, type GridTokenXCapability } from '#ieee2030_5/ext/types.ts';
import type { ClientFile } from './client-file.ts';
import { type Connection, RefusedError } from './connection.ts';

/** With these, servers of other makers say that they have no such path. */
const unknownPath: readonly number[] = [400, 401, 403, 404, 405, 406, 410, 501];
const gone: readonly number[] = [404, 410];

const memoryName = 'extension';

/** Whether the server is one of ours, with our extension; what was found is remembered over restarts. */
export class Extension {
  readonly #connection: Pick<Connection, 'get'>;
  readonly #file: Pick<ClientFile, 'memory' | 'remember'>;
  #isOffered: boolean | undefined;
  #found: { readonly offerTerms: string | undefined } | undefined;

  constructor(connection: Pick<Connection, 'get'>, file: Pick<ClientFile, 'memory' | 'remember'>) {
    this.#connection = connection;
    this.#file = file;
    const remembered = file.memory().get(memoryName);
    this.#isOffered = remembered === undefined ? undefined : remembered === 'offered';
  }

  /** `undefined` before the server was asked for the first time. */
  get isOffered(): boolean | undefined {
    return this.#isOffered;
  }

  /** The OfferTerms list, if there is one; asks once. Rejects with `GTX-SEP-001` or `-002` when nobody can say. */
  async offerTerms(): Promise<string | undefined> {
    if (this.#found !== undefined) return this.#found.offerTerms;
    // A server that had it and now forbids it is still ours.
    const extension = await findExtension(this.#connection, this.#isOffered === true ? gone : unknownPath);
    const isOffered = extension !== undefined;
    if (isOffered !== this.#isOffered) {
      await this.#file.remember(new Map([[memoryName, isOffered ? 'offered' : 'none']]), []);
      this.#isOffered = isOffered;
    }
    this.#found = { offerTerms: extension?.OfferTermsListLink?.href };
    return this.#found.offerTerms;
  }

  /** It is asked for again. */
  forget(): void {
    this.#found = undefined;
  }
}

/** Where a server has our extension it says so at its well-known path (RFC 8615); others answer one of `absent`. */
async function findExtension(
  connection: Pick<Connection, 'get'>,
  absent: readonly number[],
): Promise<GridTokenXCapability | undefined> {
  try {
    return await connection.get(extensionPath, 'GridTokenXCapability');
  } catch (error) {
    if (error instanceof RefusedError && absent.includes(error.status)) return undefined;
    throw error;
  }
}
