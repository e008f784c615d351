// Signing in with a code, on the pages.

import { expect, test } from '../fixtures.js';

const ADA = 'ada@example.com';

const WRONG = "That code isn't right. Check the newest email and try again.";
const LOCKED = 'Too many tries. That code no longer works.';
const EXPIRED = 'That code has expired.';

/** Codes of the same length that are not this one. */
function wrong(code, count = 1) {
  const number = Number(code.replaceAll(' ', ''));
  return Array.from({ length: count }, (_, index) => String((number + 1 + index) % 1e8).padStart(8, '0'));
}

/** The forms that pages send from now on: their addresses. */
function formsSent({ page }) {
  const forms = [];
  page.on('request', (request) => request.method() === 'POST' && forms.push(new URL(request.url()).pathname));
  return forms;
}

/** Whether a form of the page in front of somebody was submitted, from now on: known at once, before anything is sent. */
async function watchSubmits({ page }) {
  await page.evaluate(() => {
    window.submits = 0;
    addEventListener('submit', () => (window.submits += 1), { capture: true });
  });
  return () => page.evaluate(() => window.submits);
}

/** The answer to the next form that is sent there. */
function answerOf({ page }, path) {
  return page.waitForResponse((response) => {
    return response.request().method() === 'POST' && new URL(response.url()).pathname === path;
  });
}

test('T01 people sign up with a code that they type, and come to where they wanted', async ({ doorward, person }) => {
  const ada = await person();

  await ada.askForCode(ADA, { returnTo: '/account?from=shop', upsell: true });
  await ada.enterCode(await doorward.code(ADA));

  await ada.page.waitForURL('/account?from=shop');
  expect(await ada.cookies()).toHaveProperty('doorward_session');
  expect(await ada.whoAmI()).toBe(ADA);
  expect(await doorward.mail(ADA)).toHaveLength(1);
});

test('T02 there is one field, and browsers and people know that it is for the code', async ({ person }) => {
  const ada = await person();

  await ada.askForCode(ADA);

  const field = ada.page.getByRole('textbox');
  await expect(field).toHaveCount(1);
  await expect(field).toHaveAccessibleName('Sign-in code');
  await expect(field).toHaveAccessibleDescription(/^8 digits\./);
  await expect(field).toHaveAttribute('autocomplete', 'one-time-code');
  await expect(field).toHaveAttribute('inputmode', 'numeric');
  await expect(field).not.toHaveAttribute('maxlength');
  await expect(field).not.toHaveAttribute('pattern');
  await expect(field).toBeFocused();
});

test('T03 a whole message can be pasted, which sends the code in it, once', async ({ doorward, person }) => {
  const ada = await person();
  await ada.askForCode(ADA);
  const code = (await doorward.code(ADA)).replaceAll(' ', '');
  const forms = formsSent(ada);
  const answer = answerOf(ada, '/sign-in/code');

  await ada.paste(`Your code is ${code.slice(0, 4)} ${code.slice(4)}.`);

  await ada.page.waitForURL('/account');
  expect((await answer).request().postData()).toBe(`code=${code}`);
  expect(forms).toEqual(['/sign-in/code']);
});

test('T04 what is typed is sent when its owner says so', async ({ doorward, person }) => {
  const ada = await person();
  await ada.askForCode(ADA);
  const submits = await watchSubmits(ada);
  const forms = formsSent(ada);

  await ada.page.locator('#code').pressSequentially(await doorward.code(ADA));
  expect(await submits()).toBe(0);

  await ada.page.click('#code-form button');
  await ada.page.waitForURL('/account');
  expect(forms).toEqual(['/sign-in/code']);
});

test('T05 a wrong code is told where it is heard, and the next is not sent by itself', async ({ doorward, person }) => {
  const ada = await person();
  await ada.askForCode(ADA);
  const [first, second, third] = wrong(await doorward.code(ADA), 3);
  const field = ada.page.locator('#code');

  const answer = answerOf(ada, '/sign-in/code');
  await ada.enterCode(first);

  expect((await answer).status()).toBe(422);
  await expect(ada.page).toHaveTitle(/^Error: Check your email/);
  await expect(ada.alert).toHaveText(WRONG);
  await expect(ada.alert).toBeFocused();
  await expect(field).toHaveValue('');
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await expect(field).toHaveAccessibleDescription(new RegExp(`^${WRONG}`));

  await ada.enterCode(second);
  await expect(ada.alert).toHaveText(`${WRONG} 3 tries left.`);

  const submits = await watchSubmits(ada);
  await field.focus();
  await ada.paste(third);
  await expect(field).toHaveValue(third);
  expect(await submits()).toBe(0);
});

