import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { parseAs, parseDocument } from '#ieee2030_5/parse.ts';
import { Judge, withoutSchemas } from '#ieee2030_5/judge/libxml.ts';
import { mediaType, namespace2018, namespaceCsipAus13, namespaceExtension } from '#ieee2030_5/namespaces.ts';
import { recordOneBoard } from './one-board.ts';
import { type Exchange, OtherNames, sameNames } from './recording-proxy.ts';

const start = '2026-06-22T17:00:00-07:00';
const hours = 2;
/** One at the start, then one every 15 s. */
const postings = hours * 240 + 1;

const rootOf = (xml: string): string => parseDocument(Buffer.from(xml)).name;
const isPosting = ({ method, request }: Exchange): boolean =>
  method === 'POST' && request !== '' && rootOf(request) === 'MirrorMeterReadingList';
const documentsOf = (exchanges: readonly Exchange[]): string[] =>
  exchanges.flatMap(({ request, response }) => [request, response]).filter((xml) => xml !== '');
const isOurs = (xml: string): boolean => xml.includes(`"${namespaceExtension}"`);

/** Rows that the database holds for the time period of a posting. */
async function rowsOf(pool: Pool, posting: string): Promise<number> {
  const [first] = parseAs('MirrorMeterReadingList', Buffer.from(posting)).MirrorMeterReading ?? [];
  const { rows } = await pool.query<{ n: number }>(
    'SELECT count(*) AS n FROM readings WHERE period_start = $1 AND duration = $2',
    [first?.Reading?.timePeriod?.start, first?.Reading?.timePeriod?.duration],
  );
  return rows[0]?.n ?? 0;
}

