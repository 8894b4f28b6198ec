import assert from 'node:assert/strict';
import { test } from 'node:test';
import { list, mrid, start, startBench, type TestUtility, xml } from './test-utility.ts';

const component = (n: number): string =>
  `<RateComponent href="/rc/${n}"><mRID>${mrid(300 + n)}</mRID><ReadingTypeLink href="/rt/${n}"/><roleFlags>01</roleFlags>
   <TimeTariffIntervalListLink href="/rc/${n}/tti" all="1"/></RateComponent>`;

const interval = (n: number, from: number, seconds: number, extra: string): string =>
  `<TimeTariffInterval href="/tti/${n}" replyTo="/rsp" responseRequired="03"><mRID>${mrid(n)}</mRID>
   <creationTime>${start}</creationTime><EventStatus><currentStatus>0</currentStatus><dateTime>${start}</dateTime>
   <potentiallySuperseded>false</potentiallySuperseded></EventStatus>
   <interval><duration>${seconds}</duration><start>${start + from}</start></interval>
   ${extra}<touTier>0</touTier></TimeTariffInterval>`;

const price = (value: number, startValue = 0, block = 1): string =>
  `<ConsumptionTariffInterval><consumptionBlock>${block}</consumptionBlock><price>${value}</price>
   <startValue>${startValue}</startValue></ConsumptionTariffInterval>`;

/** Adds a tariff to the FunctionSetAssignments; with `combined` as CSIP-AUS 1.3 has it. */
function fillTariff(utility: TestUtility, combined: boolean): void {
  const assignments = utility.text('/edev/1/fsa');
  const link = '<TariffProfileListLink href="/tp" all="1"/><mRID>';
  utility.documents.set('/edev/1/fsa', assignments.replace(/<mRID>/, link));
  utility.documents.set(
    '/tp',
    list('TariffProfileList', 'pollRate="120"', [
      `<TariffProfile href="/tp/1"><mRID>${mrid(250)}</mRID><pricePowerOfTenMultiplier>-3</pricePowerOfTenMultiplier><primacy>1</primacy>
        <RateComponentListLink href="/rc" all="1"/><serviceCategoryKind>0</serviceCategoryKind>
        ${combined ? '<aus:CombinedTimeTariffIntervalListLink href="/ctti" all="1"/>' : ''}</TariffProfile>`,
    ]),
  );
  utility.documents.set('/rc', list('RateComponentList', '', [component(1)]));
  for (const n of [1, 2]) {
    const content = `<flowDirection>${n === 1 ? 1 : 19}</flowDirection><powerOfTenMultiplier>3</powerOfTenMultiplier><uom>72</uom>`;
    utility.documents.set(`/rt/${n}`, xml('ReadingType', '', content));
  }
}

const summary = (prices: string): string =>
  `<aus:ConsumptionTariffIntervalListSummary all="2" results="2">${prices}</aus:ConsumptionTariffIntervalListSummary>`;
const of = (n: number): string => `<RateComponentLink href="/rc/${n}"/>`;

test('prices are found through components, intervals and blocks; what cannot change is read once', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  fillTariff(utility, false);
  const link = '<ConsumptionTariffIntervalListLink href="/cti/9" all="2"/>';
  utility.documents.set('/rc/1/tti', list('TimeTariffIntervalList', '', [interval(9, 30, 60, link)]));
  utility.documents.set('/cti/9', list('ConsumptionTariffIntervalList', '', [price(12, 100, 2), price(11)]));
  const made = await client();
  await runTo(400);
  const [tariff] = made.view()?.tariffs ?? [];
  const [rate] = tariff?.components ?? [];
  assert.equal(rate?.readingType?.flowDirection, 1);
  assert.deepEqual(
    rate?.intervals[0]?.prices.map(({ price: each, startValue }) => [each, startValue]),
    [
      [11, 0],
      [12, 100],
    ],
  );
  assert.deepEqual(utility.responses(), ['1 of 9', '2 of 9', '3 of 9']);
  assert.match(utility.received[0]?.body ?? '', /<PriceResponse/);
  assert.deepEqual(
    ['/tp', '/rc', '/rc/1/tti', '/cti/9', '/rt/1'].map((path) => utility.count(`GET ${path}`)),
    [4, 4, 4, 1, 1],
  );
});

test('with CSIP-AUS 1.3 the combined list is enough, and a component that it names is looked for', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  fillTariff(utility, true);
  const intervals = (items: string[]): void =>
    void utility.documents.set('/ctti', list('TimeTariffIntervalList', 'pollRate="60"', items));
  intervals([
    interval(9, 0, 60, '').replace('</touTier>', `</touTier>${summary(price(1) + price(2, 100, 2))}${of(1)}`),
  ]);
  const made = await client();
  await runTo(1);
  const [tariff] = made.view()?.tariffs ?? [];
  assert.deepEqual(
    tariff?.components[0]?.intervals[0]?.prices.map((each) => each.price),
    [1, 2],
  );
  assert.deepEqual([utility.count('GET /rc/1/tti'), utility.count('GET /rc')], [0, 1]);
  utility.documents.set('/rc', list('RateComponentList', '', [component(1), component(2)]));
  intervals([interval(10, 70, 60, '').replace('</touTier>', `</touTier>${summary(price(3))}${of(2)}`)]);
  await runTo(62);
  assert.equal(utility.count('GET /tp'), 1);
  assert.deepEqual(
    made.view()?.tariffs[0]?.components.map(({ intervals: each }) => each.length),
    [0, 1],
  );
  assert.ok(utility.responses().includes('1 of 10'));
});
