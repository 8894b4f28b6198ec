import api from 'undici/lib/api/index.js';
import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

// As undici's index does it: `request` and its like are not the dispatcher's own.
Object.assign(Dispatcher.prototype, api);

/**
 * undici's HTTP client and nothing else of it: its index would load fetch, WebSocket, caches and mocks as well, 13 MB
 * that a board does not have to spare. The version is pinned, so that these places stay.
 */
export { buildConnector, Client };
