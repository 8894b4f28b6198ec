/** What people and programs look like to the database. */
export interface UserRow {
  readonly id: number;
  readonly name: string;
  readonly role: string;
  readonly meters: readonly string[];
  readonly handle: Buffer;
  readonly password: string | null;
  readonly created_at: number;
}

export interface PasskeyRow {
  readonly id: string;
  readonly user_id: number;
  readonly name: string;
  readonly public_key: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly relying_party: string;
  readonly created_at: number;
}

export interface SessionRow {
  readonly token_hash: Buffer;
  readonly user_id: number;
  readonly by_link: boolean;
  readonly expires_at: number;
}

export interface LinkRow {
  readonly token_hash: Buffer;
  readonly user_id: number;
  readonly expires_at: number;
}

export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly secret_hash: Buffer;
  readonly role: string;
  readonly meters: readonly string[];
  readonly created_at: number;
  readonly created_by: string;
  readonly expires_at: number | null;
}

export const sql = {
  users: 'SELECT id, name, role, meters, handle, password, created_at FROM access_users ORDER BY id',
  addUser: `INSERT INTO access_users (name, role, meters, handle, created_at)
    VALUES ($1, $2, $3, $4, $5) RETURNING id`,
  changeUser: 'UPDATE access_users SET role = $2, meters = $3 WHERE id = $1',
  setPassword: 'UPDATE access_users SET password = $2 WHERE id = $1',
  clearPassword: 'UPDATE access_users SET password = NULL WHERE id = $1',
  removeUser: 'DELETE FROM access_users WHERE id = $1',
  passkeys: `SELECT id, user_id, name, public_key, counter, transports, relying_party, created_at
    FROM access_passkeys ORDER BY created_at, id`,
  addPasskey: `INSERT INTO access_passkeys
    (id, user_id, name, public_key, counter, transports, relying_party, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  countPasskey: 'UPDATE access_passkeys SET counter = $2 WHERE id = $1',
  removePasskey: 'DELETE FROM access_passkeys WHERE id = $1',
  removePasskeys: 'DELETE FROM access_passkeys WHERE user_id = $1',
  dropExpiredSessions: 'DELETE FROM access_sessions WHERE expires_at <= $1',
  sessions: 'SELECT token_hash, user_id, by_link, expires_at FROM access_sessions ORDER BY expires_at',
  addSession: 'INSERT INTO access_sessions (token_hash, user_id, by_link, expires_at) VALUES ($1, $2, $3, $4)',
  removeSessions: 'DELETE FROM access_sessions WHERE token_hash = ANY ($1)',
  links: 'SELECT token_hash, user_id, expires_at FROM access_links',
  putLink: `INSERT INTO access_links (token_hash, user_id, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET token_hash = $1, expires_at = $3`,
  removeLink: 'DELETE FROM access_links WHERE user_id = $1',
  keys: `SELECT id, name, secret_hash, role, meters, created_at, created_by, expires_at
    FROM access_keys ORDER BY created_at, id`,
  addKey: `INSERT INTO access_keys (id, name, secret_hash, role, meters, created_at, created_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  removeKey: 'DELETE FROM access_keys WHERE id = $1',
} as const;