test('two hours of a summer evening between a board and the head-end', async (t) => {
  /** Rows in the database when a posting was answered, before the board knew. */
  const rowsAtAnswer: number[] = [];

  const recorded = await recordOneBoard(t, {
    start,
    hours,
    names: sameNames,
    onExchange: async (exchange, pool) => {
      if (isPosting(exchange) && exchange.status === 201) rowsAtAnswer.push(await rowsOf(pool, exchange.request));
    },
  });

  await t.test('nothing but what is expected is on the wire, and everything is accepted', () => {
    const { exchanges, failures } = recorded.proxy;
    assert.deepEqual(failures, []);
    const names = (pick: (exchange: Exchange) => string): string[] =>
      [
        ...new Set(
          exchanges
            .map(pick)
            .filter((xml) => xml !== '')
            .map(rootOf),
        ),
      ].toSorted();
    assert.deepEqual(
      names(({ request }) => request),
      [
        'DERAvailability',
        'DERCapability',
        'DERSettings',
        'DERStatus',
        'FlowReservationRequest',
        'MirrorMeterReadingList',
        'MirrorUsagePoint',
        'OfferTerms',
      ],
    );
    assert.deepEqual(
      names(({ response }) => response),
      [
        'DERList',
        'DeviceCapability',
        'EndDeviceList',
        'FlowReservationResponseList',
        'FunctionSetAssignmentsList',
        'GridTokenXCapability',
        'MirrorUsagePointList',
        'Time',
      ],
    );
    // A document that stands alone is made by the first PUT and replaced by the next ones.
    const seen = new Set<string>();
    const expected = ({ method, url }: Exchange): number => {
      if (method !== 'PUT') return method === 'GET' ? 200 : 201;
      const isFirst = !seen.has(url);
      seen.add(url);
      return isFirst ? 201 : 204;
    };
    assert.deepEqual(
      exchanges.filter((exchange) => exchange.status !== expected(exchange)),
      [],
    );
    for (const { response, contentType } of exchanges) if (response !== '') assert.equal(contentType, mediaType);
  });

  await t.test('every document of IEEE 2030.5 validates against its XSD', { skip: withoutSchemas }, () => {
    using plain = Judge.of('ieee-2018');
    using csipAus = Judge.of('csip-aus-1.3');
    const documents = documentsOf(recorded.proxy.exchanges).filter((xml) => !isOurs(xml));
    assert.ok(documents.length > postings);
    for (const xml of documents) {
      assert.ok(xml.includes(`xmlns="${namespace2018}"`), xml);
      const judge = xml.includes(`"${namespaceCsipAus13}"`) ? csipAus : plain;
      assert.equal(judge.refusal(Buffer.from(xml)), undefined, xml);
    }
  });

  await t.test('every document of our extension validates against its published XSD', () => {
    const xsd = new URL('../../ieee2030_5/ext/gridtokenx-ext-v1.xsd', import.meta.url);
    using judge = Judge.ofFile(fileURLToPath(xsd));
    const documents = documentsOf(recorded.proxy.exchanges).filter(isOurs);
    assert.ok(documents.length > 1);
    for (const xml of documents) assert.equal(judge.refusal(Buffer.from(xml)), undefined, xml);
  });

  await t.test('the board finds everything by links: dcap, tm, edev, then it posts to mup', () => {
    const { exchanges } = recorded.proxy;
    const [dcap, time, mirrors, devices] = exchanges;
    const [mirror, first] = exchanges.filter(({ method }) => method === 'POST');
    const before = exchanges.slice(
      0,
      exchanges.findIndex((exchange) => exchange === mirror),
    );
    assert.equal(dcap?.url, '/dcap');
    const links = parseAs('DeviceCapability', Buffer.from(dcap.response));
    assert.equal(time?.url, links.TimeLink?.href);
    assert.equal(mirrors?.url.split('?')[0], links.MirrorUsagePointListLink?.href);
    assert.equal(devices?.url.split('?')[0], links.EndDeviceListLink?.href);
    assert.ok(before.some(({ url }) => url === '/.well-known/gridtokenx'));
    assert.equal(mirror?.url, links.MirrorUsagePointListLink?.href);
    assert.equal(first?.url, mirror?.location);
  });

  await t.test('the MirrorUsagePoint is created once, with nine channels', () => {
    const creations = recorded.proxy.exchanges.filter(
      ({ request }) => request !== '' && rootOf(request) === 'MirrorUsagePoint',
    );
    assert.equal(creations.length, 1);
    assert.equal(creations[0]?.status, 201);
    const point = parseAs('MirrorUsagePoint', Buffer.from(creations[0].request));
    assert.equal(point.MirrorMeterReading?.length, 9);
    assert.ok(point.MirrorMeterReading.every(({ ReadingType }) => ReadingType !== undefined));
  });

  await t.test('a posting is answered 201 when its rows are in the database, not before', () => {
    assert.equal(rowsAtAnswer.length, postings);
    assert.deepEqual(new Set(rowsAtAnswer), new Set([9]));
    assert.equal(recorded.board.outbox.size, 0);
    assert.equal(recorded.board.outbox.totals.acknowledged, 9 * postings);
  });

  await t.test('postings follow each other without gap or overlap', () => {
    let end = BigInt(recorded.start);
    for (const { request } of recorded.proxy.exchanges.filter(isPosting)) {
      const { MirrorMeterReading = [] } = parseAs('MirrorMeterReadingList', Buffer.from(request));
      const periods = MirrorMeterReading.map(({ Reading }) => Reading?.timePeriod);
      assert.ok(periods.every((period) => period?.start === end && period.duration === periods[0]?.duration));
      end += BigInt(periods[0]?.duration ?? 0);
    }
    assert.equal(end, BigInt(recorded.start + hours * 3600));
  });

  await t.test('the board asks for reservations and is answered, some with energy', () => {
    const requests = recorded.proxy.exchanges.filter(
      ({ request }) => request !== '' && rootOf(request) === 'FlowReservationRequest',
    );
    assert.ok(requests.length > 12, `${requests.length} requests`);
    const asked = new Map(
      requests.map(({ request }) => {
        const { mRID, energyRequested } = parseAs('FlowReservationRequest', Buffer.from(request));
        return [Buffer.from(mRID).toString('hex'), energyRequested.value];
      }),
    );
    const answers = responsesOf(recorded.proxy.exchanges);
    assert.ok(answers.length > 12);
    for (const { subject, energyAvailable } of answers) {
      const wanted = asked.get(Buffer.from(subject).toString('hex')) ?? Number.NaN;
      // No more than was asked for, and in its direction.
      assert.ok(Math.abs(energyAvailable.value) <= Math.abs(wanted) && energyAvailable.value * wanted >= 0);
    }
    assert.ok(answers.some(({ energyAvailable }) => energyAvailable.value !== 0));
  });

  await t.test('one handshake, with ECDHE-ECDSA-AES128-CCM8, serves it all', () => {
    const { proxy, board } = recorded;
    assert.deepEqual(proxy.ciphers, ['ECDHE-ECDSA-AES128-CCM8']);
    assert.equal(board.connection.handshakes, 1);
    assert.deepEqual(board.connection.tls, { cipher: 'ECDHE-ECDSA-AES128-CCM8', version: 'TLSv1.2' });
  });
});

const responsesOf = (exchanges: readonly Exchange[]) =>
  exchanges
    .filter(({ response }) => response !== '' && rootOf(response) === 'FlowReservationResponseList')
    .flatMap(
      ({ response }) => parseAs('FlowReservationResponseList', Buffer.from(response)).FlowReservationResponse ?? [],
    );

test('no path is known to the board: under other names it posts and trades as before', async (t) => {
  const { proxy, board } = await recordOneBoard(t, { start, hours: 0.5, names: new OtherNames() });
  assert.deepEqual(proxy.failures, []);
  assert.deepEqual(
    proxy.exchanges.filter(({ status }) => status >= 300),
    [],
  );
  assert.ok(
    proxy.exchanges.every(({ url }) => url.startsWith('/elsewhere/') || url === '/.well-known/gridtokenx'),
    'a path that the server did not give',
  );
  assert.equal(proxy.exchanges.filter(isPosting).length, 121);
  assert.equal(board.outbox.size, 0);
  assert.ok(responsesOf(proxy.exchanges).length > 0);
});
