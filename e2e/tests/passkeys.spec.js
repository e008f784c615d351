// Making passkeys and looking after them, on the pages of the account.

import { fileURLToPath } from 'node:url';
import { Authenticator, PROFILES } from '../authenticator.js';
import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';
const LIST = '/account/passkeys';
const VERIFY = '/auth/passkeys/register/verify';
const REFERENCE = '0123456789abcdef01234567';

const providers = fileURLToPath(new URL('../providers.toml', import.meta.url));
const settings = { DOORWARD_PASSKEYS__PROVIDERS_FILE: providers };
test.use({ settings });

/** The passkeys on the list, as people see them. */
const cards = ({ page }) => page.locator('.dw-list > li');

const card = (person, name) => cards(person).filter({ has: person.page.getByRole('heading', { name, exact: true }) });

/** Answers with the status of an error that a page has got from now on. */
function failures({ page }) {
  const failed = [];
  page.on('response', (response) => response.status() >= 500 && failed.push(response.url()));
  return failed;
}

/** Begins at the list to make a passkey, and presses the button. */
async function create({ page }, words = 'Create a passkey') {
  await page.goto(LIST);
  await page.getByRole('link', { name: words }).click();
  await page.getByRole('button', { name: words }).click();
}

const createOnKey = (person) => create(person, 'Use a security key');

/** The list that tells of the passkey that was made. */
const made = ({ page }) => page.waitForURL(`${LIST}?created=*`);

/** Comes back by the sign-in page with an authenticator that answers at once: the passkey in it signs in. */
async function comeBack(person) {
  await person.call('DELETE', '/auth/sessions/');
  await person.open('/sign-in?upsell=0');
  await person.page.waitForURL('/account');
}

const deleted = ({ events }) => events.filter(({ what }) => what === 'Deleted').map(({ credentialId }) => credentialId);

test('T30 a first passkey is made from the page that invites to it', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.open(LIST);
  await expect(ada.page.getByRole('heading', { name: 'Sign in without email codes' })).toBeVisible();

  await create(ada);

  await expect(ada.status).toHaveText('Passkey created. Saved in Test Vault.');
  await expect(card(ada, 'Test Vault')).toBeFocused();
  await expect(card(ada, 'Test Vault')).toHaveAccessibleDescription('Passkey created. Saved in Test Vault.');
  expect(ada.authenticator.events[0]).toMatchObject({ what: 'Added' });
});

test('T33 a second passkey in one place is none, and that is well', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await create(ada);
  await made(ada);

  await create(ada);

  await expect(ada.alert).toHaveText('You already have a passkey for Doorward here.');
  await expect(ada.alert).toHaveAttribute('data-tone', 'success');
  await expect(ada.page.getByRole('link', { name: 'Show your passkeys' })).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(cards(ada)).toHaveCount(1);
});

test('T34 a passkey that the server did not take is not left behind', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  const problem = { status: 401, code: 'passkey_failed', requestId: REFERENCE };
  await ada.page.route(VERIFY, (route) => route.fulfill({ status: 401, json: problem }));
  ada.expects(/status of 401/);

  await create(ada);

  await expect(ada.alert).toHaveText(/^We couldn't check that passkey\. You can try again\./);
  await expect.poll(() => deleted(ada.authenticator)).toHaveLength(1);
  expect(await ada.authenticator.passkeys()).toEqual([]);
  await expect(ada.page.getByRole('button', { name: 'Create a passkey' })).toBeFocused();
  await ada.open(LIST);
  await expect(cards(ada)).toHaveCount(0);
});

