import { escaped } from '#hal/markup.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { type Page, type PageRequest, PageServer } from '#hal/page-server.ts';
import { isoTime } from '#hal/units.ts';
import { metricsOf, metricsType } from './board-metrics.ts';
import { type BoardReport, reportSections } from './board-report.ts';

const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  'x-content-type-options': 'nosniff',
} as const;

/**
 * A page that shows a board on its own machine, also while the head-end is away: `/`, and `/status.json` and `/metrics` for programs.
 * It listens on loopback, tells only, and takes no orders; a technician reaches it by `ssh -L`.
 */
export class StatusPage implements AsyncDisposable {
  readonly #server: PageServer;
  readonly #report: () => BoardReport;

  constructor(report: () => BoardReport) {
    this.#report = report;
    this.#server = new PageServer((request) => this.#answer(request));
  }

  /** Answers the port; 0 takes any free one. Rejects with `GTX-EDG-030`. */
  async start(port: number): Promise<number> {
    try {
      await this.#server.listen({ port, host: '127.0.0.1' });
    } catch (error) {
      throw new GridError('GTX-EDG-030', `The status page cannot listen on port ${port}: ${reasonOf(error)}`, {
        hint: 'Choose another with --status-port PORT; 0 takes any free one.',
        cause: error,
      });
    }
    return this.#server.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #answer({ method, path, host }: PageRequest): Page {
    if (method !== 'GET') return shown(405, 'text/plain', 'A board only tells.\n');
    // A page of somebody else's that the browser was made to take for this one.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? '')) {
      return shown(403, 'text/plain', 'This page is for the machine that it runs on.\n');
    }
    if (path === '/status.json') return shown(200, 'application/json', `${JSON.stringify(this.#report(), null, 2)}\n`);
    if (path === '/') return shown(200, 'text/html', page(this.#report()));
    if (path === '/metrics') return shown(200, metricsType, metricsOf(this.#report()));
    return shown(404, 'text/plain', 'There is /, /status.json and /metrics.\n');
  }
}

const shown = (status: Page['status'], type: string, body: string): Page => ({ status, type, body, headers });

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
