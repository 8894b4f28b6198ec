/** What the head-end refuses, in its words (RFC 9457). */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {{ detail?: string, code?: string, hint?: string | null }} problem
   */
  constructor(status, { detail, code, hint }) {
    super(detail ?? 'The head-end does not answer');
    this.status = status;
    this.code = code ?? '';
    this.hint = hint ?? '';
  }
}

/**
 * Asks the head-end's interface; throws a Refusal.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {object} [body]
 * @returns {Promise<any>} what JSON gave, or undefined
 */
export async function ask(method, path, body) {
  const init = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`/api/v1${path}`, { method, ...init }).catch(() => undefined);
  if (response === undefined) throw new Refusal(0, { hint: 'Is it running? Try again in some seconds.' });
  const text = await response.text();
  const json = text === '' ? undefined : JSON.parse(text);
  if (!response.ok) throw new Refusal(response.status, json ?? {});
  return json;
}
