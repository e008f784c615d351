// The development mailbox.

import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';
const MAILBOX = '/dev/mailbox';

const askForCode = (doorward, email) => doorward.call('POST', '/auth/verify', { email });

test.describe('where mail is sent', () => {
  test.use({ settings: { DOORWARD_MAIL__MAILBOX: 'false', DOORWARD_MAIL__SMTP__HOST: 'smtp.example.com', DOORWARD_MAIL__FROM: 'auth@example.com' } });

  test('T51 there is no mailbox', async ({ person }) => {
    const ada = await person();

    for (const path of [MAILBOX, `${MAILBOX}.json`, `${MAILBOX}/events`]) {
      expect((await ada.open(path)).status(), path).toBe(404);
    }
  });
});

test('T51 new mail appears by itself, and its code is copied with one press', async ({ doorward, person }) => {
  const ada = await person();
  await ada.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await ada.open(MAILBOX);
  await expect(ada.page.getByText('Development mailbox. Nothing is being delivered.')).toBeVisible();
  await expect(ada.page.getByRole('heading', { name: 'No mail yet.' })).toBeVisible();
  await ada.page.evaluate(() => (window.isTheSame = true));

  await askForCode(doorward, ADA);

  const code = await doorward.code(ADA);
  await expect(ada.page.locator('code')).toHaveText(code);
  await askForCode(doorward, 'bob@example.com');
  await expect(ada.page.locator('code')).toHaveCount(2);
  await ada.page.getByRole('button', { name: 'Copy code' }).last().click();
  await expect(ada.page.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(code);
  expect(await ada.page.evaluate(() => window.isTheSame), 'it was not loaded again').toBe(true);

  await ada.page.getByRole('button', { name: 'Clear mailbox' }).click();
  await expect(ada.status).toHaveText('The mailbox is empty now.');
  await expect(ada.page.getByRole('heading', { name: 'No mail yet.' })).toBeVisible();
});

test('T51 of a mail no script runs, in its frame or out of it', async ({ doorward, person }) => {
  const ada = await person();
  ada.expects(/Blocked script execution/);
  await askForCode(doorward, ADA);
  const [{ id }] = await doorward.mail(ADA);
  // No mail of ours has a script; this one gets one on its way, with the headers that it came with.
  await ada.context.route(`${MAILBOX}/*/html`, async (route) => {
    const response = await route.fetch();
    const body = `${await response.text()}<script>document.body.textContent = document.title = 'ran'</script>`;
    await route.fulfill({ response, body });
  });

  await ada.open(`${MAILBOX}/${id}`);
  await expect(ada.page.frameLocator('iframe').getByText(await doorward.code(ADA))).toBeVisible();
  await ada.open(`${MAILBOX}/${id}/html`);

  await expect(ada.page.getByText('It works once')).toBeVisible();
  await expect(ada.page).not.toHaveTitle('ran');
});

test('T51 without scripts the mailbox loads itself again', async ({ doorward, person }) => {
  const ada = await person({ scripts: false });
  await ada.open(MAILBOX);

  await askForCode(doorward, ADA);

  await expect(ada.page.locator('code')).toHaveText(await doorward.code(ADA), { timeout: 10_000 });
  await expect(ada.page.getByRole('button', { name: 'Copy code' })).toBeHidden();
});
