import type { Pool, PoolClient } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { KeyRole } from '#hal/key-store.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, parseLfdi } from '#ieee2030_5/identity.ts';
import type { FlashedBoard } from '#provisioning/enrolment/enrolment-desk.ts';
import { databaseError } from '../database/connect.ts';
import { inTransaction, Turns } from '../database/transaction.ts';

/** Which TPM is on which board, for which building: written down when the board is flashed. */
export interface FlashEntry {
  /** SHA-256 of its TPM's endorsement key (SubjectPublicKeyInfo), 64 hex digits in lower case. */
  readonly endorsementHash: string;
  readonly serial: string;
  /** The building's meter id. */
  readonly building: string;
}

/** A certificate that a board was given, as long as no operator has released the board. */
export interface Enrolment {
  readonly role: KeyRole;
  readonly lfdi: Lfdi;
  /** The certificate and those above it, PEM. */
  readonly chain: string;
  /** TPMT_PUBLIC of the key by which the board's TPM attests. */
  readonly attestationKey: Uint8Array;
  /** Wall time. */
  readonly at: UnixSeconds;
}

export interface ListedBoard extends FlashEntry {
  /** Wall time. */
  readonly allowedAt: UnixSeconds;
  readonly enrolments: readonly Enrolment[];
}

interface Row {
  readonly endorsement_hash: string;
  readonly serial: string;
  readonly building: string;
  readonly allowed_at: number;
  readonly role: KeyRole | null;
  readonly chain: string;
  readonly lfdi: Buffer;
  readonly attestation_key: Buffer;
  readonly enrolled_at: number;
}

const listed = `
  SELECT b.*, e.role, e.chain, e.lfdi, e.attestation_key, e.enrolled_at
  FROM flashed_boards b LEFT JOIN enrolments e
    ON e.endorsement_hash = b.endorsement_hash AND e.released_at IS NULL`;

/**
 * The list of flashed boards, in the database: an endorsement key proves a genuine TPM, this list that it is on a
 * board of ours, and which building that board is for. Methods reject with `GTX-DB-…` where the database is away.
 */
export class FlashList {
  readonly #pool: Pool;
  /** What an enrolment gives needs a connection to the database beside its own: they must not take them all. */
  readonly #turns = new Turns();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Every board, by its serial number. */
  async all(): Promise<ListedBoard[]> {
    return boardsOf(await this.#rows(`${listed} ORDER BY b.serial, e.role`, []));
  }

  async bySerial(serial: string): Promise<ListedBoard | undefined> {
    return boardsOf(await this.#rows(`${listed} WHERE b.serial = $1 ORDER BY e.role`, [serial]))[0];
  }

  async byEndorsement(hash: string): Promise<ListedBoard | undefined> {
    return boardsOf(await this.#rows(`${listed} WHERE b.endorsement_hash = $1 ORDER BY e.role`, [hash]))[0];
  }

  /** As an enrolment asks for it. */
  async find(hash: string): Promise<FlashedBoard | undefined> {
    const board = await this.byEndorsement(hash);
    return board && { ...board, enrolled: board.enrolments.map(({ role }) => role) };
  }

  /**
   * Puts a board on the list; doing it twice changes nothing. A board that is not enrolled may be flashed for another
   * building. Rejects with GTX-ENR-020 where its TPM or its serial number is another board's, GTX-ENR-021 where it is
   * enrolled for another building, GTX-ENR-023 where another board is the building's.
   */
  async allow({ endorsementHash, serial, building }: FlashEntry, at: UnixSeconds): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<Row>(
        'SELECT * FROM flashed_boards WHERE endorsement_hash = $1 OR serial = $2 FOR UPDATE',
        [endorsementHash, serial],
      );
      const other = rows.find((row) => row.endorsement_hash !== endorsementHash || row.serial !== serial);
      if (other !== undefined) throw taken(other);
      const [known] = rows;
      if (known?.building === building) return;
      if (known !== undefined && (await isEnrolled(client, endorsementHash))) throw enrolledFor(known);
      await checkVacant(client, { endorsementHash, building });
      await client.query(
        `INSERT INTO flashed_boards VALUES ($1, $2, $3, $4)
         ON CONFLICT (endorsement_hash) DO UPDATE SET building = excluded.building, allowed_at = excluded.allowed_at`,
        [endorsementHash, serial, building, at],
      );
    });
  }

  /** Lets a board enrol again. Answers whether it was enrolled. */
  async release(serial: string, at: UnixSeconds): Promise<boolean> {
    const { rowCount } = await this.#pool
      .query(
        `UPDATE enrolments SET released_at = $2 WHERE released_at IS NULL
           AND endorsement_hash = (SELECT endorsement_hash FROM flashed_boards WHERE serial = $1)`,
        [serial, at],
      )
      .catch(rethrow);
    return (rowCount ?? 0) > 0;
  }

