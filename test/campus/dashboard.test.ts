import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { type Browser, chromium, type Page } from 'playwright-core';
import { Gateway } from '#head-end/gateway/gateway.ts';
import { SampleSource, sampleSnapshot, sampleSnapshotAtStart, sampleStart } from '#head-end/gateway/sample-campus.ts';
import type { CampusSnapshot } from '#head-end/gateway/snapshot.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { debianPackage } from '#test/debian-packages.ts';
import { launchArguments } from './chromium.ts';
import { pageAudit, sidewaysAudit } from './page-audit.ts';

const log = pino({ level: 'silent' });
const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

interface View {
  readonly source: SampleSource;
  readonly page: Page;
  readonly port: number;
  /** Errors on the browser's console, a refused policy among them. */
  readonly complaints: string[];
}

/** A gateway, a browser profile and a page of the test's own; the browser is everybody's. */
async function open(
  t: TestContext,
  browser: Browser,
  options: { snapshot?: CampusSnapshot; viewport?: typeof desktop; colorScheme?: 'light' | 'dark' } = {},
): Promise<View> {
  const source = new SampleSource(options.snapshot ?? sampleSnapshot());
  const gateway = new Gateway({ port: 0, source, log });
  t.after(() => gateway[Symbol.asyncDispose]());
  const { port } = await gateway.start();
  const { viewport = desktop, colorScheme = 'light' } = options;
  const context = await browser.newContext({ viewport, colorScheme });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://127.0.0.1:${port}/`);
  await shows(page, '#connection-text', 'Live');
  await shows(page, '#heading', 'Stanford campus');
  return { source, page, port, complaints };
}

/** Waits until an element has exactly this text. */
const shows = (page: Page, selector: string, text: string): Promise<void> =>
  page
    .locator(selector)
    .and(page.getByText(text, { exact: true }))
    .waitFor();

const total = (name: string): string => `#total-${name} [data-value]`;

/** The same campus a little later with another load. */
function later(seconds: number, loadW: number): CampusSnapshot {
  const snapshot = sampleSnapshot(UnixSeconds(sampleStart + 7520 + seconds));
  return { ...snapshot, campus: { ...snapshot.campus, loadW: W(loadW) } };
}