test('T34 a passkey that the server may have taken is left where it is', async ({ person }) => {
  const late = { status: 503, json: { status: 503, code: 'unavailable', requestId: REFERENCE } };
  const answers = {
    503: async (route) => {
      await route.fetch();
      await route.fulfill(late);
    },
    // What was sent twice: the challenge has come back before.
    401: async (route) => {
      await route.fetch();
      await route.fulfill({ response: await route.fetch() });
    },
  };
  for (const [status, answer] of Object.entries(answers)) {
    const ada = await person({ profile: 'P1' });
    await ada.signInByCode(`${status}@example.com`);
    await ada.page.route(VERIFY, answer);
    ada.expects(new RegExp(`status of ${status}`));

    await create(ada);

    await expect(ada.alert).toBeVisible();
    expect(await deleted(ada.authenticator)).toEqual([]);
    expect(await ada.authenticator.passkeys()).toHaveLength(1);
    await ada.open(LIST);
    await expect(cards(ada)).toHaveCount(1);
  }
});

test('T35 a passkey is called after who made it, as far as that is known', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await create(ada);
  await expect(ada.status).toHaveText('Passkey created. Saved in Test Vault.');

  await ada.swapAuthenticator('P3');
  await createOnKey(ada);

  await expect(ada.status).toHaveText('Passkey created.');
  await expect(card(ada, 'Security key')).toBeFocused();
  await expect(cards(ada).getByRole('heading')).toHaveText(['Security key', 'Test Vault']);
});

test('T36 badges follow what authenticators say of their passkeys', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await create(ada);
  await expect(card(ada, 'Test Vault')).toContainText('Synced');
  const [synced] = await ada.authenticator.passkeys();
  await ada.swapAuthenticator('P2');
  await create(ada);
  await expect(card(ada, 'Test Vault (2)')).toContainText('This device only');

  await ada.swapAuthenticator('P1');
  await ada.authenticator.put(synced);
  await ada.authenticator.change(synced, { backupState: false });
  await comeBack(ada);
  await ada.open(LIST);

  await expect(card(ada, 'Test Vault').locator('.dw-badge')).toHaveText(['Not backed up yet', 'Used for this session']);
  await expect(card(ada, 'Test Vault (2)').locator('.dw-badge')).toHaveText(['This device only']);
  await expect(ada.page.locator('.dw-legend dt')).toHaveText(['Not backed up yet', 'This device only']);
});

test('T37 what a passkey derives keys from stays in the page', async ({ person }) => {
  const ada = await person();
  ada.authenticator = await Authenticator.add(ada.page, { ...PROFILES.P1, ctap2Version: 'ctap2_1', hasPrf: true });
  await ada.context.addInitScript(() => {
    window.results = [];
    for (const kind of ['create', 'get']) {
      const native = navigator.credentials[kind].bind(navigator.credentials);
      navigator.credentials[kind] = async (options) => {
        const prf = { eval: { first: new Uint8Array(32) } };
        const publicKey = { ...options.publicKey, extensions: { ...options.publicKey.extensions, prf } };
        const credential = await native({ ...options, publicKey });
        const { first } = credential.getClientExtensionResults().prf?.results ?? {};
        sessionStorage.setItem(kind, first?.byteLength ?? 0);
        return credential;
      };
    }
  });
  const sent = [];
  ada.page.on('request', (request) => /verify$/.test(request.url()) && sent.push(request.postDataJSON()));

  await ada.signInByCode(ADA);
  await create(ada);
  await made(ada);
  await comeBack(ada);

  const lengths = await ada.page.evaluate(() => ['create', 'get'].map((kind) => sessionStorage.getItem(kind)));
  expect(lengths).toEqual(['32', '32']);
  expect(sent).toHaveLength(2);
  for (const body of sent) {
    expect(body.clientExtensionResults.prf).toBeDefined();
    expect(body.clientExtensionResults.prf.results).toBeUndefined();
  }
});

