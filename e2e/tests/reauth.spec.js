// Confirming who one is, before a sensitive change, on the pages.

import { Authenticator, PROFILES } from '../authenticator.js';
import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';
const BOB = 'bob@example.com';
const NEW = '/account/passkeys/new';
const CONFIRM = /\/reauth\?/;

test.use({ movableClock: true });

const press = ({ page }, name) => page.getByRole('button', { name }).click();

test('T40 whoever signed in a while ago confirms with a passkey, and goes on', async ({ pass, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.makePasskey();
  await pass('11m');
  await ada.open('/account/passkeys');
  await ada.page.locator(`a[href="${NEW}"]`).first().click();
  await ada.page.waitForURL(CONFIRM);
  await expect(ada.page.getByRole('heading', { name: "Confirm it's you" })).toBeVisible();

  await press(ada, 'Use your passkey');
  await ada.page.waitForURL(NEW);
  await ada.authenticator.unplug();
  ada.authenticator = await Authenticator.add(ada.page, PROFILES.P3);
  await press(ada, 'Create a passkey');

  await ada.page.waitForURL('/account/passkeys?created=*');
  expect((await ada.call('GET', '/auth/passkeys/')).body).toHaveLength(2);
});

test('a page that was open too long leads there and back', async ({ doorward, pass, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.open(NEW);
  await pass('11m');
  ada.expects(/status of 403/);

  await ada.page.evaluate(() => {
    // Else the page would use the options that it brought, and be refused after the prompt.
    const { now } = Date;
    Date.now = () => now() + 11 * 60_000;
  });
  await press(ada, 'Create a passkey');
  await ada.page.waitForURL(CONFIRM);
  await press(ada, 'Email me a code');
  await ada.enterCode(await doorward.code(ADA));
  await ada.page.waitForURL(NEW);
  await press(ada, 'Create a passkey');

  await ada.page.waitForURL('/account/passkeys?created=*');
});

test('without scripts a code confirms', async ({ doorward, pass, person }) => {
  const ada = await person({ scripts: false });
  await ada.signInByCode(ADA);
  await pass('11m');
  await ada.open(`${NEW}?kind=security-key`);
  await ada.page.waitForURL(CONFIRM);

  await press(ada, 'Email me a code');
  await ada.page.waitForURL('/reauth/code');
  await ada.page.getByRole('link', { name: 'Back' }).click();
  await ada.page.waitForURL('/reauth');
  await press(ada, 'Email me a code');
  await ada.enterCode(await doorward.code(ADA));

  await ada.page.waitForURL(`${NEW}?kind=security-key`);
});

test("another account's passkey is not asked for", async ({ pass, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(BOB);
  await ada.authenticator.isTouched(false);
  await ada.signInByCode(ADA);
  const bobs = await ada.authenticator.passkeys();
  await ada.authenticator.isTouched(true);
  await ada.makePasskey();
  const [own] = (await ada.authenticator.passkeys()).filter(({ credentialId }) => credentialId !== bobs[0].credentialId);
  await pass('11m');
  await ada.open('/reauth?return_to=/account');
  await ada.authenticator.remove(own);

  await press(ada, 'Use your passkey');

  await expect(ada.alert).not.toBeEmpty();
  expect(await ada.whoAmI()).toBe(ADA);
});

test('whoever gives up goes back to where they were', async ({ pass, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.makePasskey();
  await pass('11m');
  await ada.open('/account/passkeys');
  await ada.page.locator(`a[href="${NEW}"]`).first().click();
  await ada.page.waitForURL(CONFIRM);

  await ada.page.getByRole('link', { name: 'Cancel' }).click();

  await ada.page.waitForURL('/account/passkeys');
});
