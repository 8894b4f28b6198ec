import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plan, type PlanInput, type PowerLimits } from './power-plan.ts';

const unlimited: PowerLimits = {
  export: Infinity,
  import: Infinity,
  generation: Infinity,
  load: Infinity,
  output: Infinity,
};
const still = { loadUpW: 0, loadDownW: 0, pvUpW: 0, pvDownW: 0 };
const input: PlanInput = {
  limits: unlimited,
  targetW: undefined,
  storageTargetW: undefined,
  commitmentW: 0,
  load: { lowW: 10_000, highW: 10_000 },
  pv: { ratedW: 20_000, nowW: 4_000, isCapped: false, isProbed: true },
  storage: { minW: -15_000, maxW: 15_000, freelyMaxW: 15_000, strayW: undefined },
  margin: still,
};
const withLimits = (limits: Partial<PowerLimits>, rest: Partial<PlanInput> = {}): ReturnType<typeof plan> =>
  plan({ ...input, ...rest, limits: { ...unlimited, ...limits } });
const pvOf = (nowW: number): PlanInput['pv'] => ({ ...input.pv, nowW });

test('without trades the storage covers the need and takes the surplus', () => {
  assert.deepEqual([plan(input).storageW, plan(input).storageBy], [6_000, 'selfConsumption']);
  assert.equal(plan({ ...input, pv: pvOf(12_000) }).storageW, -2_000);
});

test('bought energy comes from the grid, sold energy goes to it', () => {
  assert.equal(plan({ ...input, commitmentW: 2_000 }).storageBy, 'market');
  assert.equal(plan({ ...input, commitmentW: 2_000 }).storageW, 4_000);
  assert.equal(plan({ ...input, commitmentW: -2_000 }).storageW, 8_000);
});

test('at the reserve storage discharges for an import limit only, full it does not charge', () => {
  const storage = { ...input.storage, freelyMaxW: 0 };
  assert.equal(plan({ ...input, storage }).storageW, 0);
  const limited = withLimits({ import: 1_000 }, { storage });
  assert.deepEqual([limited.storageW, limited.storageBy], [5_000, 'import']);
  assert.equal(plan({ ...input, pv: pvOf(12_000), storage: { ...storage, minW: 0 } }).storageW, 0);
});

test('PV is limited only as far as load and storage leave no room for export', () => {
  const storage = { minW: -5_000, maxW: 5_000, freelyMaxW: 5_000, strayW: undefined };
  const planned = withLimits({ export: 3_000 }, { storage, pv: pvOf(19_000) });
  assert.deepEqual([planned.storageW, planned.pvW, planned.pvBy], [-5_000, 18_000, 'export']);
  assert.equal(withLimits({ export: 5_000 }, { storage, pv: pvOf(19_000) }).pvW, null);
  const stray = withLimits({ export: 3_000 }, { storage: { ...storage, strayW: 0 }, pv: pvOf(19_000) });
  assert.equal(stray.pvW, 13_000, 'what storage does not do is not relied upon');
});

test('without the meter nothing is charged, and the export limit holds at no load', () => {
  const planned = withLimits({ export: 3_000 }, { load: undefined, storageTargetW: -4_000 });
  assert.deepEqual([planned.storageW, planned.storageBy, planned.pvW], [0, 'load', 3_000]);
  const free = plan({ ...input, load: undefined });
  assert.deepEqual([free.storageW, free.storageBy], [0, 'selfConsumption']);
  const target = withLimits({ export: 10_000 }, { load: undefined, storageTargetW: 8_000 });
  assert.ok(target.storageW > 0 && target.storageW + 4_000 <= 10_000);
});

test('a peak is shaved of its own accord, above the reserve, and storage makes ready for the next without one', () => {
  const atKept = { ...input.storage, freelyMaxW: 0 };
  const peak = { aboveW: 4_000, mostW: 15_000, rechargeW: 0 };
  const shaved = plan({ ...input, storage: atKept, peak });
  assert.deepEqual([shaved.storageW, shaved.storageBy], [2_000, 'peakShaving']);
  assert.equal(plan({ ...input, storage: atKept, peak: { ...peak, mostW: 0 } }).storageW, 0, 'not from the reserve');
  const more = plan({ ...input, peak });
  assert.deepEqual([more.storageW, more.storageBy], [6_000, 'selfConsumption'], 'what covers the need shaves as well');
  const bought = plan({ ...input, commitmentW: 5_000, peak });
  assert.deepEqual([bought.storageW, bought.storageBy], [2_000, 'peakShaving'], 'what was bought makes no peak');
  const ready = plan({ ...input, storage: atKept, peak: { aboveW: 8_000, mostW: 15_000, rechargeW: 3_750 } });
  assert.deepEqual([ready.storageW, ready.storageBy], [-2_000, 'peakShaving']);
  const limited = withLimits(
    { import: 7_000 },
    { storage: atKept, peak: { aboveW: 8_000, mostW: 0, rechargeW: 3_750 } },
  );
  assert.deepEqual([limited.storageW, limited.storageBy], [-1_000, 'import'], 'a limit goes before');
  const told = plan({ ...input, storageTargetW: -3_000, peak });
  assert.equal(told.storageW, -3_000, 'and so does a target');
});

