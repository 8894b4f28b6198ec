import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { type WadlMethod, wadlMethods, wadlRow } from '#ieee2030_5/wadl-table.ts';
import { wadlTable } from '#ieee2030_5/wadl-table.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Device } from '../registry/devices.ts';
import { kindOf } from './presenter.ts';
import { type ResourceRule, resourceRules, type ServedId } from './resource-rules.ts';
import { isSample, sampleOf } from './sample-documents.ts';
import { endDeviceOf, testLfdi, testStart, TestServer } from './test-server.ts';

/** The ids of one of everything, by the path that they stand in. */
type Ids = readonly string[];

suite('the table resource × method × status', { concurrency: false }, () => {
  let server: TestServer;
  /** Has one of everything. */
  let own: Device;
  /** Has nothing of it. */
  let other: Device;
  /** Acts for `own`. */
  let aggregator: Device;
  const paths = new Map<ServedId, string>();

  const put = (href: string, name: Parameters<typeof sampleOf>[0]) =>
    server.sep.store.put(href, name, sampleOf(name, href) as never);
  const add = async (list: string, name: Parameters<typeof sampleOf>[0], owner?: number) => {
    const options = owner === undefined ? {} : { owner };
    return (await server.sep.store.add(list, name, sampleOf(name, list) as never, options)).href;
  };

  before(async () => {
    server = await TestServer.start();
    aggregator = await server.device();
    const building = { building: 'academic', zone: 'campus', ratedW: 1, storageWh: 1 };
    own = await server.device({ ...building, meterId: 'OWN', pin: 111115, aggregator: aggregator.id });
    other = await server.device({ ...building, meterId: 'OTHER' });
    await seed();
  });
  after(() => server[Symbol.asyncDispose]());

  /** One of everything that an operator or the device itself puts there. */
  async function seed(): Promise<void> {
    const edev = `/edev/${own.id}`;
    const derp = await add('/derp', 'DERProgram');
    const dr = await add('/dr', 'DemandResponseProgram');
    const tp = await add('/tp', 'TariffProfile');
    const msg = await add('/msg', 'MessagingProgram');
    const idOf = (href: string): string => href.slice(href.lastIndexOf('/') + 1);
    const fsa = await server.assign([own], {
      programs: [idOf(derp)],
      tariffs: [idOf(tp)],
      messagingPrograms: [idOf(msg)],
      demandResponsePrograms: [idOf(dr)],
    });
    const [derc, dc] = [await add(`${derp}/derc`, 'DERControl'), await add(`${derp}/dc`, 'DERCurve')];
    await put(`${derp}/dderc`, 'DefaultDERControl');
    const [edc, txt] = [await add(`${dr}/edc`, 'EndDeviceControl'), await add(`${msg}/txt`, 'TextMessage')];
    const rc = await add(`${tp}/rc`, 'RateComponent');
    const tti = await add(`${rc}/tti`, 'TimeTariffInterval');
    const cti = await add(`${tti}/cti`, 'ConsumptionTariffInterval');
    const bill = await add('/bill', 'CustomerAccount', own.id);
    const ca = await add(`${bill}/ca`, 'CustomerAgreement');
    const billed = {
      bp: await add(`${ca}/bp`, 'BillingPeriod'),
      pro: await add(`${ca}/pro`, 'ProjectionReading'),
      tar: await add(`${ca}/tar`, 'TargetReading'),
      ver: await add(`${ca}/ver`, 'HistoricalReading'),
    };
    await put(`${bill}/ss`, 'ServiceSupplier');
    const brs = await add('/brs', 'BillingReadingSet', own.id);
    const br = await add(`${brs}/br`, 'BillingReading');
    const file = (await server.sep.store.add('/file', 'File', { ...sampleOf('File', 'f'), lFDI: lfdiBytes(own.lfdi) }))
      .href;
    await server.sep.contents.put(file, Buffer.from('hello'));
    for (const [segment, name] of [
      ['di', 'DeviceInformation'],
      ['dstat', 'DeviceStatus'],
      ['ps', 'PowerStatus'],
      ['cfg', 'Configuration'],
      ['fs', 'FileStatus'],
      ['cp', 'ConnectionPoint'],
      ['der/1/dercap', 'DERCapability'],
      ['der/1/derg', 'DERSettings'],
      ['der/1/ders', 'DERStatus'],
      ['der/1/dera', 'DERAvailability'],
    ] as const) {
      await put(`${edev}/${segment}`, name);
    }
    const [loc, prcfg] = [
      await add(`${edev}/di/loc`, 'SupportedLocale'),
      await add(`${edev}/cfg/prcfg`, 'PriceResponseCfg'),
    ];
    const [lel, lsl] = [await add(`${edev}/lel`, 'LogEvent'), await add(`${edev}/lsl`, 'LoadShedAvailability')];
    const sub = await add(`${edev}/sub`, 'Subscription');
    const point = { ...sampleOf('MirrorUsagePoint', 'mup'), deviceLFDI: lfdiBytes(own.lfdi) };
    const mup = (await server.send(own, 'POST', '/mup', 'MirrorUsagePoint', point)).location as string;
    await server.send(own, 'POST', mup, 'MirrorMeterReading', sampleOf('MirrorMeterReading', 'channel-of-own'));
    await server.send(own, 'POST', mup, 'MirrorMeterReading', {
      ...sampleOf('MirrorMeterReading', 'x'),
      mRID: mridOf('channel'),
    });
    const [channel] = server.readings.channelsOf(own.id);
    const upt = `/upt/${idOf(mup)}`;
    const mr = `${upt}/mr/${channel?.id}`;
    const rs = `${mr}/rs/${Math.floor(testStart / 86_400)}`;
    const response = {
      ...sampleOf('Response', 'r'),
      endDeviceLFDI: lfdiBytes(own.lfdi),
      subject: mridOf(`${derp}/derc`),
    };
    const rsp = (await server.send(own, 'POST', '/rsps/1/rsp', 'Response', response)).location as string;
    const frq = (
      await server.send(own, 'POST', `${edev}/frq`, 'FlowReservationRequest', sampleOf('FlowReservationRequest', 'q'))
    ).location as string;

    const ids: readonly (readonly [pattern: string, Ids])[] = [
      ['/edev/{id1}/fsa/{id2}', [String(own.id), fsa]],
      ['/edev/{id1}/der/{id2}', [String(own.id), '1']],
      ['/edev/{id1}/frp/{id2}', [String(own.id), '00']],
    ];
    const items = [
      derp,
      dr,
      tp,
      msg,
      derc,
      dc,
      edc,
      txt,
      rc,
      tti,
      cti,
      bill,
      ca,
      ...Object.values(billed),
      brs,
      br,
      file,
    ];
    const others = [edev, loc, prcfg, lel, lsl, sub, mup, upt, mr, rs, `${rs}/r/${testStart}-15`, '/rsps/1', rsp, frq];
    const known = [...items, ...others];
    for (const rule of resourceRules.values()) paths.set(rule.id as ServedId, pathOf(rule, known, ids));
  }

  /** The path of the one that is there of a resource. */
  function pathOf({ path }: ResourceRule, known: readonly string[], ids: readonly (readonly [string, Ids])[]): string {
    const segments = path.split('/');
    const fits = (href: string): boolean => {
      const parts = href.split('/');
      return (
        parts.length <= segments.length &&
        parts.every((part, i) => segments[i] === part || segments[i]?.startsWith('{') === true)
      );
    };
    const special = ids.find(([pattern]) => path.startsWith(pattern));
    if (special !== undefined) return fill(path, special[1]);
    const [best = ''] = known.filter(fits).toSorted((a, b) => b.split('/').length - a.split('/').length);
    const rest = segments.slice(best === '' ? 1 : best.split('/').length);
    assert.ok(
      rest.every((segment) => !segment.startsWith('{')),
      `${path} has no sample`,
    );
    return rest.length === 0 ? best : `${best}/${rest.join('/')}`;
  }

  const fill = (path: string, ids: Ids): string => {
    let i = 0;
    return path.replace(/\{id\d\}/g, () => ids[i++] ?? '');
  };

  /** What a client sends to a resource, as good as can be. */
  function bodyFor(rule: ResourceRule, method: WadlMethod, path: string): string {
    if (method === 'GET' || method === 'DELETE') return '';
    const name = (method === 'POST' ? (kindOf(rule).item ?? rule.root) : rule.root) as RootName;
    const special: { readonly [N in RootName]?: object } = {
      EndDevice: method === 'POST' ? endDeviceOf(testLfdi(99)) : endDeviceOf(own.lfdi),
      MirrorUsagePoint: { ...sampleOf('MirrorUsagePoint', 'mup'), deviceLFDI: lfdiBytes(own.lfdi) },
      Subscription: { ...sampleOf('Subscription', ''), subscribedResource: `/edev/${own.id}/fsa` },
      FlowReservationRequest: { ...sampleOf('FlowReservationRequest', 'q') },
      Response: {
        ...sampleOf('Response', ''),
        endDeviceLFDI: lfdiBytes(own.lfdi),
        subject: mridOf(`${paths.get('DERProgram')}/derc`),
      },
    };
    if (rule.id === 'MirrorUsagePoint' && method === 'POST') {
      return writeDocument('MirrorMeterReading', { ...sampleOf('MirrorMeterReading', ''), mRID: mridOf('channel') });
    }
    const value = special[name] ?? (isSample(name) ? sampleOf(name, path) : undefined);
    return value === undefined ? '<None/>' : writeDocument(name, value as Roots[typeof name]);
  }

  const statusOf = async (who: Parameters<TestServer['ask']>[0], rule: ResourceRule, method: WadlMethod) => {
    const path = paths.get(rule.id as ServedId) as string;
    return (await server.ask(who, method, path, bodyFor(rule, method, path))).status;
  };

  test('what is implemented is what the WADL demands, and more only where it is optional', () => {
    for (const [id, notation] of Object.entries(wadlTable)) {
      const { modes } = wadlRow(notation);
      const rule = resourceRules.get(id as ServedId);
      if (rule === undefined) continue;
      for (const method of wadlMethods) {
        const isThere = rule.methods.includes(method);
        if (modes[method] === 'M') assert.ok(isThere, `${method} ${id} is mandatory`);
        if (modes[method] === 'E' || modes[method] === 'D') assert.ok(!isThere, `${method} ${id} is an error`);
      }
    }
  });

  test('every method of every resource, to its device, another, its aggregator, and to strangers', async (t) => {
    const lines: string[] = [];
    const stranger = testLfdi(98);
    const shared = new Set(['anyone', 'registered']);
    /** Nothing was cleared, so there is no response of the market yet. */
    const absent = new Set<string>(['FlowReservationResponse']);
    for (const rule of resourceRules.values()) {
      const cells: string[] = [];
      for (const method of ['GET', 'PUT', 'POST'] as const) {
        const [its, others, aggregated, unknown] = [
          await statusOf(own, rule, method),
          await statusOf(other, rule, method),
          await statusOf(aggregator, rule, method),
          await statusOf(stranger, rule, method),
        ];
        cells.push(`${method} ${its} ${others} ${aggregated} ${unknown}`);
        const what = `${method} ${rule.id} ${paths.get(rule.id as ServedId)}`;
        const isThere = rule.methods.includes(method);
        if (!isThere) assert.deepEqual([its, aggregated], [405, 405], what);
        else if (method === 'GET') assert.equal(its, absent.has(rule.id) ? 404 : 200, what);
        else assert.ok([201, 204].includes(its) || rule.id === 'EndDeviceList', `${what} is ${its}`);
        if (!shared.has(rule.whose)) assert.equal(others, 403, `${what} to another`);
        if (isThere && method === 'GET') assert.equal(aggregated, its, `${what} to its aggregator`);
        assert.equal(unknown, 403, `${what} to a stranger`);
      }
      const isDeletable = rule.methods.includes('DELETE');
      cells.push(`DELETE ${isDeletable ? '204' : await statusOf(own, rule, 'DELETE')}`);
      if (!isDeletable) assert.equal(await statusOf(own, rule, 'DELETE'), 405, `DELETE ${rule.id}`);
      else assert.equal(await statusOf(other, rule, 'DELETE'), 403, `DELETE ${rule.id} by another`);
      lines.push(`${rule.path.padEnd(48)} ${cells.join(' · ')}`);
    }
    t.diagnostic(`own other aggregator stranger\n${lines.join('\n')}`);
  });

  test('whose certificate is revoked, retired, removed or in quarantine is told nothing, also where strangers may come', async () => {
    const { registry } = server;
    const at = testStart;
    const [revoked, quarantined, removed, renewed] = await Promise.all([
      server.device(),
      server.device(),
      server.device(),
      server.device(),
    ]);
    await registry.revoke(revoked.lfdi, { at, reason: 'keyCompromise' });
    await registry.quarantine(quarantined.id, { since: at, reason: 'drill' });
    await registry.remove(removed.id, { at, barred: true });
    await registry.register({ meterId: renewed.meterId, lfdi: testLfdi(97), at });
    await server.sep.settings.change({ inBandRegistration: true });
    try {
      for (const { lfdi } of [revoked, quarantined, removed, renewed]) {
        // Whoever comes with it is nobody to the server.
        assert.equal(registry.byLfdi(lfdi), undefined);
        for (const rule of resourceRules.values()) {
          for (const method of wadlMethods)
            assert.equal(await statusOf(lfdi, rule, method), 403, `${method} ${rule.id}`);
        }
      }
    } finally {
      await server.sep.settings.change({ inBandRegistration: false });
    }
    for (const device of [revoked, quarantined, renewed]) await registry.remove(device.id, { at, barred: true });
  });

  test('who may register himself is shown what that takes, and nothing else', async () => {
    await server.sep.settings.change({ inBandRegistration: true });
    try {
      const open: string[] = [];
      for (const rule of resourceRules.values()) {
        for (const method of wadlMethods) {
          // He posts the EndDevice of another here.
          const status = await statusOf(testLfdi(98), rule, method);
          if (status !== 403) open.push(`${method} ${rule.id} ${status}`);
        }
      }
      // The last shows him what is his: nothing.
      const shown = ['DeviceCapability', 'Time', 'EndDeviceList', 'MirrorUsagePointList'];
      assert.deepEqual(
        open,
        shown.map((id) => `GET ${id} 200`),
      );
      const self = writeDocument('EndDevice', endDeviceOf(testLfdi(96)));
      assert.equal((await server.ask(testLfdi(96), 'POST', '/edev', self)).status, 201);
    } finally {
      await server.sep.settings.change({ inBandRegistration: false });
    }
  });

  test('what can be removed is gone when it is: items first, the device last', async () => {
    const deletable = [...resourceRules.values()].filter(({ methods }) => methods.includes('DELETE'));
    const depthOf = ({ id, path }: ResourceRule): number => (id === 'EndDevice' ? 0 : path.split('/').length);
    const deepestFirst = deletable.toSorted((a, b) => depthOf(b) - depthOf(a));
    for (const rule of deepestFirst) {
      assert.equal(await statusOf(own, rule, 'DELETE'), 204, rule.id);
      const reader = rule.id === 'EndDevice' ? aggregator : own;
      assert.equal(await statusOf(reader, rule, 'GET'), 404, rule.id);
    }
    assert.equal((await server.get(own.lfdi, '/dcap')).status, 403);
  });

  test('prepayment and network status are not there and not advertised', async () => {
    for (const path of ['/ppy', '/ppy/1', `/edev/${other.id}/ns`, `/edev/${other.id}/ns/1/ll`, '/ntfy']) {
      assert.equal((await server.get(other, path)).status, 404, path);
    }
    const edev = await server.document(other, `/edev/${other.id}`, 'EndDevice');
    const dcap = await server.document(other, '/dcap', 'DeviceCapability');
    assert.deepEqual([edev.IPInterfaceListLink, dcap.PrepaymentListLink], [undefined, undefined]);
  });
});
