/** @import { CampusSnapshot } from '../../gateway/snapshot.ts' */

const retryMs = 2000;
/** Three signs of life of the head-end. */
const silenceMs = 45_000;

/**
 * Follows the head-end's events for as long as the page lives.
 * @param {object} listeners
 * @param {() => void} listeners.onOpen each time a connection stands
 * @param {(snapshot: CampusSnapshot) => void} listeners.onSnapshot
 * @param {() => void} listeners.onLost each time it is gone; the next attempt is under way
 */
export function follow({ onOpen, onSnapshot, onLost }) {
  const source = new EventSource('/api/v1/events');
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  const again = () => {
    clearTimeout(silence);
    source.close();
    onLost();
    setTimeout(() => follow({ onOpen, onSnapshot, onLost }), retryMs);
  };
  const alive = () => {
    clearTimeout(silence);
    // A machine that slept or lost its network may never learn that the connection is dead.
    silence = setTimeout(again, silenceMs);
  };
  source.addEventListener('open', () => {
    alive();
    onOpen();
  });
  source.addEventListener('heartbeat', alive);
  source.addEventListener('snapshot', (event) => {
    alive();
    onSnapshot(JSON.parse(event.data));
  });
  source.addEventListener('error', () => {
    // The browser itself tries again after a lost connection, but not after a refusal (503, another status).
    if (source.readyState === EventSource.CLOSED) again();
    else onLost();
  });
}