test('T06 after five wrong codes the right one is of no use', async ({ doorward, person }) => {
  const ada = await person();
  await ada.askForCode(ADA);
  const code = await doorward.code(ADA);
  for (const each of wrong(code, 5)) {
    const answer = answerOf(ada, '/sign-in/code');
    await ada.enterCode(each);
    expect((await answer).status()).toBe(422);
  }

  const answer = answerOf(ada, '/sign-in/code');
  await ada.enterCode(code);

  expect((await answer).status()).toBe(422);
  await expect(ada.alert).toHaveText(LOCKED);
  await expect(ada.page.locator('.dw-button--primary')).toHaveText('Send a new code');
  expect(await ada.whoAmI()).toBeNull();

  await ada.page.click('#resend');
  await expect(ada.status).toHaveText(`We sent a new code to ${ADA}.`);
  await ada.enterCode(await doorward.code(ADA));
  await ada.page.waitForURL('/account');
});

test.describe('later', () => {
  test.use({ movableClock: true });

  test('T07 a code that is too late is told so', async ({ doorward, pass, person }) => {
    const ada = await person();
    await ada.askForCode(ADA);
    const code = await doorward.code(ADA);
    await pass('11m');

    const answer = answerOf(ada, '/sign-in/code');
    await ada.enterCode(code);

    expect((await answer).status()).toBe(422);
    await expect(ada.alert).toHaveText(EXPIRED);
    await expect(ada.page.locator('.dw-button--primary')).toHaveText('Send a new code');
    expect(await ada.whoAmI()).toBeNull();

    await ada.page.click('#resend');
    await expect(ada.status).toHaveText(`We sent a new code to ${ADA}.`);
    await ada.enterCode(await doorward.code(ADA));
    await ada.page.waitForURL('/account');
  });

  test.describe('with the usual wait between two mails', () => {
    test.use({ settings: { DOORWARD_LIMITS__ADDRESS_INTERVAL: '30s' } });

    test('T08 the page counts down to another mail, which brings the same code', async ({ doorward, pass, person }) => {
      const ada = await person();
      await ada.page.clock.install();
      await ada.askForCode(ADA);
      const code = await doorward.code(ADA);
      const button = ada.page.locator('#resend');
      const forms = formsSent(ada);
      await ada.page.evaluate(() => {
        window.spoken = [];
        const status = document.querySelector('#status');
        const listen = new MutationObserver(() => window.spoken.push(status.textContent));
        listen.observe(status, { childList: true, subtree: true, characterData: true });
      });

      await ada.page.clock.runFor(6_000);
      await expect(button).toHaveText(/^Send a new code ?\(0:2[34]\)$/);
      await expect(button).toHaveAccessibleName('Send a new code');
      await expect(button).toHaveAttribute('aria-disabled', 'true');
      await button.click({ force: true });
      expect(forms).toEqual([]);

      await ada.page.clock.runFor(25_000);
      await expect(button).not.toHaveAttribute('aria-disabled');
      await expect(button).toHaveText('Send a new code');
      expect(await ada.page.evaluate(() => window.spoken)).toEqual(['You can ask for another code now.']);

      await pass('31s');
      await button.click();
      await expect(ada.status).toHaveText(`We sent the code again to ${ADA}.`);
      expect(await doorward.code(ADA)).toBe(code);
      await expect(button).toHaveAttribute('aria-disabled', 'true');
    });
  });
});

test('T09 after five mails in a quarter of an hour the page says how long to wait', async ({ doorward, person }) => {
  const ada = await person();
  await ada.askForCode(ADA);
  for (let mails = 1; mails < 5; mails += 1) {
    await ada.page.click('#resend');
    await expect(ada.status).toHaveText(`We sent the code again to ${ADA}.`);
    await ada.page.reload();
  }

  const answer = answerOf(ada, '/sign-in/code/resend');
  await ada.page.click('#resend');

  expect((await answer).status()).toBe(429);
  const seconds = Number(await (await answer).headerValue('retry-after'));
  await expect(ada.alert).toHaveText(`You can ask for another code in ${Math.ceil(seconds / 60)} minutes.`);
  expect(await doorward.mail(ADA)).toHaveLength(5);
});

