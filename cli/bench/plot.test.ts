import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plotSvg, scaleFor, thinned } from './plot.ts';

test('a scale holds its values and zero, in at most seven even ticks', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -10_000_000, max: 10_000_000 }), { minLength: 1 }), (values) => {
      const { low, high, ticks } = scaleFor(values);
      assert.ok(low <= Math.min(0, ...values) && high >= Math.max(0, ...values));
      assert.ok(ticks.length >= 2 && ticks.length <= 9, `${ticks.length}`);
      assert.ok(ticks.some((tick) => tick === 0));
    }),
  );
});

test('thinning keeps the order, the extremes and the gaps of every stretch', () => {
  const samples = Array.from({ length: 20_000 }, (_, at) => ({
    at,
    value: at === 7_777 ? 99_999 : at >= 12_000 && at < 12_100 ? undefined : Math.round(1_000 * Math.sin(at / 500)),
  }));
  const kept = thinned(samples, 20_000);
  assert.ok(kept.length < 3_000, `${kept.length}`);
  assert.ok(kept.some(({ value }) => value === 99_999));
  assert.ok(kept.some(({ value }) => value === undefined));
  assert.deepEqual(
    kept.map(({ at }) => at),
    kept.map(({ at }) => at).toSorted((a, b) => a - b),
  );
});

test('a gap in what was measured is a gap in its line, and a setpoint is a step', () => {
  const plot = (isStepped: boolean): string =>
    plotSvg({
      title: 'A <plot>',
      unit: 'W',
      series: [
        {
          name: 'x',
          style: 'flow',
          isStepped,
          samples: [
            { at: 0, value: 0 },
            { at: 1, value: 5 },
            { at: 2, value: undefined },
            { at: 3, value: 5 },
            { at: 4, value: 0 },
          ],
        },
      ],
      marks: [],
      bands: [],
    });
  const line = /class="flow" d="([^"]+)"/.exec(plot(false))?.[1] ?? '';
  assert.equal(line.match(/M/g)?.length, 2);
  assert.ok(!/[HV]/.test(line) && /H[\d.]+V[\d.]+/.test(plot(true)));
  assert.ok(plot(false).includes('A &lt;plot&gt;'));
});