test('what cannot be held is named by how much', () => {
  const storage = { ...input.storage, maxW: 2_000 };
  const planned = withLimits({ import: 1_000 }, { storage });
  assert.deepEqual([planned.storageW, planned.shortfallW], [2_000, 3_000]);
  assert.equal(withLimits({ load: 9_000 }).shortfallW, 1_000);
});

test('a target is shared: storage makes up for PV, PV is held where storage cannot take more', () => {
  const target = plan({ ...input, targetW: 6_000 });
  assert.deepEqual([target.storageW, target.storageBy], [2_000, 'target']);
  const low = plan({ ...input, targetW: -14_000, pv: pvOf(4_000) });
  assert.deepEqual([low.storageW, low.pvW, low.pvBy], [-15_000, 1_000, 'target']);
});

const w = (most: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: most });
const limit = (): fc.Arbitrary<number> => fc.oneof(fc.constant(Infinity), w(40_000));
const laws = fc.record({
  limits: fc.record({ export: limit(), import: limit(), generation: limit(), load: limit(), output: limit() }),
  loadW: w(30_000),
  pvW: w(20_000),
  isCapped: fc.boolean(),
  isProbed: fc.boolean(),
  minW: w(15_000).map((least) => 0 - least),
  maxW: w(15_000),
  isFree: fc.boolean(),
  targetW: fc.option(fc.integer({ min: -40_000, max: 40_000 }), { nil: undefined }),
  storageTargetW: fc.option(fc.integer({ min: -20_000, max: 20_000 }), { nil: undefined }),
  commitmentW: fc.integer({ min: -30_000, max: 30_000 }),
  margin: fc.record({ loadUpW: w(500), loadDownW: w(500), pvUpW: w(500), pvDownW: w(500) }),
  /** What load and PV do until the next second, as a share of the margins. */
  moves: fc.record({
    load: fc.double({ min: -1, max: 1, noNaN: true }),
    pv: fc.double({ min: -1, max: 1, noNaN: true }),
  }),
});

test('every limit holds with all that load and PV may do, but where nothing that is controlled could hold it', () => {
  fc.assert(
    fc.property(laws, (law) => {
      const { limits, loadW, pvW, minW, maxW, margin, moves } = law;
      const planned = plan({
        ...input,
        ...law,
        load: { lowW: loadW, highW: loadW },
        pv: { ratedW: 20_000, nowW: pvW, isCapped: law.isCapped, isProbed: law.isProbed },
        storage: { minW, maxW, freelyMaxW: law.isFree ? maxW : 0, strayW: undefined },
      });
      const { storageW } = planned;
      assert.ok(storageW >= minW && storageW <= maxW);
      const nextLoadW = loadW + (moves.load > 0 ? margin.loadUpW : margin.loadDownW) * moves.load;
      const pvMoveW = (moves.pv > 0 ? margin.pvUpW : margin.pvDownW) * moves.pv;
      const freePvW = Math.min(20_000, Math.max(0, pvW + pvMoveW));
      const nextPvW = Math.min(freePvW, planned.pvW ?? Infinity);
      const exportW = nextPvW + storageW - nextLoadW;
      // Where import and export contradict each other within the margins, the middle holds neither against all moves.
      const roomW = limits.import + limits.export;
      const slackW = roomW <= 2_500 ? 2_500 : 0;
      // Storage that cannot charge more, or must not, leaves PV; PV at nothing leaves storage.
      assert.ok(exportW <= Math.max(limits.export + slackW + 1, minW - nextLoadW, -nextLoadW), 'export');
      assert.ok(nextPvW + storageW <= Math.max(limits.output, minW, 0) + 1, 'output');
      assert.ok(nextPvW + Math.max(0, storageW) <= limits.generation + 1, 'generation');
      assert.ok(nextLoadW + Math.max(0, 0 - storageW) <= Math.max(limits.load, nextLoadW) + 1, 'load');
    }),
    { numRuns: 1_000 },
  );
});

test('an import limit holds where discharge can hold it and no limit on what is generated forbids', () => {
  fc.assert(
    fc.property(laws, w(30_000), ({ loadW, pvW, maxW, minW, margin, ...rest }, importW) => {
      const { storageW } = plan({
        ...input,
        ...rest,
        margin,
        limits: { ...unlimited, import: importW },
        load: { lowW: loadW, highW: loadW },
        pv: { ratedW: 20_000, nowW: pvW, isCapped: false, isProbed: false },
        storage: { minW, maxW, freelyMaxW: rest.isFree ? maxW : 0, strayW: undefined },
      });
      const worstW = loadW + margin.loadUpW - Math.max(0, pvW - margin.pvDownW) - storageW;
      assert.ok(worstW <= importW + 1 || storageW === maxW);
    }),
  );
});
