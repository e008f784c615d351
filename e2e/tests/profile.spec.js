/** The profile: a new address, the end of an account, and what no page ever shows. */

import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';
const NEW = 'lovelace@example.com';

test('T45 a new address reaches the password manager, and the old one is told', async ({ doorward, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.makePasskey();

  await ada.open('/account/profile');
  await ada.page.getByRole('link', { name: 'Change email address' }).click();
  await ada.page.getByLabel('New email address').fill(NEW);
  await ada.page.getByRole('button', { name: 'Send code' }).click();
  await ada.page.waitForURL('/account/profile/email/code');
  await ada.enterCode(await doorward.code(NEW));
  await ada.page.waitForURL('/account/profile');

  await expect(ada.status).toHaveText(`Your email address is now ${NEW}.`);
  await expect.poll(() => ada.authenticator.events.at(-1)).toMatchObject({
    what: 'Updated',
    credential: { userName: NEW, userDisplayName: NEW },
  });
  const [notice] = await doorward.mail(ADA);
  expect(notice.subject).toContain('email address was changed');
  expect(notice.text).not.toContain(NEW);
});

test('a name reaches the password manager', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.makePasskey();
  await ada.open('/account/profile');
  await ada.page.getByLabel('First name').fill('Ada');
  await ada.page.getByRole('button', { name: 'Save' }).click();

  await expect(ada.status).toHaveText('Your profile was saved.');
  await expect.poll(() => ada.authenticator.events.at(-1)).toMatchObject({
    what: 'Updated',
    credential: { userName: ADA, userDisplayName: 'Ada' },
  });
});

test('an appearance shows at once, and stays', async ({ person }) => {
  const ada = await person();
  await ada.signInByCode(ADA);
  await ada.open('/account/profile');
  const root = ada.page.locator('html');

  await ada.page.getByLabel('Dark').check();
  await expect(root).toHaveAttribute('data-theme', 'dark');
  await ada.page.getByLabel('System').check();
  await expect(root).not.toHaveAttribute('data-theme');
  await ada.page.getByLabel('Light').check();
  await ada.page.getByRole('button', { name: 'Save' }).click();

  await expect(ada.status).toHaveText('Your profile was saved.');
  await ada.open('/sign-out');
  await expect(root).toHaveAttribute('data-theme', 'light');
});

test('whoever deletes the account has no passkey of it left, and is signed out in every tab', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.makePasskey();
  const other = await ada.context.newPage();
  await other.goto('/account/profile');

  await ada.open('/account/profile/delete');
  await ada.page.getByLabel("I understand this can't be undone").check();
  await ada.page.getByRole('button', { name: 'Delete account' }).click();
  await ada.page.waitForURL('/account/deleted');

  await expect(ada.page.getByRole('heading', { level: 1 })).toHaveText('Your account was deleted');
  await expect.poll(() => ada.authenticator.passkeys()).toEqual([]);
  expect(ada.authenticator.events.at(-1).what).toBe('Deleted');
  await other.waitForURL(/\/sign-in\?return_to=/);
  expect(await ada.whoAmI()).toBeNull();
});

test('a file of what there is about someone is downloaded', async ({ person }) => {
  const ada = await person();
  await ada.signInByCode(ADA);
  await ada.open('/account/profile');
  const download = ada.page.waitForEvent('download');
  await ada.page.getByRole('link', { name: 'Download my data' }).click();
  expect((await download).suggestedFilename()).toBe('doorward-data.json');
});

const PAGES = [
  '/account',
  '/account/activity',
  '/account/passkeys',
  '/account/passkeys/new',
  '/account/profile',
  '/account/profile/data',
  '/account/profile/delete',
  '/account/profile/email',
  '/account/profile/email/code',
  '/account/sessions',
  '/account/sessions/others',
  '/sign-out',
  '/welcome/passkey',
];

const OPERATIONS = [
  '/auth/me',
  '/auth/me/events',
  '/auth/passkeys/',
  '/auth/sessions/',
  '/auth/sessions/current',
  '/auth/sessions/current/permissions',
];

// Item 71: only the answer that mints a token shows it.
test('T48 no page and no operation shows a session token', async ({ doorward, person }) => {
  const people = [];
  for (let number = 0; number < 3; number += 1) {
    people.push(await person());
    await people[number].signInByCode(ADA);
  }
  const [ada] = people;
  await ada.open('/account/profile/email');
  await ada.page.fill('#email', NEW);
  await ada.page.press('#email', 'Enter');
  await ada.page.waitForURL('/account/profile/email/code');
  await doorward.code(NEW);
  const tokens = await Promise.all(people.map(async (each) => (await each.cookies()).doorward_session.value));
  expect(new Set(tokens).size).toBe(3);
  for (const token of tokens) expect(token).toMatch(/^dw_.{70}$/);

  for (const path of [...PAGES, ...OPERATIONS]) {
    const answer = await ada.context.request.get(path, { maxRedirects: 0 });
    expect(answer.status(), path).toBe(200);
    const text = await answer.text();
    expect(tokens.filter((token) => text.includes(token)), path).toEqual([]);
    expect(text, path).not.toMatch(/dw_[0-9A-Za-z]{70}/);
  }
});

test('T49 without scripts passkeys and devices are looked after all the same', async ({ person }) => {
  const [ada, phone, plain] = [await person({ profile: 'P1' }), await person(), await person({ scripts: false })];
  await ada.signInByCode(ADA);
  await ada.makePasskey({ name: 'Laptop' });
  await phone.signInByCode(ADA);
  await plain.signInByCode(ADA);
  const { page } = plain;

  await plain.open('/account/passkeys');
  await page.getByRole('link', { name: 'Rename Laptop' }).click();
  await page.getByLabel('Passkey name').fill('Old laptop');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(plain.status).toHaveText('Passkey renamed.');
  await page.getByRole('link', { name: 'Remove Old laptop' }).click();
  const reminder = 'Also delete it in your password manager, or it will keep being offered.';
  await expect(page.getByText(reminder)).toBeVisible();
  await page.getByRole('button', { name: 'Remove passkey' }).click();
  await expect(plain.status).toHaveText('“Old laptop” was removed.');
  expect((await ada.call('GET', '/auth/passkeys/')).body).toEqual([]);

  await plain.open('/account/sessions');
  await expect(page.locator('.dw-list > li')).toHaveCount(3);
  await page.getByRole('link', { name: 'Sign out everywhere else' }).click();
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(plain.status).toHaveText('Signed out of 2 devices.');
  expect(await Promise.all([ada, phone, plain].map((each) => each.whoAmI()))).toEqual([null, null, ADA]);
});
