/**
 * What the tests are given: a server, another site, and people with browsers of their own, on the pages (`person`) and on
 * an application's page (`visitor`).
 */

import { test as base, expect } from '@playwright/test';
import { Authenticator } from './authenticator.js';
import { Doorward } from './doorward.js';
import { Person } from './person.js';
import { read, Site } from './site.js';

export { expect };

export const test = base.extend({
  /** Where the application's page is: on Doorward's `own` origin, or on another one that is `listed`. */
  place: ['own', { option: true }],

  /** What Doorward is configured to do otherwise than by default, as variables of its environment. */
  settings: [{}, { option: true }],

  /** Whether time can be had to pass for the server: `doorward.advance('11m')`, or, with its cookies, `pass('11m')`. */
  movableClock: [false, { option: true }],

  site: async ({}, use) => {
    const site = await Site.start();
    await use(site);
    await site.stop();
  },

  doorward: async ({ movableClock, place, settings, site }, use, testInfo) => {
    // Some origin is always listed, so that a refusal is never for want of any.
    const origins = [place === 'listed' ? site.sibling : 'https://app.example.com'];
    const doorward = await Doorward.start({ origins, settings, movableClock });
    await use(doorward);
    await doorward.stop();
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('doorward.log', { body: doorward.log, contentType: 'text/plain' });
    }
    expect(doorward.log).not.toMatch(/panicked|"level":"ERROR"/);
  },

  /** Lets somebody in: a browser without cookies, with an authenticator, on the application's page. */
  visitor: async ({ browser, doorward, place, site }, use) => {
    const contexts = [];
    await use(async (authenticatorOptions) => {
      const context = await browser.newContext();
      contexts.push(context);
      const page = await context.newPage();
      const authenticator = await Authenticator.add(page, authenticatorOptions);
      const visitor = new Visitor(page, authenticator, doorward);
      await (place === 'own' ? visitor.openOwnPage() : visitor.openPageOf(site.sibling));
      return visitor;
    });
    await Promise.all(contexts.map((context) => context.close()));
  },

  people: async ({}, use) => use([]),

  /** Lets somebody in on the pages: see `Person.enter`. The test fails if their browser complains. */
  person: async ({ browser, doorward, people }, use) => {
    await use(async (options) => {
      const person = await Person.enter(browser, doorward, options);
      people.push(person);
      return person;
    });
    await Promise.all(people.map(({ context }) => context.close()));
    for (const { complaints } of people) expect(complaints, 'what the browser complained of').toEqual([]);
  },

  /** Lets time pass: for the server, and for the cookies of people. */
  pass: async ({ doorward, people }, use) => {
    await use(async (span) => {
      const seconds = await doorward.advance(span);
      for (const person of people) await person.ageCookies(seconds);
    });
  },
});

/** Somebody with a browser. What they do, a script on the page does: see `pages/`. */
export class Visitor {
  #doorward;

  constructor(page, authenticator, doorward) {
    this.page = page;
    this.authenticator = authenticator;
    this.#doorward = doorward;
  }

  /** Opens a page of Doorward's own origin, which uses no library. */
  async openOwnPage() {
    const files = new RegExp(`^${this.#doorward.origin}/(pages|simplewebauthn)/`);
    await this.page.route(files, async (route) => route.fulfill(await read(new URL(route.request().url()).pathname)));
    await this.#open(`${this.#doorward.origin}/pages/index.html?client=native`);
    // While anything is routed, Playwright answers preflights itself; from here on Doorward answers everything.
    await this.page.unroute(files);
  }

  /** Opens a page of another origin, which uses @simplewebauthn/browser. */
  async openPageOf(origin) {
    await this.#open(`${origin}/pages/index.html?client=simplewebauthn&doorward=${this.#doorward.origin}`);
  }

  async #open(url) {
    await this.page.goto(url);
    await this.page.waitForFunction(() => window.app);
  }

  /** Calls a function of the page's script. */
  #app(name, ...args) {
    return this.page.evaluate(([name, args]) => window.app[name](...args), [name, args]);
  }

  /** Calls the API: `{ status, body }`. */
  call(method, path, body) {
    return this.#app('call', method, path, body);
  }

  /** Signs in, or up, with a code that is read from the mailbox. */
  async signInByCode(email) {
    const { status, flow } = await this.#app('askForCode', email);
    expect(status).toBe(201);
    return this.#app('signInByCode', email, await this.#doorward.code(email), flow);
  }

  /** Makes a passkey; `algorithm` leaves the authenticator no other choice. */
  register({ name, algorithm } = {}) {
    return this.#app('register', { name, algorithm });
  }

  signInByPasskey({ conditional } = {}) {
    return this.#app('signIn', { conditional });
  }

  /** What the authenticator signs, undelivered. */
  assertion() {
    return this.#app('assertion');
  }

  tellBrowser(signals) {
    return this.#app('tellBrowser', signals);
  }

  signOut() {
    return this.call('DELETE', '/auth/sessions/');
  }

  /** Who Doorward thinks is there: an address, or null. */
  async whoAmI() {
    const { body } = await this.call('GET', '/auth/sessions/current');
    return body && body.user.email;
  }

  /** What scripts of the page can see of the cookies. */
  readableCookies() {
    return this.page.evaluate(() => document.cookie);
  }

  /** What the browser keeps, by name. */
  async cookies() {
    const cookies = await this.page.context().cookies();
    return Object.fromEntries(cookies.map(({ name, ...cookie }) => [name, cookie]));
  }
}
