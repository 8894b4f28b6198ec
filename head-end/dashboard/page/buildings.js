/** @import { CampusSnapshot, MeterSnapshot } from '../../gateway/snapshot.ts' */
/** @import { ZoneTimes } from './format.js' */
import { html, setAttribute, setText } from './elements.js';
import { ago, kilowattHours, kilowatts, tokens } from './format.js';
import { direction } from './totals.js';

/** Four posting intervals without a reading, seconds. */
const lateSeconds = 60;

/**
 * @param {string} name
 * @param {string} label
 * @param {...(Node | string)} children
 */
const cell = (name, label, ...children) => html('td', { role: 'cell', class: name, 'data-label': label }, ...children);

/** A row of the table, made once a meter and then only rewritten where a value changed. */
class BuildingRow {
  #name = html('span', { class: 'name' });
  #type = html('span', { class: 'muted' });
  #notice = html('span', { class: 'badge notice' });
  #role = html('span', { class: 'badge' });
  #generation = html('span');
  #load = html('span');
  #grid = html('span');
  #gridWord = html('small', { class: 'word' });
  #level = html('span', { class: 'level' });
  #battery = html('span', { class: 'battery', 'aria-hidden': 'true' }, this.#level);
  #percent = html('span', { class: 'percent' });
  #storage = html('span');
  #storageWord = html('small', { class: 'word' });
  #reading = html('span');
  #trade = html('span');

  constructor() {
    this.element = html(
      'tr',
      { role: 'row' },
      html(
        'th',
        { role: 'rowheader', scope: 'row', class: 'building' },
        this.#name,
        ' ',
        this.#type,
        ' ',
        this.#notice,
      ),
      cell('role', 'Role', this.#role),
      cell('num generation', 'Generation', this.#generation),
      cell('num load', 'Load', this.#load),
      cell('num grid', 'Grid', this.#gridWord, ' ', this.#grid),
      cell('charge', 'Battery', this.#battery, this.#percent),
      cell('num storage', 'Storage', this.#storageWord, ' ', this.#storage),
      cell('reading', 'Last reading', this.#reading),
      cell('trade', 'Last trade', this.#trade),
    );
  }

  /**
   * @param {MeterSnapshot} meter
   * @param {number} now
   * @param {ZoneTimes} times
   */
  update(meter, now, times) {
    const { lastReadingAt, powerAt, stateOfChargePercent } = meter;
    const known = powerAt !== null;
    setAttribute(this.element, 'data-meter', meter.meterId);
    setText(this.#name, meter.name);
    setAttribute(this.#name, 'title', meter.meterId);
    setText(this.#type, meter.building);
    this.#notice.hidden = meter.notice === null;
    setText(this.#notice, meter.notice?.text ?? '');
    setAttribute(this.#notice, 'data-level', meter.notice?.level ?? '');
    this.#role.hidden = !known;
    setText(this.#role, meter.role);
    setAttribute(this.#role, 'data-role', meter.role);
    setText(this.#generation, known ? kilowatts(meter.generationW) : '–');
    setText(this.#load, known ? kilowatts(meter.loadW) : '–');
    setText(this.#grid, known ? kilowatts(meter.gridW) : '–');
    setText(this.#gridWord, known ? direction(meter.gridW, 'import', 'export', '') : '');
    this.#battery.hidden = stateOfChargePercent === null;
    this.#level.style.inlineSize = `${stateOfChargePercent ?? 0}%`;
    setText(this.#percent, chargeText(meter));
    setText(this.#storage, known && stateOfChargePercent !== null ? kilowatts(meter.storageW) : '–');
    setText(this.#storageWord, known ? direction(meter.storageW, 'discharge', 'charge', '') : '');
    const late = lastReadingAt !== null && now - lastReadingAt > lateSeconds;
    setText(this.#reading, lastReadingAt !== null ? `${ago(now - lastReadingAt)}${late ? ' · late' : ''}` : 'waiting…');
    setAttribute(this.#reading, 'class', late ? 'late' : lastReadingAt === null ? 'none' : '');
    setText(this.#trade, tradeText(meter.lastTrade, times));
    setAttribute(this.#trade, 'class', meter.lastTrade === null ? 'none' : '');
  }
}

/** @param {MeterSnapshot} meter */
function chargeText({ batteryWh, stateOfChargePercent }) {
  if (stateOfChargePercent !== null) return `${Math.round(stateOfChargePercent)} %`;
  return batteryWh === 0 ? 'none' : '–';
}

/**
 * @param {MeterSnapshot['lastTrade']} trade
 * @param {ZoneTimes} times
 */
function tradeText(trade, times) {
  if (trade === null) return 'no trade yet';
  const verb = trade.side === 'sell' ? 'sold' : 'bought';
  return `${times.minutes(trade.window)} ${verb} ${kilowattHours(trade.energyWh)} kWh at ${tokens(trade.priceMicroPerKWh)}`;
}

/** The table of buildings, a row a meter in the snapshot's order. */
export class Buildings {
  /** @type {Map<string, BuildingRow>} */
  #rows = new Map();
  #body;

  /** @param {HTMLElement} body */
  constructor(body) {
    this.#body = body;
  }

  /**
   * @param {CampusSnapshot} snapshot
   * @param {ZoneTimes} times
   */
  show({ meters, time }, times) {
    if (meters.length === 0) return;
    const present = new Map(meters.map((meter) => [meter.meterId, this.#rows.get(meter.meterId) ?? new BuildingRow()]));
    for (const meter of meters) present.get(meter.meterId)?.update(meter, time, times);
    const order = [...present.keys()].join(' ');
    if (order !== [...this.#rows.keys()].join(' ')) {
      this.#body.replaceChildren(...[...present.values()].map(({ element }) => element));
    }
    this.#rows = present;
  }
}
