/** @import { HistoryPoint } from '../../gateway/snapshot.ts' */
/** @import { ZoneTimes } from './format.js' */
import { html, setText, svg } from './elements.js';
import { kilowatts } from './format.js';
import { decimalsOf, linear, roundTicks, timeTicks } from './scale.js';

/** @type {readonly { key: 'generationW' | 'loadW' | 'gridW', name: string, label: string }[]} */
const curves = [
  { key: 'generationW', name: 'generation', label: 'Generation' },
  { key: 'loadW', name: 'load', label: 'Load' },
  { key: 'gridW', name: 'grid', label: 'Grid' },
];
const margin = { top: 12, right: 12, bottom: 26, left: 44 };
const height = 236;

/** Generation, load and grid over time. The legend tells the values at the pointer, else the newest. */
export class PowerChart {
  #container;
  #legend;
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();
  #time = html('li', { class: 'legend-time' });
  /** @type {readonly HistoryPoint[]} */
  #points = [];
  /** @type {ZoneTimes | undefined} */
  #times;
  /** @type {number | undefined} */
  #pointerX;

  /**
   * @param {HTMLElement} container
   * @param {HTMLElement} legend
   */
  constructor(container, legend) {
    this.#container = container;
    this.#legend = legend;
    new ResizeObserver(() => this.#draw()).observe(container);
    container.addEventListener('pointermove', (event) => {
      this.#pointerX = event.clientX - container.getBoundingClientRect().left;
      this.#draw();
    });
    container.addEventListener('pointerleave', () => {
      this.#pointerX = undefined;
      this.#draw();
    });
  }

  /**
   * @param {readonly HistoryPoint[]} points oldest first
   * @param {ZoneTimes} times
   */
  show(points, times) {
    this.#points = points;
    this.#times = times;
    this.#draw();
  }

  #draw() {
    const points = this.#points;
    const times = this.#times;
    const first = points[0];
    const last = points.at(-1);
    const width = this.#container.clientWidth;
    if (times === undefined || first === undefined || last === undefined || first === last || width === 0) return;

    const values = points.flatMap(({ generationW, loadW, gridW }) => [generationW, loadW, gridW]);
    const ticks = roundTicks(Math.min(0, ...values) / 1000, Math.max(1000, ...values) / 1000, 4);
    const x = linear(first.time, last.time, margin.left, width - margin.right);
    const y = linear(ticks[0] ?? 0, ticks.at(-1) ?? 1, height - margin.bottom, margin.top);

    const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' });
    picture.setAttribute('aria-label', describe(first, last, times));
    const decimals = decimalsOf(ticks);
    for (const tick of ticks) {
      const line = { x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) };
      const label = tick.toFixed(decimals).replace('-', '−');
      picture.append(
        svg('line', { ...line, class: tick === 0 ? 'axis' : 'gridline' }),
        svg('text', { x: margin.left - 8, y: y(tick) + 4, class: 'tick end' }, label),
      );
    }
    const count = Math.max(2, Math.floor((width - margin.left) / 76));
    for (const time of timeTicks(first.time, last.time, count, times.offset(last.time))) {
      // A label at the edge would be cut off.
      const anchor = x(time) > width - margin.right - 18 ? 'end' : 'middle';
      const at = anchor === 'end' ? width - margin.right : Math.max(x(time), margin.left + 18);
      picture.append(svg('text', { x: at, y: height - 8, class: `tick ${anchor}` }, times.minutes(time)));
    }
    for (const { key, name } of curves) {
      const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${x(point.time)} ${y(point[key] / 1000)}`).join('');
      if (key === 'generationW') {
        picture.append(svg('path', { d: `${path}L${x(last.time)} ${y(0)}L${x(first.time)} ${y(0)}Z`, class: 'area' }));
      }
      picture.append(svg('path', { d: path, class: `curve ${name}` }));
    }
    const pointed = this.#pointed(x);
    if (pointed !== undefined) {
      const at = x(pointed.time);
      picture.append(svg('line', { x1: at, x2: at, y1: margin.top, y2: height - margin.bottom, class: 'pointer' }));
      for (const { key, name } of curves) {
        picture.append(svg('circle', { cx: at, cy: y(pointed[key] / 1000), r: 3.5, class: `spot ${name}` }));
      }
    }
    this.#container.replaceChildren(picture);
    this.#tell(pointed ?? last, times);
  }

  /**
   * The point nearest to the pointer.
   * @param {(value: number) => number} x
   */
  #pointed(x) {
    const pointer = this.#pointerX;
    if (pointer === undefined) return undefined;
    return this.#points.reduce((best, point) =>
      Math.abs(x(point.time) - pointer) < Math.abs(x(best.time) - pointer) ? point : best,
    );
  }

  /**
   * @param {HistoryPoint} point
   * @param {ZoneTimes} times
   */
  #tell(point, times) {
    if (this.#values.size === 0) {
      for (const { name, label } of curves) {
        const sample = svg('svg', { width: 22, height: 10, 'aria-hidden': 'true' });
        sample.append(svg('path', { d: 'M1 5H21', class: `curve ${name}` }));
        const value = html('span', { class: 'legend-value' });
        this.#values.set(name, value);
        this.#legend.append(html('li', {}, sample, ` ${label} `, value));
      }
      this.#legend.append(this.#time);
    }
    for (const { key, name } of curves) {
      const value = this.#values.get(name);
      if (value !== undefined) setText(value, `${point[key] < -49 ? '−' : ''}${kilowatts(point[key])}`);
    }
    setText(this.#time, times.minutes(point.time));
  }
}

/**
 * The chart in a sentence.
 * @param {HistoryPoint} first
 * @param {HistoryPoint} last
 * @param {ZoneTimes} times
 */
function describe(first, last, times) {
  const now = curves.map(({ key, label }) => `${label.toLowerCase()} ${kilowatts(last[key])} kW`).join(', ');
  return `Power from ${times.minutes(first.time)} to ${times.minutes(last.time)}. Now ${now}${last.gridW < 0 ? ' export' : ''}.`;
}