  /**
   * Takes a board off the list, with what was written down of its enrolments. Answers whether it was there. Rejects
   * with GTX-ENR-022 while it is enrolled.
   */
  async remove(serial: string): Promise<boolean> {
    return inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<Row>('SELECT * FROM flashed_boards WHERE serial = $1 FOR UPDATE', [serial]);
      const [known] = rows;
      if (known === undefined) return false;
      if (await isEnrolled(client, known.endorsement_hash)) {
        throw new GridError('GTX-ENR-022', `${serial} is enrolled`, {
          kind: 'input',
          hint: `Release it first: \`gridtokenx provision release ${serial}\`.`,
        });
      }
      for (const table of ['enrolments', 'flashed_boards']) {
        await client.query(`DELETE FROM ${table} WHERE endorsement_hash = $1`, [known.endorsement_hash]);
      }
      return true;
    });
  }

  /**
   * Writes down an enrolment; nobody else enrols the board, or one for its building, meanwhile. `give` makes what it is
   * given, and only where the board has none for the role yet. Rejects with GTX-ENR-003 where it has, GTX-ENR-002 where
   * it is not on the list as it proved to be (any more), GTX-ENR-023 where another board is the building's.
   */
  async enrol(
    { endorsementHash: hash, serial, building, role }: FlashEntry & { readonly role: KeyRole },
    give: () => Promise<Omit<Enrolment, 'role'>>,
  ): Promise<Enrolment> {
    const enrol = async (client: PoolClient): Promise<Enrolment> => {
      const { rows } = await client.query<Row>(
        'SELECT * FROM flashed_boards WHERE endorsement_hash = $1 OR building = $2 ORDER BY endorsement_hash FOR UPDATE',
        [hash, building],
      );
      const board = rows.find((row) => row.endorsement_hash === hash);
      if (board?.serial !== serial || board.building !== building) {
        throw new GridError('GTX-ENR-002', `The enrolment is refused: ${serial} of ${building} is not on the list`, {
          hint: 'The list was changed while it enrolled: start again.',
        });
      }
      if (await isEnrolled(client, hash, role)) {
        throw new GridError('GTX-ENR-003', 'The enrolment is refused: the board is enrolled already', {
          hint: 'An operator has to release it first.',
        });
      }
      await checkVacant(client, { endorsementHash: hash, building });
      const given = await give();
      await client.query(
        `INSERT INTO enrolments (endorsement_hash, role, chain, lfdi, attestation_key, enrolled_at)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [hash, role, given.chain, Buffer.from(given.lfdi, 'hex'), Buffer.from(given.attestationKey), given.at],
      );
      return { ...given, role };
    };
    return this.#turns.take(() => inTransaction(this.#pool, enrol));
  }

  /** A board's certificate of a role was renewed: what it was given is the new one. */
  async renewed(serial: string, role: KeyRole, { chain, lfdi }: Pick<Enrolment, 'chain' | 'lfdi'>): Promise<void> {
    await this.#pool
      .query(
        `UPDATE enrolments SET chain = $3, lfdi = $4 WHERE released_at IS NULL AND role = $2
           AND endorsement_hash = (SELECT endorsement_hash FROM flashed_boards WHERE serial = $1)`,
        [serial, role, chain, Buffer.from(lfdi, 'hex')],
      )
      .catch(rethrow);
  }

  async #rows(statement: string, values: unknown[]): Promise<Row[]> {
    return (await this.#pool.query<Row>(statement, values).catch(rethrow)).rows;
  }
}

const rethrow = (error: unknown): never => {
  throw databaseError(error);
};

async function isEnrolled(client: PoolClient, hash: string, role?: KeyRole): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT 1 FROM enrolments WHERE endorsement_hash = $1 AND released_at IS NULL AND ($2::text IS NULL OR role = $2)',
    [hash, role ?? null],
  );
  return (rowCount ?? 0) > 0;
}

/** A building has one board: another one takes its place only when an operator has released it. */
async function checkVacant(
  client: PoolClient,
  { endorsementHash, building }: Pick<FlashEntry, 'endorsementHash' | 'building'>,
): Promise<void> {
  const { rows } = await client.query<Pick<Row, 'serial'>>(
    `SELECT b.serial FROM flashed_boards b JOIN enrolments e ON e.endorsement_hash = b.endorsement_hash
     WHERE b.building = $1 AND b.endorsement_hash <> $2 AND e.role = 'operational' AND e.released_at IS NULL`,
    [building, endorsementHash],
  );
  const [holder] = rows;
  if (holder === undefined) return;
  throw new GridError('GTX-ENR-023', `${building} has the board ${holder.serial}, which is enrolled`, {
    kind: 'input',
    hint: `Where another board takes its place: \`gridtokenx provision release ${holder.serial}\` first.`,
  });
}

function boardsOf(rows: readonly Row[]): ListedBoard[] {
  const boards = new Map<string, ListedBoard & { readonly enrolments: Enrolment[] }>();
  for (const row of rows) {
    const { endorsement_hash: endorsementHash, serial, building } = row;
    const board = boards.get(endorsementHash) ?? {
      endorsementHash,
      serial,
      building,
      allowedAt: UnixSeconds(row.allowed_at),
      enrolments: [],
    };
    boards.set(endorsementHash, board);
    if (row.role === null) continue;
    const { role, chain, attestation_key: attestationKey } = row;
    board.enrolments.push({
      role,
      chain,
      attestationKey,
      lfdi: parseLfdi(row.lfdi),
      at: UnixSeconds(row.enrolled_at),
    });
  }
  return [...boards.values()];
}

const taken = ({ endorsement_hash: hash, serial, building }: Row): GridError =>
  new GridError('GTX-ENR-020', `${serial} of ${building} is on the list with the TPM ${hash}`, {
    kind: 'input',
    hint: `A TPM is on one board and a serial number has one TPM: \`gridtokenx provision release ${serial}\`, then \`gridtokenx provision disallow ${serial}\`, takes the other one off the list.`,
  });

const enrolledFor = ({ serial, building }: Row): GridError =>
  new GridError('GTX-ENR-021', `${serial} is enrolled for ${building}`, {
    kind: 'input',
    hint: 'Release it first; its next enrolment may be for another building.',
  });
