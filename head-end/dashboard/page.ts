import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the pages' files: a page's own part, and what the browser gets as it is. */
export const pageFolder = fileURLToPath(new URL('./page', import.meta.url));

/** Only files of these kinds are sent as they are; whatever else lies in the folder (its tests) is not served. */
export const isPageFile = (path: string): boolean => /^\/(?:[a-z-]+\/)*[a-z-]+\.(?:css|js|svg)$/.test(path);

interface Outline {
  readonly heading: string;
  readonly script: string;
  readonly styles: readonly string[];
}

const formStyles = ['/style.css', '/access.css'];
/** By the name of the file. */
const outlines: Readonly<Record<string, Outline>> = {
  index: { heading: 'Campus', script: '/app.js', styles: ['/style.css'] },
  access: { heading: 'Access', script: '/access.js', styles: formStyles },
  account: { heading: 'Your account', script: '/account.js', styles: formStyles },
  'sign-in': { heading: 'Sign in', script: '/sign-in.js', styles: formStyles },
};

export interface Page {
  readonly html: string;
  readonly etag: string;
}

/** The page at a path; `undefined` where there is none. */
export async function pageAt(path: string): Promise<Page | undefined> {
  const name = path === '/' ? 'index' : (/^\/([a-z-]+)\.html$/.exec(path)?.[1] ?? '');
  const outline = Object.hasOwn(outlines, name) ? outlines[name] : undefined;
  if (outline === undefined) return undefined;
  const html = pageOf(outline, await readFile(`${pageFolder}/${name}.html`, 'utf8'));
  return { html, etag: `"${createHash('sha256').update(html).digest('base64url')}"` };
}

/** What stands before `<main>` in a page's own part goes into its masthead. */
function pageOf({ heading, script, styles }: Outline, own: string): string {
  const main = own.indexOf('<main');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${heading} · GridTokenX</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml" />
    ${styles.map((href) => `<link rel="stylesheet" href="${href}" />`).join('\n    ')}
    <script type="module" src="${script}"></script>
  </head>
  <body>
    <header class="masthead">
      <div class="brand">
        <img src="/icon.svg" alt="" width="36" height="36" />
        <div>
          <h1 id="heading">${heading}</h1>
          <p class="muted">GridTokenX · energy traded between buildings</p>
        </div>
      </div>
      ${own.slice(0, main)}
      <nav class="nav" id="nav" aria-label="Pages"></nav>
    </header>
${own.slice(main)}  </body>
</html>
`;
}
