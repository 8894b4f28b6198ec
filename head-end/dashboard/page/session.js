/** @import { Me } from '../../gateway/access/schemas.ts' */
import { ask } from './ask.js';
import { byId, html } from './elements.js';

const mayAdminister = ['administrator', 'auditor'];

/**
 * Who is signed in in this browser; undefined while the head-end starts or is away.
 * @returns {Promise<Me | undefined>}
 */
export const whoAmI = () => ask('GET', '/access/me').catch(() => undefined);

/**
 * The way to the other pages, as far as they are for this person.
 * @param {Me | undefined} me
 */
export function showNav(me) {
  const here = location.pathname;
  /** @type {[string, string][]} */
  const pages = [['/', 'Campus']];
  if (me?.who && mayAdminister.includes(me.who.role)) pages.push(['/access.html', 'Access']);
  pages.push(me?.who ? ['/account.html', me.who.name] : ['/sign-in.html', 'Sign in']);
  const links = pages.map(([href, text]) => {
    const isHere = href === here || (href === '/' && here === '/index.html');
    return html('a', isHere ? { href, 'aria-current': 'page' } : { href }, text);
  });
  byId('nav').replaceChildren(...links);
}

/** For pages that are for people who are signed in; the others are led to the sign-in. */
export async function requirePerson() {
  const me = await whoAmI();
  if (me?.who) {
    showNav(me);
    return me.who;
  }
  location.replace('/sign-in.html');
  // The page is on its way out.
  return new Promise(() => {});
}

/**
 * Says what became of something, or why it did not.
 * @param {unknown} what a text, or an error
 */
export function say(what) {
  const isError = what instanceof Error;
  const element = byId('message');
  const hint = isError && 'hint' in what ? String(what.hint) : '';
  element.textContent = isError ? [`${what.message}.`, hint].join(' ').trim() : String(what);
  element.dataset['kind'] = isError ? 'error' : 'done';
  element.hidden = false;
}

/**
 * Does something once at a time for a form or a button, and says where it fails.
 * @param {HTMLElement} element
 * @param {'submit' | 'click'} event
 * @param {(data: FormData) => Promise<void>} work
 */
export function on(element, event, work) {
  const run = async () => {
    element.setAttribute('aria-busy', 'true');
    try {
      await work(element instanceof HTMLFormElement ? new FormData(element) : new FormData());
    } catch (error) {
      say(error);
    } finally {
      element.removeAttribute('aria-busy');
    }
  };
  element.addEventListener(event, (happened) => {
    happened.preventDefault();
    if (!element.hasAttribute('aria-busy')) void run();
  });
}

/**
 * A text field of a form.
 * @param {FormData} data
 * @param {string} name
 */
export function field(data, name) {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
}
