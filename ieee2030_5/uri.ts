/**
 * RFC 3986 §4.1, as far as the characters and the places of delimiters go. As XML Schema's anyURI has it, characters
 * that a URI must escape (non-ASCII, `<>"{}|\^` and the grave accent) may stand unescaped; a space may not.
 */
const escaped = '%[0-9A-Fa-f]{2}';
const free = ' A-Za-z0-9\\-._~!$&\'()*+,;=<>"{}|\\\\^`\\u0000-\\u001f\\u007f-\\uffff';
const segment = `(?:[${free}:@]|${escaped})*`;
const firstRelative = `(?:[${free}@]|${escaped})+`;
const userInfo = `(?:(?:[${free}:]|${escaped})*@)?`;
const host = `(?:\\[[^\\]]*\\]|(?:[${free}]|${escaped})*)`;
const authority = `//${userInfo}${host}(?::[0-9]{1,9})?(?:/${segment})*`;
const rooted = `/(?:(?:[${free}:@]|${escaped})+(?:/${segment})*)?`;
const rootless = `(?:[${free}:@]|${escaped})+(?:/${segment})*`;
const relative = `${firstRelative}(?:/${segment})*`;
const tail = `(?:\\?(?:[${free}:@/?]|${escaped})*)?(?:#(?:[${free}:@/?\\[\\]]|${escaped})*)?`;
const reference = new RegExp(
  `^(?:[A-Za-z][A-Za-z0-9+.-]*:(?:${authority}|${rooted}|${rootless})?|${authority}|${rooted}|${relative})?${tail}$`,
);

/** The paths that servers hand out: `/edev/3/der`, no escape and no query. */
const isPlain = (c: number): boolean =>
  (c > 96 && c < 123) || (c > 47 && c < 58) || (c > 64 && c < 91) || c === 45 || c === 95 || c === 46;

/** Whether `text[from, to)`, without whitespace at its ends, is a URI reference. */
export function isUriReference(text: string, from: number, to: number): boolean {
  let i = from;
  if (text.charCodeAt(i) === 47 && i < to && text.charCodeAt(i + 1) !== 47) {
    while (i < to && (isPlain(text.charCodeAt(i)) || text.charCodeAt(i) === 47)) i++;
    if (i === to) return true;
  }
  return reference.test(text.slice(from, to));
}
