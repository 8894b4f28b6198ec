import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GridError, reasonOf } from '#hal/errors.ts';
import { isoTime } from '#hal/units.ts';
import { type BoardReport, reportSections } from './board-report.ts';

const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  'x-content-type-options': 'nosniff',
} as const;

/**
 * A page that shows a board on its own machine, also while the head-end is away: `/`, and `/status.json` for programs.
 * It listens on loopback, tells only, and takes no orders; a technician reaches it by `ssh -L`.
 */
export class StatusPage implements AsyncDisposable {
  readonly #server: Server;
  readonly #report: () => BoardReport;

  constructor(report: () => BoardReport) {
    this.#report = report;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.maxConnections = 16;
    this.#server.requestTimeout = 5000;
  }

  /** Answers the port; 0 takes any free one. Rejects with `GTX-EDG-030`. */
  async start(port: number): Promise<number> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, '127.0.0.1', resolve);
      });
    } catch (error) {
      throw new GridError('GTX-EDG-030', `The status page cannot listen on port ${port}: ${reasonOf(error)}`, {
        hint: 'Choose another with --status-port PORT; 0 takes any free one.',
        cause: error,
      });
    }
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #answer({ method, url, headers: asked }: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { ...headers, 'content-type': `${type}; charset=utf-8` });
      response.end(body);
    };
    if (method !== 'GET') return send(405, 'text/plain', 'A board only tells.\n');
    // A page of somebody else's that the browser was made to take for this one.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(asked.host ?? '')) {
      return send(403, 'text/plain', 'This page is for the machine that it runs on.\n');
    }
    if (url === '/status.json') return send(200, 'application/json', `${JSON.stringify(this.#report(), null, 2)}\n`);
    if (url === '/') return send(200, 'text/html', page(this.#report()));
    send(404, 'text/plain', 'There is / and /status.json.\n');
  }
}

function page(report: BoardReport): string {
  const sections = reportSections(report).map(
    ({ title, rows }) =>
      `<h2>${escaped(title)}</h2><table>${rows
        .map((cells) => `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`)
        .join('')}</table>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>${escaped(report.name)}</title>
<style>body{font:16px/1.4 sans-serif;margin:1rem;max-width:60rem}td{padding:.1rem 1rem .1rem 0;vertical-align:top}</style>
</head><body><h1>${escaped(report.name)}</h1><p>${escaped(report.meterId)}, ${escaped(isoTime(report.at))}</p>
${sections.join('\n')}</body></html>
`;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');
