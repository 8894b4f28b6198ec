/** @import { WindowSnapshot } from '../../gateway/snapshot.ts' */
/** @import { ZoneTimes } from './format.js' */
import { svg } from './elements.js';
import { kilowattHours, tokens } from './format.js';
import { decimalsOf, linear, roundTicks } from './scale.js';

const margin = { right: 12, left: 52 };
const pricePanel = { top: 26, bottom: 104 };
const volumePanel = { top: 138, bottom: 210 };
const height = 236;

/** Price and volume of the last windows, one above the other on one time axis. */
export class MarketChart {
  #container;
  /** @type {readonly WindowSnapshot[]} */
  #windows = [];
  /** @type {ZoneTimes | undefined} */
  #times;

  /** @param {HTMLElement} container */
  constructor(container) {
    this.#container = container;
    new ResizeObserver(() => this.#draw()).observe(container);
  }

  /**
   * @param {readonly WindowSnapshot[]} windows oldest first
   * @param {ZoneTimes} times
   */
  show(windows, times) {
    if (JSON.stringify(windows) === JSON.stringify(this.#windows) && times === this.#times) return;
    this.#windows = windows;
    this.#times = times;
    this.#draw();
  }

  #draw() {
    const times = this.#times;
    const windows = this.#windows;
    const last = windows.at(-1);
    const width = this.#container.clientWidth;
    if (times === undefined || last === undefined || width === 0) return;

    const slot = (width - margin.left - margin.right) / Math.max(windows.length, 6);
    const centre = (/** @type {number} */ i) => Math.round((margin.left + (i + 0.5) * slot) * 10) / 10;
    const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' });
    picture.setAttribute('aria-label', describe(last, windows.length, times));

    const prices = windows.flatMap(({ priceMicroPerKWh }) => (priceMicroPerKWh === null ? [] : priceMicroPerKWh / 1e6));
    const priceTicks = prices.length === 0 ? [0, 0.1] : roundTicks(Math.min(...prices), Math.max(...prices), 2);
    const price = linear(priceTicks[0] ?? 0, priceTicks.at(-1) ?? 1, pricePanel.bottom, pricePanel.top);
    drawAxis(picture, 'Price, token/kWh', priceTicks, price, pricePanel.top, width);

    const volumeTicks = roundTicks(0, Math.max(1, ...windows.map(({ volumeWh }) => volumeWh / 1000)), 2);
    const volume = linear(0, volumeTicks.at(-1) ?? 1, volumePanel.bottom, volumePanel.top);
    drawAxis(picture, 'Volume, kWh', volumeTicks, volume, volumePanel.top, width);

    let path = '';
    for (const [i, item] of windows.entries()) {
      const tip = svg('title', {}, tipOf(item, times));
      const top = volume(item.volumeWh / 1000);
      const bar = { x: centre(i) - slot * 0.36, width: slot * 0.72, y: top, height: volumePanel.bottom - top, rx: 1.5 };
      picture.append(svg('rect', { ...bar, class: 'bar' }));
      if (item.priceMicroPerKWh === null) path += ' ';
      else {
        const y = price(item.priceMicroPerKWh / 1e6);
        path += `${path === '' || path.endsWith(' ') ? 'M' : 'L'}${centre(i)} ${y}`;
        picture.append(svg('circle', { cx: centre(i), cy: y, r: 2.5, class: 'spot price' }));
      }
      const zone = {
        x: centre(i) - slot / 2,
        y: pricePanel.top,
        width: slot,
        height: volumePanel.bottom - pricePanel.top,
      };
      picture.append(svg('rect', { ...zone, class: 'zone' }, tip));
    }
    picture.prepend(svg('path', { d: path.trim(), class: 'curve price' }));
    const every = Math.ceil(58 / slot);
    for (const [i, { window }] of windows.entries()) {
      // Counted from the newest, which always has its label.
      if ((windows.length - 1 - i) % every !== 0 || centre(i) < margin.left + 16) continue;
      const anchor = centre(i) > width - 30 ? 'end' : 'middle';
      const x = anchor === 'end' ? width - margin.right + 4 : centre(i);
      picture.append(svg('text', { x, y: height - 8, class: `tick ${anchor}` }, times.minutes(window)));
    }
    this.#container.replaceChildren(picture);
  }
}

/**
 * @param {SVGElement} picture
 * @param {string} title
 * @param {readonly number[]} ticks
 * @param {(value: number) => number} y
 * @param {number} top
 * @param {number} width
 */
function drawAxis(picture, title, ticks, y, top, width) {
  picture.append(svg('text', { x: 0, y: top - 14, class: 'tick strong' }, title));
  const decimals = decimalsOf(ticks);
  for (const tick of ticks) {
    const line = { x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) };
    picture.append(
      svg('line', { ...line, class: tick === 0 ? 'axis' : 'gridline' }),
      svg('text', { x: margin.left - 8, y: y(tick) + 4, class: 'tick end' }, tick.toFixed(decimals)),
    );
  }
}

/**
 * @param {WindowSnapshot} item
 * @param {ZoneTimes} times
 */
function tipOf({ window, priceMicroPerKWh, volumeWh, trades }, times) {
  const price = priceMicroPerKWh === null ? 'no price' : `${tokens(priceMicroPerKWh)} token/kWh`;
  return `${times.minutes(window)}: ${price}, ${kilowattHours(volumeWh)} kWh in ${trades} trades`;
}

/**
 * @param {WindowSnapshot} last
 * @param {number} count
 * @param {ZoneTimes} times
 */
const describe = (last, count, times) =>
  `Price and volume of the last ${count} windows. Newest, ${tipOf(last, times)}.`;
