// What pages may cost: bytes as they travel, requests, time, and nothing that moves.

import { expect, test } from '../fixtures.js';

const KIB = 1024;

test.use({ movableClock: true });

/** Pages that somebody sees who signs in, and the ones of an account: what each kind of file may weigh, in bytes. */
const SIGNING_IN = { html: 3 * KIB, css: 4 * KIB, js: 4.5 * KIB, total: 12 * KIB };
const ACCOUNT = { html: 5 * KIB, css: 4 * KIB, js: 5 * KIB, total: 14 * KIB };

/** Signs in, and makes a passkey where there is something to make one with. */
async function hasPasskey(ada) {
  await ada.signInByCode('ada@example.com');
  if (ada.authenticator) await ada.makePasskey();
}

/** Signed in as before, but so long ago that it no longer counts as lately. */
async function hasBeenAway(ada, doorward) {
  await hasPasskey(ada);
  await ada.authenticator?.isTouched(false);
  await doorward.advance('11m');
}

const PAGES = [
  { path: '/sign-in', budget: SIGNING_IN },
  { path: '/sign-in/help', budget: SIGNING_IN },
  { path: '/sign-in/code', budget: SIGNING_IN, before: (ada) => ada.askForCode('ada@example.com') },
  { path: '/reauth', budget: SIGNING_IN, before: hasBeenAway },
  { path: '/sign-out', budget: SIGNING_IN, before: (ada) => ada.signInByCode('ada@example.com') },
  { path: '/welcome/passkey', budget: SIGNING_IN, before: (ada) => ada.signInByCode('ada@example.com') },
  { path: '/account', budget: ACCOUNT, before: (ada) => ada.signInByCode('ada@example.com') },
  { path: '/account/passkeys/new', budget: ACCOUNT, before: (ada) => ada.signInByCode('ada@example.com') },
  { path: '/account/profile', budget: ACCOUNT, before: (ada) => ada.signInByCode('ada@example.com') },
  // A date stands within a sentence there; said as people say it, it moves the words behind it, by less than can be seen.
  { path: '/account/passkeys', budget: ACCOUNT, shift: 0.001, before: hasPasskey },
  { path: '/account/sessions', budget: ACCOUNT, shift: 0.001, before: (ada) => ada.signInByCode('ada@example.com') },
  { path: '/account/activity', budget: ACCOUNT, before: (ada) => ada.signInByCode('ada@example.com') },
];

/** Loads a page as if it was the first one: every answer that came for it, by what it is, with its size on the way. */
async function load({ context, page }, path) {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Network.clearBrowserCache');
  // What the page before still waits for is not this one's.
  await page.goto('about:blank');
  const responses = [];
  const keep = (response) => responses.push(response);
  page.on('response', keep);
  await page.goto(path, { waitUntil: 'networkidle' });
  page.off('response', keep);
  // Whether a browser without a window asks for it differs.
  const icon = await page.getAttribute('link[rel=icon]', 'href');
  if (!responses.some((response) => response.url().endsWith(icon))) responses.push(await context.request.get(icon));
  return Promise.all(
    responses.map(async (response) => {
      const headers = response.headers();
      const kind = headers['content-type'].match(/html|css|javascript|svg/)[0].replace('javascript', 'js');
      return { kind, url: new URL(response.url()), size: Number(headers['content-length']), headers };
    }),
  );
}

for (const { path, budget, shift = 0, before } of PAGES) {
  const name = path === '/sign-in' ? `T53 ${path}` : path;
  test(`${name} is small, and asks nobody else for anything`, async ({ doorward, person }) => {
    const ada = await person({ profile: 'P1' });
    await before?.(ada, doorward);

    const answers = await load(ada, path);

    expect(answers.map(({ kind }) => kind).sort()).toEqual([...new Set(answers.map(({ kind }) => kind))].sort());
    expect(new Set(answers.map(({ url }) => url.origin))).toEqual(new Set([ada.origin]));
    expect(answers.length).toBeLessThanOrEqual(4);
    for (const { kind, size, headers } of answers) {
      expect(headers['content-encoding'], kind).toBe('br');
      expect(size, kind).toBeLessThanOrEqual(budget[kind] ?? KIB);
      const kept = kind === 'html' ? 'no-store' : 'public, max-age=31536000, immutable';
      expect(headers['cache-control'], kind).toBe(kept);
    }
    const total = answers.reduce((sum, { size }) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(budget.total);
  });

  for (const profile of ['P0', 'P1']) {
    test(`nothing on ${path} moves while it loads, with ${profile}`, async ({ doorward, person }) => {
      const ada = await person({ profile });
      await before?.(ada, doorward);

      await ada.page.goto(path, { waitUntil: 'networkidle' });

      const shifts = await ada.page.evaluate(
        () =>
          new Promise((done) => {
            const seen = [];
            const look = new PerformanceObserver((list) => seen.push(...list.getEntries()));
            look.observe({ type: 'layout-shift', buffered: true });
            // Two frames later whatever was to move has moved.
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(seen.map(({ value }) => value)))));
          }),
      );
      expect(shifts.reduce((sum, value) => sum + value, 0)).toBeLessThanOrEqual(shift);
    });
  }
}

test.describe('with an application on another origin', () => {
  test.use({ place: 'listed' });

  test('T53 a code leads back to an application that is listed, and to nobody else', async ({ person, site }) => {
    const [ada, bob] = [await person(), await person()];
    const application = '/pages/index.html?client=native';

    await ada.signInByCode('ada@example.com', { returnTo: site.sibling + application });
    await bob.signInByCode('bob@example.com', { returnTo: site.stranger + application });

    await expect(ada.page).toHaveURL(site.sibling + application);
    await expect(bob.page).toHaveURL('/account');
  });
});

test('on a slow network something is seen within 900 ms', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  const answers = await load(ada, '/sign-in');

  const blocking = await ada.page.evaluate(() =>
    performance.getEntriesByType('resource').filter((each) => each.renderBlockingStatus === 'blocking').map(({ name }) => name),
  );

  // Nothing but the style sheet is waited for, and the page itself names it. So it takes a connection with TLS (two round
  // trips), the page and the style sheet (one each), and what they weigh. Counted, since no machine is idle when it is tested.
  const needed = answers.filter(({ kind, url }) => kind === 'html' || blocking.includes(url.href));
  expect(needed.map(({ kind }) => kind)).toEqual(['html', 'css']);
  const [roundTrip, bytesPerMs] = [150, 1600 / 8];
  const bytes = needed.reduce((sum, { size }) => sum + size, 0);
  expect(4 * roundTrip + bytes / bytesPerMs).toBeLessThan(900);
});

test('on a slow processor the script is done within 30 ms', async ({ person }) => {
  test.slow();
  const durations = [];
  // Once is enough: how busy the machine is, is not the page's fault, and nothing makes it faster than it is.
  for (let times = 0; times < 20 && !(Math.min(...durations) < 30); times += 1) {
    const ada = await person({ profile: 'P1' });
    const devtools = await ada.context.newCDPSession(ada.page);
    await devtools.send('Performance.enable');
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    await ada.page.goto('/sign-in', { waitUntil: 'networkidle' });
    const { metrics } = await devtools.send('Performance.getMetrics');
    durations.push(metrics.find(({ name }) => name === 'ScriptDuration').value * 1000);
  }

  expect(Math.min(...durations)).toBeLessThan(30);
});
