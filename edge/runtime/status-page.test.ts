import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { BoardReport } from './board-report.ts';
import { StatusPage } from './status-page.ts';

const report: BoardReport = {
  meterId: 'TEST_001',
  name: '<b>Mill & Sons</b>',
  at: UnixSeconds(1_800_000_000),
  isControlAlive: true,
  parts: [
    { part: 'clamps', isWell: true, since: UnixSeconds(1_799_999_000), fault: undefined },
    { part: 'inverter', isWell: false, since: UnixSeconds(1_799_999_990), fault: 'GTX-HAL-001 Cannot open <tcp>' },
  ],
  sample: {
    time: UnixSeconds(1_800_000_000),
    gridW: W(1200),
    loadW: undefined,
    voltageV: 230,
    inverter: { powerW: W(300), generationWh: Wh(5) },
    battery: undefined,
  },
  reasons: [],
  outbox: {
    waiting: 7,
    since: UnixSeconds(1_799_999_900),
    coarsened: 0,
    writtenBytesADay: 47_500_000,
    gaps: [{ from: 1_799_990_000, until: 1_799_990_600, why: 'not measured' }],
    totals: { queued: 90, acknowledged: 80, dropped: 1, refused: 2 },
  },
  tls: { handshakes: 3, tpm: { signatures: 2, failures: 1, microseconds: 1500 } },
};

async function ask(port: number, path: string, headers: Readonly<Record<string, string>> = {}) {
  const request = get({ host: '127.0.0.1', port, path, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test('the page shows every part, what is known, what is not, and nothing as markup that is none', async () => {
  await using page = new StatusPage(() => report);
  const port = await page.start(0);
  const { body, headers } = await ask(port, '/');
  for (const shown of [
    '&lt;b&gt;Mill &amp; Sons&lt;/b&gt;',
    'Cannot open &lt;tcp&gt;',
    '1200 W',
    'not known',
    '300 W',
    'not measured',
    '47.5 MB',
  ]) {
    assert.ok(body.includes(shown), shown);
  }
  assert.ok(!body.includes('<b>') && !body.includes('<tcp>'));
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.deepEqual(JSON.parse((await ask(port, '/status.json')).body), JSON.parse(JSON.stringify(report)));
});

test('a monitoring system reads the same by /metrics, and of a TPM only where there is one', async () => {
  let shown: BoardReport = { ...report, meterId: 'a "b"\\\n' };
  await using page = new StatusPage(() => shown);
  const port = await page.start(0);
  const { body, headers } = await ask(port, '/metrics');
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4; charset=utf-8$/);
  const label = 'meter="a \\"b\\"\\\\\\n"';
  const lines = body.trimEnd().split('\n');
  for (const line of lines)
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{([a-z]+="([^"\\]|\\["\\n])*",?)+\} [\d.]+)$/);
  for (const [name, value] of [
    ['tpm_signatures_total', 2],
    ['tpm_signature_failures_total', 1],
    ['tpm_signature_seconds_total', 0.0015],
    ['tls_handshakes_total', 3],
    ['readings_waiting', 7],
  ] as const) {
    assert.ok(lines.includes(`gridtokenx_board_${name}{${label}} ${value}`), name);
  }
  assert.ok(lines.includes(`gridtokenx_board_part_well{${label},part="inverter"} 0`));
  shown = { ...report, tls: { handshakes: 3 } };
  assert.doesNotMatch((await ask(port, '/metrics')).body, /tpm/);
});

test('it answers only for its own machine, and only what there is', async () => {
  await using page = new StatusPage(() => report);
  const port = await page.start(0);
  assert.equal((await ask(port, '/', { host: `evil.example:${port}` })).status, 403);
  assert.equal((await ask(port, '/', { host: `localhost:${port}` })).status, 200);
  assert.equal((await ask(port, '/etc/passwd')).status, 404);
  await using other = new StatusPage(() => report);
  await assert.rejects(other.start(port), { code: 'GTX-EDG-030', hint: /--status-port/ });
});
