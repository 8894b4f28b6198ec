import { fileURLToPath } from 'node:url';

/** The folder of the page's files, which the browser gets as they are. */
export const pageFolder = fileURLToPath(new URL('./page', import.meta.url));

/** Only files of these kinds are the page; whatever else lies in the folder (its tests) is not served. */
export const isPageFile = (path: string): boolean => /^\/(?:[a-z-]+\/)*[a-z-]+\.(?:html|css|js|svg)$|^\/$/.test(path);
