export interface ResourceRow {
  readonly href: string;
  readonly list: string | null;
  readonly name: string;
  readonly document: string;
  readonly owner: number | null;
  readonly changed_at: number;
}

export interface RecordRow {
  readonly kind: string;
  readonly id: string;
  readonly body: unknown;
}

/** Every statement of the server's own tables. */
export const sql = {
  allResources: 'SELECT href, list, name, document, owner, changed_at FROM sep_resources',

  nextId: `
    INSERT INTO sep_lists AS l (href, last_id) VALUES ($1, 1)
    ON CONFLICT (href) DO UPDATE SET last_id = l.last_id + 1
    RETURNING last_id`,

  /** An array a column; no href twice. */
  putResources: `
    INSERT INTO sep_resources (href, list, name, document, owner, changed_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[])
    ON CONFLICT (href) DO UPDATE SET name = excluded.name, document = excluded.document, changed_at = excluded.changed_at`,

  /** $1 a resource that goes, with everything below it. */
  removeResource: `DELETE FROM sep_resources WHERE href = $1 OR starts_with(href, $1 || '/')`,
  removeLists: `DELETE FROM sep_lists WHERE starts_with(href, $1 || '/')`,

  allRecords: 'SELECT kind, id, body FROM sep_records',
  putRecord: `
    INSERT INTO sep_records (kind, id, body) VALUES ($1, $2, $3)
    ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`,
  removeRecord: 'DELETE FROM sep_records WHERE kind = $1 AND id = $2',

  putContent: `
    INSERT INTO sep_file_contents (href, content) VALUES ($1, $2)
    ON CONFLICT (href) DO UPDATE SET content = excluded.content`,
  contentSize: 'SELECT length(content) AS size FROM sep_file_contents WHERE href = $1',
  /** $2 the first byte, counted from 1, $3 how many. */
  contentPart: 'SELECT substring(content FROM $2 FOR $3) AS part FROM sep_file_contents WHERE href = $1',
  removeContent: 'DELETE FROM sep_file_contents WHERE href = $1',
};
