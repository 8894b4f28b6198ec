// Plain JavaScript for any Node >= 18, as launch.js.

const lookEveryMs = 500;

/**
 * npm passes SIGINT and SIGTERM on to the script that it runs, but a SIGHUP ends npm alone. Started by npm, this
 * process hangs up too when its parent is gone, so that nothing is left running that nobody can reach.
 */
export function hangUpWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGHUP');
  }, lookEveryMs);
  look.unref();
}
