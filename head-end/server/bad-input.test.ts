import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { lfdiBytes } from '#ieee2030_5/identity.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Device } from '../registry/devices.ts';
import { kindOf } from './presenter.ts';
import { type ResourceRule, resourceRules } from './resource-rules.ts';
import { isSample, sampleOf } from './sample-documents.ts';
import { endDeviceOf, reasonOf, TestServer } from './test-server.ts';

/** What may be wrong with a document, made of a good one; and the reasonCode that says so. */
const faults: readonly (readonly [what: string, spoil: (good: string, root: string) => string, reasonCode: number])[] =
  [
    ['nothing at all', () => '', 0],
    ['no XML', () => 'hello', 0],
    ['cut off', (good) => good.slice(0, -4), 0],
    ['another root', () => '<DeviceCapability xmlns="urn:ieee:std:2030.5:ns"/>', 0],
    ['an unknown root', () => '<Nothing xmlns="urn:ieee:std:2030.5:ns"/>', 0],
    ['another namespace', (good) => good.replace('urn:ieee:std:2030.5:ns', 'urn:example'), 0],
    ['no namespace', (good) => good.replace(/ xmlns="[^"]*"/, ''), 0],
    ['a DTD', (good, root) => good.replace(`<${root}`, `<!DOCTYPE ${root} SYSTEM "file:///etc/passwd"><${root}`), 0],
    ['an entity', (good, root) => good.replace(`</${root}>`, `&xxe;</${root}>`), 0],
    ['10,000 elements deep', (_, root) => `<${root} xmlns="urn:ieee:std:2030.5:ns">${'<a>'.repeat(10_000)}`, 0],
    ['a zero byte', (good, root) => good.replace(`</${root}>`, `\u0000</${root}>`), 0],
    ['an element twice', (good) => good.replace(/(<(\w+)>[^<]*<\/\2>)/, '$1$1'), 0],
    ['no digits', (good) => good.replace(/>-?\d+</, '>many<'), 1],
    ['beyond every range', (good) => good.replace(/>-?\d+</, '>99999999999999999999999<'), 1],
  ];

suite('bad input', { concurrency: false }, () => {
  let server: TestServer;
  let device: Device;
  before(async () => {
    server = await TestServer.start();
    device = await server.device({ meterId: 'BAD', building: 'lab', zone: 'campus', ratedW: 1, storageWh: 0 });
    await server.sep.settings.change({ inBandRegistration: true });
    for (const [list, name] of lists) {
      await server.sep.store.add(`/edev/${device.id}/${list}`, name, sampleOf(name, list) as never);
    }
    const point = { ...sampleOf('MirrorUsagePoint', 'bad'), deviceLFDI: lfdiBytes(device.lfdi) };
    await server.send(device, 'POST', '/mup', 'MirrorUsagePoint', point);
  });
  after(() => server[Symbol.asyncDispose]());

  const lists = [
    ['di/loc', 'SupportedLocale'],
    ['cfg/prcfg', 'PriceResponseCfg'],
    ['lsl', 'LoadShedAvailability'],
    ['sub', 'Subscription'],
  ] as const;
  const writable = [...resourceRules.values()].flatMap((rule) =>
    (['PUT', 'POST'] as const)
      .filter((method) => rule.methods.includes(method))
      .map((method) => [rule, method] as const),
  );
  const pathOf = ({ path }: ResourceRule): string =>
    path.replace('{id1}', path.startsWith('/edev') ? String(device.id) : '1').replace(/\{id\d\}/, '1');
  const good = (rule: ResourceRule, method: 'PUT' | 'POST'): { name: RootName; text: string } => {
    const posted = rule.id === 'MirrorUsagePoint' ? 'MirrorMeterReading' : (kindOf(rule).item ?? rule.root);
    const name = (method === 'POST' ? posted : rule.root) as RootName;
    const value = name === 'EndDevice' ? endDeviceOf(device.lfdi) : isSample(name) ? sampleOf(name, 'good') : undefined;
    assert.ok(value, `${name} has no sample`);
    return { name, text: writeDocument(name, value as Roots[typeof name]) };
  };
  const state = async (): Promise<unknown> => {
    const tables = [
      'sep_resources',
      'sep_records',
      'devices',
      'mirror_usage_points',
      'reading_channels',
      'readings',
      'orders',
    ];
    const counts = await Promise.all(
      tables.map((table) =>
        server.database.pool.query(
          `SELECT count(*) AS n, md5(string_agg(t::text, '' ORDER BY t::text)) FROM ${table} t`,
        ),
      ),
    );
    return [server.sep.store.version, counts.map(({ rows }) => rows)];
  };

  test('what is wrong with a document is 400 with its reasonCode, and changes nothing', async (t) => {
    const had = await state();
    let cases = 0;
    for (const [rule, method] of writable) {
      const { name, text } = good(rule, method);
      for (const [what, spoil, reasonCode] of faults) {
        const bad = spoil(text, name);
        // Some documents have no number, or nothing that may stand twice.
        if (bad === text) continue;
        const answer = await server.ask(device, method, pathOf(rule), bad);
        assert.deepEqual(
          [answer.status, reasonOf(answer)],
          [400, reasonCode],
          `${method} ${rule.id}: ${what}\n${bad.slice(0, 300)}`,
        );
        cases++;
      }
    }
    assert.ok(cases >= 200, `${cases} cases`);
    t.diagnostic(`${cases} cases`);
    assert.deepEqual(await state(), had);
  });

  test('paths that are none are 404, whatever stands in them', async () => {
    const had = await state();
    const odd = [
      '',
      '/',
      '//',
      '/edev/',
      '/edev/0',
      '/edev/-1',
      '/edev/1e3',
      '/edev/99999999999',
      `/edev/${device.id}/`,
    ];
    const wild = [
      '/edev/%31',
      '/edev/../dcap',
      '/DCAP',
      '/dcap/',
      '/dcap#x',
      'dcap',
      '/edev/__proto__',
      '/constructor',
    ];
    const deep = `/edev/${device.id}${'/der/1'.repeat(2_000)}`;
    const strange = ['/upt/1/mr/1/rs/x', '/upt/1/mr/x', '/mup/x', '/mup/01', '/derp/%', '/bill/1', '/file/1/content/2'];
    for (const path of [...odd, ...wild, ...strange, deep]) {
      assert.equal((await server.get(device, path)).status, 404, path.slice(0, 80));
    }
    assert.deepEqual(await state(), had);
  });

  test('list parameters that are no numbers are 400 with reasonCode 1, and unknown ones are let be', async () => {
    for (const query of ['s=-1', 's=x', 'l=', 'l=1&l=2', 'a=now', 's=1e3', 'l=99999999999']) {
      const answer = await server.get(device, `/edev?${query}`);
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 1], query);
    }
    assert.equal((await server.get(device, '/edev?x=1&l=5')).status, 200);
  });
});
