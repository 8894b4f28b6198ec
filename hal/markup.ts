const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text within XML or HTML, and within their attributes; characters that XML 1.0 cannot carry become spaces. */
export const escaped = (text: string): string =>
  text.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD]/gu, ' ').replace(/[&<>"']/g, (found) => escapes[found] ?? '');