test.describe('by invitation', () => {
  test.use({ settings: { DOORWARD_SIGN_UP: 'invite' } });

  test('T10 strangers see what the invited see, and get no mail', async ({ doorward, person }) => {
    await doorward.run('user', 'invite', ADA);
    /** What comes of asking for a code, without what is random or the time. */
    const seenBy = async (email) => {
      const somebody = await person();
      await somebody.open('/sign-in');
      const answer = answerOf(somebody, '/sign-in');
      await somebody.page.fill('#email', email);
      await somebody.page.press('#email', 'Enter');
      await somebody.page.waitForURL('/sign-in/code');
      const shown = somebody.page.waitForResponse('/sign-in/code');
      await somebody.page.reload();
      return Promise.all(
        [await answer, await shown].map(async (response) => {
          const headers = await response.headersArray();
          // How small a page gets depends on the letters of an address.
          const ours = ['date', 'x-request-id', 'content-length'];
          const told = headers.filter(({ name }) => !ours.includes(name.toLowerCase()));
          const plain = told.map(({ name, value }) => {
            return `${name}: ${name.toLowerCase() === 'set-cookie' ? value.replace(/=[^;]*/, `=${value.length}`) : value}`;
          });
          const isPage = response.status() === 200;
          return [response.status(), plain.sort(), isPage && (await response.text()).replaceAll(email, '?')];
        }),
      );
    };

    const [invited, stranger] = [await seenBy(ADA), await seenBy('bob@example.com')];

    expect(stranger).toEqual(invited);
    await doorward.code(ADA);
    expect(await doorward.mail('bob@example.com')).toEqual([]);
  });
});

test('T11 a code does not work in another browser, and still does in its own', async ({ doorward, person }) => {
  const [ada, eve] = [await person(), await person()];
  await ada.askForCode(ADA);
  const code = await doorward.code(ADA);

  await eve.open('/sign-in/code');
  await expect(eve.page).toHaveURL('/sign-in');
  await expect(eve.page.locator('.dw-notice')).toHaveText('Enter the code in the browser where you asked for it.');
  await eve.askForCode(ADA);
  await eve.enterCode(code);
  await expect(eve.alert).toHaveText(WRONG);
  expect(await eve.whoAmI()).toBeNull();

  await ada.enterCode(code);
  await ada.page.waitForURL('/account');
});

test('T12 without scripts people sign in, ask for the code again, and sign out', async ({ doorward, person }) => {
  const ada = await person({ scripts: false });
  await ada.open('/sign-in');
  await expect(ada.page.locator('#passkey-button')).toBeHidden();
  const notice = ada.page.locator('noscript p');
  await expect(notice).toBeVisible();
  await expect(notice).toHaveText('Passkeys need JavaScript. You can still sign in with an email code.');

  await ada.askForCode(ADA);
  const code = await doorward.code(ADA);
  await ada.page.click('#resend');
  await expect(ada.status).toHaveText(`We sent the code again to ${ADA}.`);
  await ada.enterCode(wrong(code)[0]);
  await expect(ada.alert).toBeFocused();
  await ada.enterCode(code);
  await ada.page.waitForURL('/account');
  expect(await ada.whoAmI()).toBe(ADA);

  await ada.signOut();
  await expect(ada.page.locator('.dw-notice').first()).toHaveText("You're signed out.");
  expect(await ada.whoAmI()).toBeNull();
});

test('T13 two clicks spend one try and open one session', async ({ doorward, person }) => {
  const ada = await person();
  await ada.askForCode(ADA);
  const code = await doorward.code(ADA);
  const forms = formsSent(ada);

  const button = ada.page.locator('#code-form button');
  for (const [each, said] of [[wrong(code, 2)[0], WRONG], [wrong(code, 2)[1], `${WRONG} 3 tries left.`]]) {
    await ada.page.locator('#code').pressSequentially(each);
    await button.dblclick();
    await expect(ada.alert).toHaveText(said);
  }
  await ada.page.locator('#code').pressSequentially(code);
  await button.dblclick();

  await ada.page.waitForURL('/account');
  expect(forms).toEqual(Array(3).fill('/sign-in/code'));
  expect((await ada.call('GET', '/auth/sessions/')).body).toHaveLength(1);
});
