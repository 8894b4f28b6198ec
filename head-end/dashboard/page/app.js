/** @import { CampusSnapshot } from '../../gateway/snapshot.ts' */
import { Buildings } from './buildings.js';
import { follow } from './connection.js';
import { byId, setAttribute, setText } from './elements.js';
import { pace, ZoneTimes } from './format.js';
import { RowList, settlementRow, windowRow } from './ledger.js';
import { MarketChart } from './market-chart.js';
import { PowerChart } from './power-chart.js';
import { PowerHistory } from './power-history.js';
import { showNav, whoAmI } from './session.js';
import { showTotals } from './totals.js';

const history = new PowerHistory();
const powerChart = new PowerChart(byId('power-chart'), byId('power-legend'));
const marketChart = new MarketChart(byId('market-chart'));
const buildings = new Buildings(byId('buildings'));
const windows = new RowList(byId('windows'), windowRow);
const settlements = new RowList(byId('settlements'), settlementRow);
let times = new ZoneTimes('UTC');
let measured = false;

/** @param {CampusSnapshot} snapshot */
function show(snapshot) {
  const { site, time, health } = snapshot;
  if (times.timeZone !== site.timeZone) times = new ZoneTimes(site.timeZone);
  setText(byId('heading'), site.name);
  document.title = `${site.name} · GridTokenX`;
  setText(byId('time'), times.seconds(time));
  setAttribute(byId('time'), 'datetime', new Date(time * 1000).toISOString());
  setText(byId('date'), `${times.date(time)} ${times.zone(time)}`);
  setText(byId('speed'), pace(snapshot.speed) === '' ? '' : ` · ${pace(snapshot.speed)}`);
  setText(byId('buildings-count'), `${health.metersOnline} of ${health.metersTotal} meters online`);
  const database = health.database === 'ok' ? 'database ok' : 'database not available';
  setText(
    byId('health'),
    `Running since ${times.minutes(snapshot.startedAt)} on ${times.date(snapshot.startedAt)} · ${database}`,
  );
  setText(byId('last-error'), health.lastError === null ? '' : `Last error: ${health.lastError}`);
  measured ||= snapshot.meters.some(({ powerAt }) => powerAt !== null);
  buildings.show(snapshot, times);
  windows.show(snapshot.windows, times);
  settlements.show(snapshot.settlements, times);
  marketChart.show(snapshot.windows, times);
  // Before someone's second reading the campus's power is unknown, not zero.
  if (!measured) return;
  showTotals(snapshot);
  history.add(snapshot);
  powerChart.show(history.points, times);
}

/**
 * @param {'live' | 'reconnecting'} state
 * @param {string} text
 */
function showConnection(state, text) {
  setAttribute(byId('connection'), 'data-state', state);
  setText(byId('connection-text'), text);
}

/** Without its past the page is still right, so a failure is left to the next connection. */
async function loadHistory() {
  const response = await fetch('/api/v1/history').catch(() => undefined);
  if (response?.ok !== true) return;
  const { points, stepSeconds } = await response.json();
  history.seed(points, stepSeconds);
  powerChart.show(history.points, times);
}

/** Where the live campus is for people who are signed in, the others are led to the sign-in. */
async function recognise() {
  const me = await whoAmI();
  showNav(me);
  if (me !== undefined && me.who === null && me.dashboard === 'closed') location.replace('/sign-in.html');
}

void recognise();
follow({
  onOpen: () => {
    showConnection('live', 'Live');
    void loadHistory();
  },
  onSnapshot: show,
  onLost: () => {
    showConnection('reconnecting', 'Reconnecting…');
    void recognise();
  },
});
