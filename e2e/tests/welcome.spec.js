// The offer of a passkey after a sign-in, on the pages.

import { Authenticator, PROFILES } from '../authenticator.js';
import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';
const OFFER = /\/welcome\/passkey\?/;

const press = ({ page }, name) => page.getByRole('button', { name }).click();

const heading = ({ page }, name) => page.getByRole('heading', { level: 1, name });

/** Keeps a list of the options with which pages have passkeys made from now on. */
async function watchOptions(person) {
  const seen = [];
  await person.context.exposeFunction('noteOptions', (options) => seen.push(options));
  await person.changeBrowser(() => {
    const native = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = (options) => {
      const { authenticatorSelection, hints } = options.publicKey;
      window.noteOptions({ attachment: authenticatorSelection.authenticatorAttachment, hints });
      return native(options);
    };
  });
  return seen;
}

test('T29 a passkey of another device leads to the offer of one here', async ({ person }) => {
  const ada = await person({ profile: 'P7' });
  await ada.hasPasskey(ADA);
  const phone = ada.authenticator;
  const laptop = await Authenticator.add(ada.page, PROFILES.P1);
  const seen = await watchOptions(ada);

  await ada.open('/sign-in');
  await ada.page.waitForURL(OFFER);
  await expect(heading(ada, 'Set up a passkey on this device?')).toBeVisible();
  await press(ada, 'Create a passkey');

  await expect(heading(ada, 'Passkey created')).toBeFocused();
  expect(seen).toEqual([{ attachment: 'platform', hints: ['client-device'] }]);
  expect([await phone.passkeys(), await laptop.passkeys()].map(({ length }) => length)).toEqual([1, 1]);
});

test('a first passkey is made on the way, and named', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  const seen = await watchOptions(ada);
  await ada.signInByCode(ADA, { upsell: true, returnTo: '/account/passkeys' });
  await expect(heading(ada, 'Sign in faster next time')).toBeVisible();

  await press(ada, 'Create a passkey');
  await expect(heading(ada, 'Passkey created')).toBeFocused();
  expect(seen).toEqual([{ attachment: undefined, hints: [] }]);
  await ada.page.getByLabel('Name').fill('My laptop');
  await press(ada, 'Save name');
  await expect(ada.status).toHaveText('Name saved.');
  await ada.page.getByRole('link', { name: 'Continue' }).click();

  await ada.page.waitForURL('/account/passkeys');
  await expect(ada.page.getByRole('heading', { name: 'My laptop' })).toBeVisible();
});

test('whoever makes none is told so, and goes on without', async ({ person }) => {
  const ada = await person({ profile: 'P6' });
  await ada.signInByCode(ADA, { upsell: true, returnTo: '/account/passkeys' });

  await press(ada, 'Create a passkey');
  await expect(ada.alert).toHaveText('No passkey was created. Try again, or continue without one.');
  await expect(ada.page.getByRole('button', { name: 'Create a passkey' })).toBeVisible();
  await press(ada, 'Not now');

  await ada.page.waitForURL('/account/passkeys');
});

test('a device that has a passkey already has done its part', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.hasPasskey(ADA);
  await ada.authenticator.isTouched(false);
  // The second code here.
  await ada.signInByCode(ADA, { upsell: true });
  await expect(heading(ada, 'Add a passkey for this device?')).toBeVisible();
  await ada.authenticator.isTouched(true);

  await press(ada, 'Create a passkey');
  await expect(ada.alert).toHaveText("You already have a passkey for Doorward here. You're all set.");
  await expect(ada.page.getByRole('button', { name: 'Continue' })).toBeFocused();
  await ada.page.keyboard.press('Enter');

  await ada.page.waitForURL('/account');
  await ada.authenticator.isTouched(false);
  await ada.signOut();
  await ada.signInByCode(ADA, { upsell: true });
  await ada.page.waitForURL('/account');
});

test.describe('in time', () => {
  test.use({ movableClock: true });

  test('T31 the third refusal is the last', async ({ pass, person }) => {
    const ada = await person({ profile: 'P1' });
    for (let times = 0; times < 3; times += 1) {
      await ada.signInByCode(ADA, { upsell: true });
      await ada.page.waitForURL(OFFER);
      await press(ada, 'Not now');
      await ada.page.waitForURL('/account');
      await pass('31d');
    }

    await ada.signInByCode(ADA, { upsell: true });

    await ada.page.waitForURL('/account');
    await expect(ada.page.getByRole('heading', { name: 'Sign in without email codes' })).toBeVisible();
  });
});

test('T32 a browser that cannot make a passkey is offered none', async ({ person }) => {
  const ada = await person({ profile: 'P0' });

  await ada.signInByCode(ADA, { upsell: true });

  await ada.page.waitForURL('/account');
});
