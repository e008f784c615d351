// The cookies as the browser understood them.

import { expect, test } from '../fixtures.js';

const DAY = 24 * 60 * 60;

// Item 73: as plain http allows; the exact header over https is tested without a browser.
test('the session cookie is for Doorward alone and travels with links', async ({ visitor }) => {
  const ada = await visitor();

  await ada.signInByCode('ada@example.com');

  const { doorward_session: session } = await ada.cookies();
  expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax', domain: 'localhost', path: '/' });
  // The longest that a session can last; when it ends for want of use, only the server knows.
  expect(lifetime(session)).toBeCloseTo(30 * DAY, -2);
});

test('the flow cookie is for Doorward alone and never leaves it', async ({ visitor }) => {
  const ada = await visitor();

  await ada.call('POST', '/auth/verify', { email: 'ada@example.com' });

  const { doorward_flow: flow } = await ada.cookies();
  expect(flow).toMatchObject({ httpOnly: true, sameSite: 'Strict', domain: 'localhost', path: '/' });
  expect(lifetime(flow)).toBeCloseTo(10 * 60, -2);
});

test('every cookie is out of the reach of scripts', async ({ visitor }) => {
  const ada = await visitor();
  await ada.signInByCode('ada@example.com');
  await ada.register();
  await ada.signInByPasskey();

  const cookies = Object.values(await ada.cookies());

  expect(cookies.length).toBeGreaterThan(0);
  expect(cookies.filter(({ httpOnly }) => !httpOnly)).toEqual([]);
  expect(await ada.readableCookies()).toBe('');
});

test('signing out takes the session cookie away', async ({ visitor }) => {
  const ada = await visitor();
  await ada.signInByCode('ada@example.com');

  await ada.signOut();

  expect(await ada.cookies()).not.toHaveProperty('doorward_session');
});

// Item 10.
test('a code works only in the browser that asked for it', async ({ doorward, visitor }) => {
  const ada = await visitor();
  const eve = await visitor();
  await ada.call('POST', '/auth/verify', { email: 'ada@example.com' });
  const form = { method: 'otp', email: 'ada@example.com', token: await doorward.code('ada@example.com') };

  const elsewhere = await eve.call('POST', '/auth/sessions/', form);
  const here = await ada.call('POST', '/auth/sessions/', form);

  expect(elsewhere).toMatchObject({ status: 401, body: { code: 'invalid_code' } });
  expect(await eve.cookies()).not.toHaveProperty('doorward_session');
  expect(here.status).toBe(201);
});

/** Seconds until the browser forgets it. */
function lifetime({ expires }) {
  return expires - Date.now() / 1000;
}
