import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lfdiBytes, parseLfdi } from '#ieee2030_5/identity.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';
import { type Connection, RefusedError } from './connection.ts';
import { discover } from './discovery.ts';

const lfdiOf = (n: number) => parseLfdi(n.toString(16).toUpperCase().padStart(40, '0'));
const endDevice = (n: number): EndDevice => ({
  href: `/d/${n}`,
  lFDI: lfdiBytes(lfdiOf(n)),
  sFDI: n,
  changedTime: 0n,
  FlowReservationRequestListLink: { href: `/d/${n}/ask` },
});
const own = 300;

type Documents = Readonly<Record<string, object>>;
const complete: Documents = {
  '/start': {
    TimeLink: { href: '/t' },
    EndDeviceListLink: { href: '/d' },
    MirrorUsagePointListLink: { href: '/m' },
  },
  '/t': { currentTime: 1_000n },
  '/d': { all: 1, results: 1, EndDevice: [endDevice(own)] },
};

/** A server of these documents; what is asked for beside them is refused with `otherwise`. */
function serverOf(documents: Documents, otherwise = 404): { connection: Connection; asked: string[] } {
  const asked: string[] = [];
  const get = async (href: string): Promise<object> => {
    asked.push(href);
    const found = documents[href] ?? documents[href.split('?')[0] ?? ''];
    if (found === undefined) throw new RefusedError('GET', href, otherwise, '');
    return found;
  };
  return { connection: { get } as unknown as Connection, asked };
}

test('a server of another maker is enough: our extension is not asked for twice, nor are reservations', async () => {
  const { connection, asked } = serverOf({
    ...complete,
    '/d': { all: 1, results: 1, EndDevice: [{ ...endDevice(own), FlowReservationRequestListLink: undefined }] },
  });
  const { self, ...found } = await discover(connection, '/start', lfdiOf(own), 900);
  assert.equal(self.href, `/d/${own}`);
  assert.deepEqual(found, {
    timeOffset: 100,
    mirrorUsagePoints: '/m',
    requests: undefined,
    responses: undefined,
    offerTerms: undefined,
  });
  assert.deepEqual(asked, ['/start', '/t', '/d?s=0&l=255', '/.well-known/gridtokenx']);
});

test('the own EndDevice is found on a later page', async () => {
  const page = (from: number, to: number): object => ({
    all: own,
    results: to - from,
    EndDevice: Array.from({ length: to - from }, (_, i) => endDevice(from + i + 1)),
  });
  const { connection, asked } = serverOf({
    ...complete,
    '/d?s=0&l=255': page(0, 255),
    '/d?s=255&l=255': page(255, own),
  });
  const { requests } = await discover(connection, '/start', lfdiOf(own), 0);
  assert.equal(requests, `/d/${own}/ask`);
  assert.deepEqual(
    asked.filter((href) => href.startsWith('/d')),
    ['/d?s=0&l=255', '/d?s=255&l=255'],
  );
});

test('a list that ends without the own EndDevice, or says that it goes on and does not, is given up', async () => {
  for (const EndDevice of [[], [endDevice(1)]]) {
    const { connection, asked } = serverOf({
      ...complete,
      '/d': { all: EndDevice.length, results: EndDevice.length, EndDevice },
    });
    await assert.rejects(discover(connection, '/start', lfdiOf(own), 0), { code: 'GTX-SEP-004' });
    assert.equal(asked.length, 3);
  }
  const { connection, asked } = serverOf({ ...complete, '/d': { all: 9_999, results: 0 } });
  await assert.rejects(discover(connection, '/start', lfdiOf(own), 0), { code: 'GTX-SEP-004' });
  assert.equal(asked.length, 3);
});

test('a server that lacks what a board needs is named for it', async () => {
  for (const [link, what] of [
    ['TimeLink', /Time/],
    ['EndDeviceListLink', /EndDevices/],
    ['MirrorUsagePointListLink', /MirrorUsagePoints/],
  ] as const) {
    const { connection } = serverOf({ ...complete, '/start': { ...complete['/start'], [link]: undefined } });
    await assert.rejects(
      discover(connection, '/start', lfdiOf(own), 0),
      (error: { code?: string; message: string }) => {
        assert.match(error.message, what);
        return error.code === 'GTX-SEP-004';
      },
    );
  }
});

test('our extension is used where it is, and a server that fails at it is asked again later', async () => {
  const well = '/.well-known/gridtokenx';
  const offers = { OfferTermsListLink: { href: '/offers' } };
  const { connection } = serverOf({ ...complete, [well]: offers });
  assert.equal((await discover(connection, '/start', lfdiOf(own), 0)).offerTerms, '/offers');
  await assert.rejects(discover(serverOf(complete, 503).connection, '/start', lfdiOf(own), 0), {
    code: 'GTX-SEP-002',
    status: 503,
  });
});
