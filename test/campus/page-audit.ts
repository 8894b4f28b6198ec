/**
 * Runs in the browser and answers with a list of complaints: what a person who cannot see the page well, or at all,
 * would trip over (WCAG 2.2: 1.1.1, 1.3.1, 1.4.3, 2.4.2, 3.1.1). A string, as the tests' own types know no document.
 */
export const pageAudit = `(() => {
  const complaints = [];
  const complain = (condition, text) => { if (condition) complaints.push(text); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const nameOf = (element) => element.tagName.toLowerCase() + (element.id ? '#' + element.id : '') +
    ' "' + element.textContent.trim().slice(0, 30) + '"';

  complain(!document.documentElement.lang, 'no language');
  complain(document.title === '', 'no title');
  for (const landmark of ['header', 'main', 'footer']) complain(all('body > ' + landmark).length !== 1, 'not one ' + landmark);
  complain(all('h1').length !== 1, 'not one h1');
  for (const section of all('section')) {
    const label = document.getElementById(section.getAttribute('aria-labelledby') ?? '');
    complain(!label || label.textContent.trim() === '', 'section without a name');
  }
  for (const header of all('th')) complain(!['col', 'row'].includes(header.scope), 'th without scope: ' + nameOf(header));
  for (const row of all('tbody tr:not(.empty-row)')) complain(!row.querySelector('th[scope=row]'), 'row without header: ' + nameOf(row));
  for (const image of all('img')) complain(!image.hasAttribute('alt'), 'img without alt');
  for (const chart of all('.chart svg')) complain(!chart.getAttribute('aria-label'), 'chart without a description');
  const ids = all('[id]').map(({ id }) => id);
  complain(new Set(ids).size !== ids.length, 'an id twice');
  complain(all('[aria-live]').length > 0, 'numbers that would be read aloud each second');

  const parse = (text) => {
    const numbers = (text.match(/[\\d.]+(?:e-?\\d+)?/g) ?? []).map(Number);
    const scale = text.startsWith('color(') ? 255 : 1;
    return [...numbers.slice(0, 3).map((value) => value * scale), numbers[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const backgroundOf = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.textContent.trim() === '' || element.getClientRects().length === 0) continue;
    if (element.closest('noscript, script, title')) continue;
    const style = getComputedStyle(element);
    const background = backgroundOf(element);
    const ink = over(parse(element.namespaceURI.endsWith('svg') ? style.fill : style.color), background);
    const [light, dark] = [luminance(ink), luminance(background)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    complain(ratio < 4.5, 'contrast ' + ratio.toFixed(2) + ': ' + nameOf(element));
  }
  return [...new Set(complaints)];
})()`;

/** Elements that reach beyond the right edge of the window, by tag and class; the page must not scroll sideways. */
export const sidewaysAudit = `(() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  return [...document.body.querySelectorAll('*')]
    .filter((element) => element.getBoundingClientRect().right > edge + 0.5)
    .map((element) => element.tagName.toLowerCase() + '.' + element.getAttribute('class'))
    .slice(0, 5)
    .concat('width ' + document.documentElement.scrollWidth + ' of ' + edge);
})()`;