test('T38 whoever lets the prompt be can try again', async ({ person }) => {
  const ada = await person({ profile: 'P5' });
  await ada.context.addInitScript(() => {
    const native = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = ({ publicKey, ...options }) =>
      native({ ...options, publicKey: { ...publicKey, timeout: 200 } });
  });
  await ada.signInByCode(ADA);
  const failed = failures(ada);

  await create(ada);

  await expect(ada.alert).toHaveText('No passkey was created. You can try again.');
  await expect(ada.alert).toHaveAttribute('data-tone', 'neutral');
  const button = ada.page.getByRole('button', { name: 'Create a passkey' });
  await expect(button).toBeFocused();
  expect(await ada.authenticator.passkeys()).toEqual([]);
  await ada.authenticator.isTouched(true);
  await button.click();
  await expect(ada.status).toHaveText('Passkey created. Saved in Test Vault.');
  expect(failed).toEqual([]);
});

test('T39 a security key that cannot hold passkeys is told apart from a failure of ours', async ({ person }) => {
  const ada = await person({ profile: 'P4' });
  await ada.signInByCode(ADA);
  const failed = failures(ada);

  await createOnKey(ada);

  await expect(ada.alert).toHaveText(/^(No passkey was created|That device or key can't store passkeys)/);
  await ada.open(LIST);
  await expect(cards(ada)).toHaveCount(0);
  expect(failed).toEqual([]);
});

test('T41 a passkey is called as its owner likes, and shown so', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await create(ada);
  await made(ada);
  await ada.open(LIST);
  const rename = ada.page.getByRole('link', { name: /^Rename/ });
  const field = ada.page.getByRole('textbox', { name: 'Passkey name' });
  const name = '<b>🔑 مفتاح';

  await rename.click();
  await expect(field).toBeFocused();
  await expect(field).toHaveValue('Test Vault');
  await ada.page.keyboard.press('Escape');
  await expect(rename).toBeFocused();
  await ada.page.keyboard.press('Enter');
  ada.expects(/status of 422/);
  await field.fill('x'.repeat(65));
  await field.press('Enter');
  await expect(ada.alert).toHaveText('Use 1 to 64 characters, all of them visible.');
  await expect(ada.alert).toBeFocused();
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await expect(field).toHaveValue('x'.repeat(65));
  await field.fill(name);
  await ada.page.getByRole('button', { name: 'Save' }).click();

  await expect(ada.status).toHaveText('Passkey renamed.');
  await expect(rename).toBeFocused();
  for (const again of [false, true]) {
    if (again) await ada.page.reload();
    await expect(ada.page.getByRole('heading', { name, exact: true })).toBeVisible();
    await expect(rename).toHaveAccessibleName(`Rename ${name}`);
    await expect(ada.page.getByRole('link', { name: `Remove ${name}` })).toBeVisible();
    await expect(ada.page.locator('main b')).toHaveCount(0);
  }
});

test('T42 a passkey is removed from the keyboard, and its password manager told', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await create(ada);
  await made(ada);
  const key = await Authenticator.add(ada.page, PROFILES.P3);
  await createOnKey(ada);
  await made(ada);
  const [{ credentialId }] = await key.passkeys();
  const opener = ada.page.getByRole('link', { name: 'Remove Security key' });
  const dialog = ada.page.getByRole('dialog', { name: 'Remove “Security key”?' });
  const keep = dialog.getByRole('button', { name: 'Keep passkey' });

  await opener.focus();
  await ada.page.keyboard.press('Enter');
  await expect(dialog).toHaveAccessibleDescription(/You won't be able to sign in with it any more\. .*ask your password manager/);
  await expect(keep).toBeFocused();
  await ada.page.keyboard.press('Escape');
  await expect(opener).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(keep).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(opener).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await ada.page.keyboard.press('Tab');
  await expect(dialog.getByRole('button', { name: 'Remove passkey' })).toBeFocused();
  await ada.page.keyboard.press('Enter');

  await expect(ada.status).toHaveText('“Security key” was removed.');
  await expect(cards(ada)).toHaveCount(1);
  await expect.poll(() => deleted(key)).toEqual([credentialId]);
  expect(deleted(ada.authenticator)).toEqual([]);
});

test('T43 whoever removes their only passkey is told how they will sign in', async ({ doorward, person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await create(ada);
  await made(ada);
  await ada.open(LIST);

  await ada.page.getByRole('link', { name: 'Remove Test Vault' }).click();
  const dialog = ada.page.getByRole('dialog');
  await expect(dialog).toContainText(`You'll sign in with a code sent to ${ADA}, which is slower and can be phished.`);
  await expect(dialog.getByRole('link', { name: 'Create another one first' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Remove passkey' }).click();

  await expect(ada.status).toHaveText('“Test Vault” was removed.');
  await expect(ada.page.getByRole('heading', { name: 'Sign in without email codes' })).toBeVisible();
  await expect.poll(() => ada.authenticator.passkeys()).toEqual([]);
  const subjects = (await doorward.mail(ADA)).map(({ subject }) => subject);
  expect(subjects).toContain('A passkey was removed from your Doorward account');
  await ada.signOut();
  await ada.signInByCode(ADA);
  expect(await ada.whoAmI()).toBe(ADA);
});

test.describe('where codes do not sign in beside passkeys', () => {
  test.use({ settings: { ...settings, DOORWARD_CODES__AFTER_PASSKEY: 'deny' } });

  test('T44 the only passkey cannot be removed', async ({ person }) => {
    const ada = await person({ profile: 'P1' });
    const { id } = await ada.hasPasskey(ADA);
    await comeBack(ada);
    await ada.open(LIST);

    await ada.page.getByRole('link', { name: 'Remove Test Vault' }).click();
    const dialog = ada.page.getByRole('dialog');
    await expect(dialog).toContainText("You can't remove your only passkey. Create another one first.");
    await expect(dialog.getByRole('button')).toHaveText(['Keep passkey']);

    ada.expects(/status of 409/);
    const refused = await ada.call('DELETE', `/auth/passkeys/${id}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'last_credential' } });
  });
});

test('without scripts everything is there but making a passkey', async ({ person }) => {
  const ada = await person({ profile: 'P1' });
  await ada.signInByCode(ADA);
  await ada.makePasskey();
  const scriptless = await person({ scripts: false });
  await scriptless.signInByCode(ADA);

  await scriptless.open(LIST);
  await scriptless.page.getByRole('link', { name: 'Create a passkey' }).click();
  await expect(scriptless.page.getByRole('button', { name: 'Create a passkey' })).toBeHidden();
  await expect(scriptless.page.locator('noscript p')).toHaveText('Creating a passkey needs JavaScript.');
  await scriptless.page.getByRole('link', { name: 'Back to your passkeys' }).click();

  await scriptless.page.getByRole('link', { name: 'Rename Test Vault' }).click();
  await scriptless.page.getByLabel('Passkey name').fill('Mine');
  await scriptless.page.getByRole('button', { name: 'Save' }).click();
  await expect(scriptless.status).toHaveText('Passkey renamed.');

  await scriptless.page.getByRole('link', { name: 'Remove Mine' }).click();
  await expect(scriptless.page.getByRole('link', { name: 'Keep passkey' })).toBeFocused();
  await expect(scriptless.page.getByText('Also delete it in your password manager')).toBeVisible();
  await scriptless.page.getByRole('button', { name: 'Remove passkey' }).click();
  await expect(scriptless.status).toHaveText('“Mine” was removed.');
});

test('a browser without passkeys is told so, and can do the rest', async ({ person }) => {
  const ada = await person();
  await ada.context.addInitScript(() => delete window.PublicKeyCredential);
  await ada.signInByCode(ADA);

  await ada.open(LIST);
  await expect(ada.page.getByText("This browser can't create passkeys.")).toBeVisible();
  await ada.open('/account/passkeys/new');
  await expect(ada.alert).toHaveText("This browser can't create passkeys.");
  await expect(ada.page.getByRole('button', { name: 'Create a passkey' })).toHaveCount(0);
});
