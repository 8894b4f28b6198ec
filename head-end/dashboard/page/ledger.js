/** @import { CampusSnapshot } from '../../gateway/snapshot.ts' */
/** @import { ZoneTimes } from './format.js' */
import { html } from './elements.js';
import { exactTokens, kilowattHours, shortSignature, tokens } from './format.js';

/** Market windows are 300 s long. */
const windowSeconds = 300;
const shownRows = 12;

/**
 * Replaces the rows of a table when what they say has changed.
 * @template T
 */
export class RowList {
  #body;
  #row;
  #shown = '';

  /**
   * @param {HTMLElement} body
   * @param {(item: T, times: ZoneTimes) => HTMLTableRowElement} row
   */
  constructor(body, row) {
    this.#body = body;
    this.#row = row;
  }

  /**
   * @param {readonly T[]} items oldest first; the newest twelve are shown, newest first
   * @param {ZoneTimes} times
   */
  show(items, times) {
    const state = `${times.timeZone} ${JSON.stringify(items)}`;
    if (items.length === 0 || state === this.#shown) return;
    this.#shown = state;
    const newest = items.slice(-shownRows).toReversed();
    this.#body.replaceChildren(...newest.map((item) => this.#row(item, times)));
  }
}

/**
 * @param {number} start
 * @param {ZoneTimes} times
 */
const windowHeader = (start, times) =>
  html('th', { scope: 'row' }, `${times.minutes(start)}–${times.minutes(start + windowSeconds)}`);

/**
 * @param {CampusSnapshot['windows'][number]} item
 * @param {ZoneTimes} times
 */
export const windowRow = ({ window, priceMicroPerKWh, volumeWh, trades, status }, times) =>
  html(
    'tr',
    {},
    windowHeader(window, times),
    html('td', { class: 'num' }, priceMicroPerKWh === null ? '–' : tokens(priceMicroPerKWh)),
    html('td', { class: 'num' }, kilowattHours(volumeWh)),
    html('td', { class: 'num roomy' }, String(trades)),
    html('td', {}, html('span', { class: 'state', 'data-status': status }, status)),
  );

/**
 * @param {CampusSnapshot['settlements'][number]} item
 * @param {ZoneTimes} times
 */
export const settlementRow = ({ window, signature, transfers, volumeWh, amountMicro, confirmedAt }, times) =>
  html(
    'tr',
    {},
    windowHeader(window, times),
    html(
      'td',
      { title: `${signature}, confirmed ${times.seconds(confirmedAt)}` },
      html('code', {}, shortSignature(signature)),
    ),
    html('td', { class: 'num optional' }, String(transfers)),
    html('td', { class: 'num roomy' }, kilowattHours(volumeWh)),
    html('td', { class: 'num', title: exactTokens(amountMicro) }, tokens(amountMicro)),
  );
