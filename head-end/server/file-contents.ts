import type { Pool } from 'pg';
import { GridError } from '#hal/errors.ts';
import { databaseError } from '../database/connect.ts';
import { sql } from './resource-sql.ts';

/** 16 MiB: firmware of a device is smaller; a whole system comes another way. */
const maxContentBytes = 1 << 24;

/** The contents of File resources, by the href of the File; in the database alone. */
export class FileContents {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Rejects with `GTX-RES-004` when the content is too large. */
  async put(href: string, content: Uint8Array): Promise<void> {
    if (content.length > maxContentBytes) {
      throw new GridError('GTX-RES-004', `The file has ${content.length} bytes, at most ${maxContentBytes} are kept`, {
        hint: 'Give its fileURI on a server of your own instead.',
        kind: 'input',
      });
    }
    await this.#query(sql.putContent, [href, Buffer.from(content)]);
  }

  /** Bytes; undefined when there is no content. */
  async size(href: string): Promise<number | undefined> {
    const [row] = await this.#query<{ size: number }>(sql.contentSize, [href]);
    return row?.size;
  }

  /** `count` bytes from `start` on, counted from 0. */
  async part(href: string, start: number, count: number): Promise<Uint8Array> {
    const [row] = await this.#query<{ part: Buffer }>(sql.contentPart, [href, start + 1, count]);
    return row?.part ?? Buffer.alloc(0);
  }

  async remove(href: string): Promise<void> {
    await this.#query(sql.removeContent, [href]);
  }

  async #query<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.#pool.query<Row>(text, values)).rows;
    } catch (error) {
      throw databaseError(error);
    }
  }
}
