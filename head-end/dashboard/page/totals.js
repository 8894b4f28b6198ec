/** @import { CampusSnapshot } from '../../gateway/snapshot.ts' */
import { byId, setText } from './elements.js';
import { kilowatts } from './format.js';

/** Below this the flow is shown as none, watts: it would read 0.0 kW. */
const nothingW = 50;

/**
 * The word for a signed flow.
 * @param {number} watts
 * @param {string} positive
 * @param {string} negative
 * @param {string} none
 */
export function direction(watts, positive, negative, none) {
  if (Math.abs(watts) < nothingW) return none;
  return watts > 0 ? positive : negative;
}

/**
 * How full all batteries together are, percent; undefined while none has reported.
 * @param {CampusSnapshot['meters']} meters
 */
export function fullness(meters) {
  let capacity = 0;
  let stored = 0;
  for (const { batteryWh, stateOfChargePercent } of meters) {
    if (stateOfChargePercent === null) continue;
    capacity += batteryWh;
    stored += (batteryWh * stateOfChargePercent) / 100;
  }
  return capacity === 0 ? undefined : (100 * stored) / capacity;
}

/**
 * @param {string} name
 * @param {number} watts
 * @param {string} note
 */
function show(name, watts, note) {
  const card = byId(`total-${name}`);
  for (const value of card.querySelectorAll('[data-value]')) setText(value, kilowatts(watts));
  for (const line of card.querySelectorAll('[data-note]')) setText(line, note);
}

/** The big figures. @param {CampusSnapshot} snapshot */
export function showTotals({ campus, meters }) {
  const share = campus.loadW > 0 ? `${Math.round((100 * campus.generationW) / campus.loadW)} % of the load` : 'solar';
  show('generation', campus.generationW, share);
  show('load', campus.loadW, `${meters.length} buildings`);
  show('grid', campus.gridW, direction(campus.gridW, 'import', 'export', 'balanced'));
  const full = fullness(meters);
  const storage = direction(campus.storageW, 'discharging', 'charging', 'idle');
  show('storage', campus.storageW, full === undefined ? storage : `${storage} · ${Math.round(full)} % full`);
  show('p2p', campus.p2pW, 'traded this window');
}
