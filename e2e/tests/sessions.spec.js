// Where somebody is signed in, and signing out there, on the pages of the account.

import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';
const LIST = '/account/sessions';

/** What browsers call themselves, by what people call them. */
const LAPTOP = {
  name: 'Chrome on macOS',
  userAgent:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
};
const PHONE = {
  name: 'Safari on iOS',
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
};
const TABLET = {
  name: 'Firefox on Android',
  userAgent: 'Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0',
};

/** Ada on each of these, signed in one after the other. */
async function signedIn(person, ...devices) {
  const people = [];
  for (const { userAgent, ...options } of devices) {
    const ada = await person({ userAgent, ...options });
    await ada.signInByCode(ADA);
    people.push(ada);
  }
  return people;
}

/** The devices on the list, as people see them. */
const rows = ({ page }) => page.locator('.dw-list > li');

/** Expects that the next page which somebody asks for is the one to sign in. */
async function isSignedOut({ page }) {
  await page.goto(LIST);
  await expect(page).toHaveURL(`/sign-in?return_to=${LIST}`);
  await expect(page.getByText('Your session ended. Sign in again to continue.')).toBeVisible();
}

test('T46 devices are listed, this one first, and each can be signed out', async ({ person }) => {
  const [laptop, phone, tablet] = await signedIn(person, LAPTOP, PHONE, TABLET);

  await laptop.open(LIST);
  await expect(rows(laptop).getByRole('heading')).toHaveText([LAPTOP.name, TABLET.name, PHONE.name]);
  await expect(rows(laptop).first()).toContainText('This device');
  await expect(laptop.page.getByText('This device')).toHaveCount(1);
  await laptop.page.getByRole('button', { name: 'Sign out Safari on iOS, 127.0.0.1' }).click();

  await expect(laptop.status).toHaveText('Signed out of Safari on iOS.');
  await expect(rows(laptop).getByRole('heading')).toHaveText([LAPTOP.name, TABLET.name]);
  await isSignedOut(phone);
  expect(await laptop.whoAmI()).toBe(ADA);
  expect(await tablet.whoAmI()).toBe(ADA);
});

test('T46 signing this device out is asked on a page of its own', async ({ person }) => {
  const [laptop] = await signedIn(person, LAPTOP);

  await laptop.open(LIST);
  await rows(laptop).getByRole('link', { name: 'Sign out Chrome on macOS, 127.0.0.1' }).click();

  await expect(laptop.page).toHaveURL('/sign-out');
});

test('T47 all other devices are signed out together, after a question', async ({ person }) => {
  const [phone, tablet, laptop] = await signedIn(person, PHONE, TABLET, LAPTOP);
  await phone.open('/account');
  await laptop.open(LIST);
  const opener = laptop.page.getByRole('link', { name: 'Sign out everywhere else' });
  const dialog = laptop.page.getByRole('dialog', { name: 'Sign out of 2 other devices?' });

  await opener.press('Enter');
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await laptop.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(opener).toBeFocused();
  await opener.press('Enter');
  await dialog.getByRole('button', { name: 'Cancel' }).press('Enter');
  await expect(dialog).toBeHidden();
  expect(await phone.whoAmI()).toBe(ADA);
  await opener.click();
  await dialog.getByRole('button', { name: 'Sign out everywhere else' }).click();

  await expect(laptop.status).toHaveText('Signed out of 2 devices.');
  await expect(rows(laptop)).toHaveCount(1);
  await isSignedOut(tablet);
  // A tab that was open all the while notices when it asks for anything.
  await phone.page.getByRole('link', { name: 'Devices' }).first().click();
  await expect(phone.page).toHaveURL(`/sign-in?return_to=${LIST}`);
  expect(await laptop.whoAmI()).toBe(ADA);
});

test('T47 a single other device is signed out at once', async ({ person }) => {
  const [phone, laptop] = await signedIn(person, PHONE, LAPTOP);

  await laptop.open(LIST);
  await laptop.page.getByRole('button', { name: 'Sign out everywhere else' }).click();

  await expect(laptop.status).toHaveText('Signed out of Safari on iOS.');
  await expect(laptop.page.getByText('Sign out everywhere else')).toHaveCount(0);
  await isSignedOut(phone);
});

test('T49 without scripts the question is a page', async ({ person }) => {
  const withoutScripts = { ...LAPTOP, scripts: false };
  const [phone, tablet, laptop] = await signedIn(person, PHONE, TABLET, withoutScripts);

  await laptop.open(LIST);
  await laptop.page.getByRole('link', { name: 'Sign out everywhere else' }).click();
  await expect(laptop.page.getByRole('heading', { level: 1 })).toHaveText('Sign out of 2 other devices?');
  await laptop.page.getByRole('button', { name: 'Sign out everywhere else' }).click();

  await expect(laptop.status).toHaveText('Signed out of 2 devices.');
  await isSignedOut(phone);
  await isSignedOut(tablet);
});

test('a sign-in that was not theirs leads people to lock everyone else out', async ({ person }) => {
  const [thief, ada] = await signedIn(person, PHONE, LAPTOP);

  await ada.open('/account/activity');
  const signIn = rows(ada).filter({ hasText: PHONE.name }).filter({ hasText: 'Signed in with an email code' });
  await signIn.getByRole('link', { name: "Wasn't you?" }).click();
  await ada.page.getByRole('button', { name: 'Sign out everywhere else' }).click();

  await expect(ada.status).toHaveText('Signed out of Safari on iOS.');
  await isSignedOut(thief);
});
