import type { Scanner } from './scanner.ts';

const slash = 47;

/**
 * Over the rest of an element that the schema does not know, whose start tag has been read. It must be well-formed
 * all the same, and it counts for the depth.
 */
export function skipElement(scan: Scanner, tag: string, depth: number, maxDepth: number): void {
  if (depth > maxDepth) throw scan.fault('GTX-XML-005', `Elements are nested deeper than ${maxDepth}`);
  if (scan.selfClosing) return;
  for (;;) {
    scan.textContent();
    if (scan.text.charCodeAt(scan.at + 1) === slash) {
      scan.endTag(tag);
      return;
    }
    const { defaultNamespace, prefixes } = scan;
    scan.at++;
    const name = scan.name();
    scan.attributes();
    skipElement(scan, name, depth + 1, maxDepth);
    scan.defaultNamespace = defaultNamespace;
    scan.prefixes = prefixes;
  }
}