test('the dashboard in a browser', async (t) => {
  if (!debianPackage(t, 'chromium')) return;
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: launchArguments });
  t.after(() => browser.close());

  await t.test('a campus of 25 buildings shows its totals, a row a building, windows and settlements', async (u) => {
    const { page, complaints } = await open(u, browser);
    assert.equal(await page.locator('#buildings tr').count(), 25);
    await shows(page, total('generation'), '656.9');
    await shows(page, total('load'), '528.0');
    await shows(page, total('grid'), '58.7');
    await shows(page, '#total-grid [data-note]', 'export');
    await shows(page, total('storage'), '70.1');
    await shows(page, total('p2p'), '93.0');
    await shows(page, '#time', '13:05:20');
    const row = page.locator('[data-meter="AMI_METER_STANFORD_CS_001"]');
    assert.equal(
      (await row.innerText()).replaceAll(/\s+/g, ' ').trim(),
      'Computer Science academic consumer 0.0 23.0 import 9.2 67 % discharge 13.8 5 s ago 13:00 bought 0.77 kWh at 0.1189',
    );
    assert.equal(await page.locator('.late').innerText(), '4 min ago · late');
    const window = page.locator('#windows tr').first();
    assert.match((await window.innerText()).replaceAll(/\s+/g, ' '), /^13:05–13:10 0\.1169 7\.75 20 cleared/);
    const settlement = page.locator('#settlements tr').first();
    assert.match((await settlement.innerText()).replaceAll(/\s+/g, ' '), /^13:00–13:05 \w{5}…\w{5} 8 5\.12 0\.6085/);
    assert.equal(await page.locator('#market-chart .bar').count(), 24);
    assert.deepEqual(complaints, []);
  });

  await t.test('before the first reading the page waits in words, not in zeros', async (u) => {
    const { page, source, complaints } = await open(u, browser, { snapshot: sampleSnapshotAtStart() });
    await page.getByText('Waiting for the first readings…').waitFor();
    await page.getByText('No window has been cleared yet.').waitFor();
    await page.getByText('Nothing has been settled yet.').waitFor();
    assert.equal(await page.locator(total('load')).innerText(), '–');
    assert.equal(await page.locator('#buildings .reading').first().innerText(), 'waiting…');
    source.push(later(0, 528_000));
    await shows(page, total('load'), '528.0');
    assert.deepEqual(complaints, []);
  });

  await t.test('a campus without meters yet says that it waits for them', async (u) => {
    const { page } = await open(u, browser, { snapshot: { ...sampleSnapshotAtStart(), meters: [] } });
    await page.getByText('Waiting for the first reading…', { exact: true }).waitFor();
  });

  await t.test('a new snapshot changes the values without a reload, and the curve grows', async (u) => {
    const { page, source, complaints } = await open(u, browser);
    await page.evaluate('window.untouched = true');
    source.push(later(60, 611_100));
    await shows(page, total('load'), '611.1');
    await shows(page, '#time', '13:06:20');
    await page.locator('#power-chart path.load').waitFor();
    source.push(later(400, 622_200));
    await shows(page, total('load'), '622.2');
    await page.locator('#windows th').first().getByText('13:10–13:15').waitFor();
    assert.equal(await page.evaluate('window.untouched'), true);
    assert.deepEqual(complaints, []);
  });

  await t.test('the legend tells the values under the pointer', async (u) => {
    const { page, source } = await open(u, browser);
    source.push(later(600, 700_000));
    await shows(page, '#power-legend li:nth-child(2) .legend-value', '700.0');
    const box = await page.locator('#power-chart').boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + 50, box.y + 80);
    await shows(page, '#power-legend li:nth-child(2) .legend-value', '528.0');
    await page.mouse.move(box.x + 50, box.y - 200);
    await shows(page, '#power-legend li:nth-child(2) .legend-value', '700.0');
  });

  await t.test('the curve survives a reload', async (u) => {
    const { page, source } = await open(u, browser);
    source.push(later(600, 700_000));
    source.push(later(1200, 700_000));
    await shows(page, '#time', '13:25:20');
    await page.reload();
    const described = page.getByRole('img', { name: /^Power from 13:05 to 13:25\./ });
    await described.waitFor();
  });

  await t.test('the page says that it reconnects, and comes back by itself when the head-end does', async (u) => {
    const source = new SampleSource(sampleSnapshot());
    const first = new Gateway({ port: 0, source, log });
    u.after(() => first[Symbol.asyncDispose]());
    const { port } = await first.start();
    const context = await browser.newContext({ viewport: desktop });
    u.after(() => context.close());
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    await shows(page, '#connection-text', 'Live');
    await first[Symbol.asyncDispose]();
    await shows(page, '#connection-text', 'Reconnecting…');
    await shows(page, total('load'), '528.0');
    const second = new Gateway({ port, source: new SampleSource(later(60, 633_300)), log });
    u.after(() => second[Symbol.asyncDispose]());
    await second.start();
    await shows(page, '#connection-text', 'Live');
    await shows(page, total('load'), '633.3');
  });

  for (const [name, viewport] of [
    ['laptop', desktop],
    ['small laptop', { width: 1280, height: 720 }],
    ['tablet', { width: 820, height: 1180 }],
    ['phone', phone],
    ['small phone', { width: 320, height: 640 }],
  ] as const) {
    await t.test(`on a ${name} nothing reaches beyond the edge, whatever the values`, async (u) => {
      const { page, source } = await open(u, browser, { viewport });
      assert.deepEqual(await page.evaluate(sidewaysAudit), []);
      source.push(widest());
      await shows(page, total('load'), '11,103.4');
      assert.deepEqual(await page.evaluate(sidewaysAudit), []);
    });
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [desktop, phone]) {
      await t.test(
        `${colorScheme}, ${viewport.width} px: names, headers, landmarks and contrast are in order`,
        async (u) => {
          const { page, source } = await open(u, browser, { viewport, colorScheme });
          const snapshot = later(60, 611_100);
          source.push({ ...snapshot, health: { ...snapshot.health, lastError: 'GTX-SET-001 the ledger was slow' } });
          await shows(page, total('load'), '611.1');
          assert.deepEqual(await page.evaluate(pageAudit), []);
        },
      );
    }
  }

  await t.test('a screen reader still finds a table where a phone shows cards', async (u) => {
    const { page } = await open(u, browser, { viewport: phone });
    const table = page.getByRole('table', { name: 'Buildings' });
    assert.equal(await table.getByRole('row').count(), 26);
    assert.equal(await table.getByRole('columnheader').count(), 9);
    assert.equal(await table.getByRole('rowheader', { name: /^Engineering/ }).count(), 1);
  });
});

/** The longest of everything that a cell may have to hold. */
function widest(): CampusSnapshot {
  const snapshot = later(60, 11_103_400);
  return {
    ...snapshot,
    site: { ...snapshot.site, name: 'Leland Stanford Junior University, main campus' },
    campus: { ...snapshot.campus, generationW: W(11_103_400), gridW: W(-11_103_400), storageW: W(-11_103_400) },
    meters: snapshot.meters.map((meter) => ({
      ...meter,
      name: 'Graduate School of Administration',
      building: 'administrative',
      generationW: W(1_103_400),
      loadW: W(1_103_400),
      gridW: W(-1_103_400),
      storageW: W(1_103_400),
      stateOfChargePercent: 100,
      batteryWh: Wh(30_000),
      lastReadingAt: UnixSeconds(snapshot.time - 3599),
      lastTrade: meter.lastTrade === null ? null : { ...meter.lastTrade, side: 'buy', energyWh: Wh(1_234_560) },
    })),
    health: { ...snapshot.health, lastError: `GTX-XXX-001 ${'a_word_without_an_end'.repeat(20)}` },
  };
}
