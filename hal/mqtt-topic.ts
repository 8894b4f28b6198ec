/**
 * Whether a topic is one that a filter names (MQTT 3.1.1 §4.7): `+` is one level, `#` at the end all that follow and
 * the level above. Topics that begin with `$` are not reached by a wildcard at the start.
 */
export function isMatch(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [i, want] of wanted.entries()) {
    if (want === '#') return true;
    if (i >= levels.length || (want !== '+' && want !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
