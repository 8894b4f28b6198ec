import { mkdtempSync, statSync } from 'node:fs';
import { EmbeddedLedger } from '#head-end/settlement/embedded-ledger.ts'; import { SettlementToken } from '#head-end/settlement/token.ts'; import { SettlementEngine } from '#head-end/settlement/engine.ts'; import { MemoryStore } from '#head-end/settlement/memory-store.ts'; import { clearZone } from '#head-end/market/clear.ts'; import { uniform } from '#hal/random.ts'; import { createLog } from '#hal/log.ts';
const folder = process.argv[2] ?? mkdtempSync('/tmp/h4/led-');
const campus = Array.from({ length: 25 }, (_, i) => ({ meterId: `METER_${String(i).padStart(2, '0')}` }));
let t = performance.now(); const lap = (n: string) => { console.log(n, (performance.now() - t).toFixed(1)); t = performance.now(); };
const ledger = new EmbeddedLedger({ folder }); await ledger.start(); lap('start');
const token = new SettlementToken({ ledger, folder }); await token.start(campus, 1800000000 as any); lap('token');
const engine = new SettlementEngine({ ledger, token, store: new MemoryStore(), log: createLog('x', 'info') }); await engine.recover(0 as any);
const base = ledger.sequence; const cpu = process.cpuUsage();
for (let k = 0; k < 288; k++) { const window = 1800000000 + 300 * (k+base); const trades = clearZone(campus.map(({ meterId }, m) => ({ meterId, mRID: (k * 100 + m).toString(16).padStart(32, '0'), side: m % 2 ? 'buy' : 'sell', energyWh: 1 + Math.floor(uniform(k, m) * 5000), limit: m % 2 ? 200000 : 100000, window })) as any).trades; await engine.settleWindow(window as any, trades, window as any); }
lap('288 windows'); const c = process.cpuUsage(cpu); console.log('cpu ms', (c.user + c.system) / 1000, 'rss', process.memoryUsage().rss / 1e6, statSync(folder + '/journal-000001').size); await ledger[Symbol.asyncDispose](); t = performance.now();
const again = new EmbeddedLedger({ folder }); await again.start(); lap('replay'); await again[Symbol.asyncDispose](); console.log(folder);
