import assert from 'node:assert/strict';
import type { Content } from './xml.ts';
import type { XmlElement } from '../xml.ts';

/** Throws where an element does not hold what was asked for; what else it holds does not matter. */
export function assertHolds(element: XmlElement | undefined, wanted: Content, path = element?.name ?? ''): void {
  assert.ok(element !== undefined, `${path} is missing`);
  if (typeof wanted !== 'object') {
    const isSame =
      element.text === String(wanted) || (typeof wanted === 'boolean' && element.text === (wanted ? '1' : '0'));
    assert.ok(isSame, `${path}: expected ${String(wanted)}, got ${element.text}`);
    return;
  }
  for (const [name, content] of Object.entries(wanted)) {
    if (content === undefined) continue;
    const below = `${path}/${name}`;
    if (name === 'href') assert.equal(element.href, content, below);
    else if (!Array.isArray(content)) assertHolds(element.at(name), content as Content, below);
    else {
      const items = element.all(name);
      assert.equal(items.length, content.length, `${below}: how many`);
      for (const [at, item] of (content as readonly Content[]).entries())
        assertHolds(items[at], item, `${below}[${at}]`);
    }
  }
}
