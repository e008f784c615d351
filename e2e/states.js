/**
 * Every page in every state that it can be in, and how people come to see it: what is checked of all pages, and what
 * `screenshots.js` makes pictures of.
 *
 * A state has a name; what its visitor has (a `profile`, `scripts` if they are off); what their browser rightly complains
 * of (`expects`); and how they get there, by an address that nobody else has used.
 */

/** What the server is told, so that the pages show everything that they can. It needs a movable clock too. */
export const SETTINGS = {
  DOORWARD_PAGES__SUPPORT: 'help@example.com',
  DOORWARD_PAGES__PRIVACY_URL: 'https://example.com/privacy',
  DOORWARD_LIMITS__ADDRESS_INTERVAL: '30s',
};

/** An application's page, of an origin that the server lists. */
export const CLIENT = 'https://app.example.com';

/** Types codes that are not the one that was mailed. */
async function mistype({ person, doorward, email, times }) {
  const right = Number((await doorward.code(email)).replaceAll(' ', ''));
  for (let each = 1; each <= times; each += 1) {
    const answer = person.page.waitForResponse((response) => response.request().method() === 'POST');
    await person.enterCode(String((right + each) % 1e8).padStart(8, '0'));
    await answer;
    await person.alert.locator('p').waitFor();
  }
}

/** Signs in and makes passkeys, of which each is kept in another way. */
async function hasPasskeysOfEveryKind({ person, email }) {
  await person.signInByCode(email);
  await person.makePasskey({ name: 'Apple Passwords' });
  for (const [profile, name] of [['P2', 'Ada’s laptop, the one with the very long name that she gave it'], ['P3', undefined]]) {
    await person.swapAuthenticator(profile);
    await person.makePasskey({ name });
  }
}

/** Signs in so many times more, without a browser. */
async function signInElsewhere({ doorward, email, times }) {
  for (let each = 1; each <= times; each += 1) {
    const { flow } = (await doorward.call('POST', '/auth/verify', { email })).body;
    const token = await doorward.code(email);
    await doorward.call('POST', '/auth/sessions', { method: 'otp', email, token, flow });
    // The limit of one address.
    await doorward.advance('31s');
  }
}

export const STATES = [
  {
    name: 'sign-in',
    arrive: ({ person }) => person.open('/sign-in'),
  },
  {
    name: 'sign-in, from an application',
    arrive: ({ person }) => person.open(`/sign-in?return_to=${CLIENT}/`),
  },
  {
    name: 'sign-in, where a passkey was used last',
    profile: 'P5',
    arrive: async ({ person }) => {
      await person.context.addCookies([{ name: 'doorward_last_method', value: 'passkey', url: person.origin }]);
      await person.open('/sign-in');
    },
  },
  {
    name: 'sign-in, without scripts',
    scripts: false,
    arrive: ({ person }) => person.open('/sign-in'),
  },
  {
    name: 'sign-in, with an address that is none',
    arrive: async ({ person }) => {
      await person.open('/sign-in');
      await person.page.fill('#email', 'ada');
      await person.page.press('#email', 'Enter');
      await person.page.locator('#email-err').waitFor();
    },
  },
  {
    name: 'sign-in, asked too often',
    arrive: async ({ person, email }) => {
      await person.askForCode(email);
      await person.open('/sign-in');
      await person.page.fill('#email', email);
      await person.page.press('#email', 'Enter');
      await person.alert.locator('p').waitFor();
    },
  },
  {
    name: 'sign-in, waiting for a passkey',
    profile: 'P5',
    arrive: async ({ person }) => {
      await person.page.clock.install();
      await person.open('/sign-in');
      await person.page.click('#passkey-button');
      await person.page.locator('#passkey-cancel').waitFor();
      await person.page.clock.runFor('04');
      await person.page.locator('#passkey-hint').waitFor();
    },
  },
  {
    name: 'sign-in, without a passkey',
    profile: 'P1',
    arrive: async ({ person }) => {
      await person.open('/sign-in');
      await person.page.click('#passkey-button');
      await person.page.locator('#passkey-hint').waitFor();
    },
  },
  {
    name: 'sign-in, as somebody else',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/sign-in?switch=1');
    },
  },
  {
    name: 'sign-in, signed out',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.signOut();
    },
  },
  {
    name: 'sign-in/help',
    arrive: async ({ person }) => {
      await person.open('/sign-in/help');
      for (const number of [1, 2]) await person.page.locator('main summary').nth(number).click();
    },
  },
  {
    name: 'sign-in/code',
    arrive: ({ person, email }) => person.askForCode(email),
  },
  {
    name: 'sign-in/code, with what helps',
    arrive: async ({ person, doorward, email }) => {
      await person.askForCode(email);
      await doorward.advance('31s');
      await person.page.reload();
      await person.page.click('main summary');
    },
  },
  {
    name: 'sign-in/code, with a wrong code',
    arrive: async ({ person, doorward, email }) => {
      await person.askForCode(email);
      await mistype({ person, doorward, email, times: 2 });
    },
  },
  {
    name: 'sign-in/code, locked',
    arrive: async ({ person, doorward, email }) => {
      await person.askForCode(email);
      await mistype({ person, doorward, email, times: 5 });
    },
  },
  {
    name: 'sign-in/code, expired',
    arrive: async ({ person, doorward, email }) => {
      await person.askForCode(email);
      await doorward.advance('11m');
      await person.page.reload();
    },
  },
  {
    name: 'sign-in/code, sent again',
    arrive: async ({ person, doorward, email }) => {
      await person.askForCode(email);
      await doorward.advance('31s');
      await person.page.reload();
      await person.page.click('#resend');
      await person.status.locator('p').waitFor();
    },
  },
  {
    name: 'sign-in/continue',
    arrive: async ({ person, email }) => {
      await person.context.route(`${CLIENT}/**`, (route) => route.abort('aborted'));
      await person.signInByCode(email);
      await person.open(`/sign-in/continue?return_to=${CLIENT}/`);
    },
  },
  {
    name: 'sign-out',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/sign-out');
    },
  },
  {
    name: 'account',
    arrive: ({ person, email }) => person.signInByCode(email),
  },
  {
    name: 'account, with a passkey',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.makePasskey();
      await person.open('/account');
    },
  },
  {
    name: 'account/passkeys, none',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/passkeys');
    },
  },
  {
    name: 'account/passkeys, the first',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      const { id } = await person.makePasskey();
      await person.open(`/account/passkeys?created=${id}`);
    },
  },
  {
    name: 'account/passkeys, of every kind',
    profile: 'P1',
    arrive: async (who) => {
      await hasPasskeysOfEveryKind(who);
      await who.person.open('/account/passkeys');
    },
  },
  {
    name: 'account/passkeys, being renamed',
    profile: 'P1',
    arrive: async (who) => {
      await hasPasskeysOfEveryKind(who);
      const { page } = who.person;
      await page.goto('/account/passkeys');
      await page.locator('[data-rename]').first().click();
    },
  },
  {
    name: 'account/passkeys, asked whether to remove one',
    profile: 'P1',
    arrive: async (who) => {
      await hasPasskeysOfEveryKind(who);
      const { page } = who.person;
      await page.goto('/account/passkeys');
      await page.locator('[data-dialog]').first().click();
      await page.locator('dialog[open]').waitFor();
    },
  },
  {
    name: 'account/passkeys/remove, the only one',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      const { id } = await person.makePasskey();
      await person.open(`/account/passkeys/${id}/remove`);
    },
  },
  {
    name: 'account/passkeys/rename, to nothing',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      const { id } = await person.makePasskey();
      await person.open(`/account/passkeys/${id}`);
      await person.page.fill('#name', '');
      await person.page.press('#name', 'Enter');
      await person.alert.locator('p').waitFor();
    },
  },
  {
    name: 'account/passkeys/new',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/passkeys/new');
    },
  },
  {
    name: 'account/passkeys/new, not made',
    profile: 'P6',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/passkeys/new');
      await person.page.click('#create');
      await person.alert.locator('p').waitFor();
    },
  },
  {
    name: 'account/passkeys/new, without scripts',
    scripts: false,
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/passkeys/new');
    },
  },
  {
    name: 'reauth, with a passkey',
    profile: 'P1',
    arrive: async ({ person, doorward, email }) => {
      await person.signInByCode(email);
      await person.makePasskey();
      await person.authenticator.isTouched(false);
      await doorward.advance('11m');
      await person.open('/account/passkeys/new');
      await person.page.locator('#passkey-button').waitFor();
    },
  },
  {
    name: 'reauth, with a code',
    arrive: async ({ person, doorward, email }) => {
      await person.signInByCode(email);
      await doorward.advance('11m');
      await person.open('/account/passkeys/new');
    },
  },
  {
    name: 'reauth/code, with a wrong code',
    arrive: async ({ person, doorward, email }) => {
      await person.signInByCode(email);
      await doorward.advance('11m');
      await person.open('/account/passkeys/new');
      await person.page.click('#email-form button');
      await person.page.waitForURL('/reauth/code');
      await mistype({ person, doorward, email, times: 1 });
    },
  },
  {
    name: 'account/profile',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile');
    },
  },
  {
    name: 'account/profile, saved',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile');
      await person.page.fill('#first_name', 'Ada');
      await person.page.press('#first_name', 'Enter');
      await person.status.locator('p').waitFor();
    },
  },
  {
    name: 'account/sessions',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/sessions');
      await person.page.click('main summary');
    },
  },
  {
    name: 'account/sessions, with several others',
    arrive: async ({ person, doorward, email }) => {
      await signInElsewhere({ doorward, email, times: 2 });
      await person.signInByCode(email);
      await person.open('/account/sessions');
      await person.page.click('[data-dialog]');
    },
  },
  {
    name: 'account/sessions/others',
    scripts: false,
    arrive: async ({ person, doorward, email }) => {
      await signInElsewhere({ doorward, email, times: 2 });
      await person.signInByCode(email);
      await person.open('/account/sessions/others');
    },
  },
  {
    name: 'account/activity',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/activity');
    },
  },
  {
    name: 'account/activity/not-me',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/activity/not-me');
    },
  },
  {
    name: 'dev/mailbox',
    arrive: async ({ person, email }) => {
      await person.askForCode(email);
      await person.open('/dev/mailbox');
    },
  },
  {
    name: 'dev/mailbox, empty',
    arrive: async ({ person }) => {
      await person.open('/dev/mailbox');
      await person.page.click('[form=clear]');
      await person.status.locator('p').waitFor();
    },
  },
  {
    name: 'account/profile, with a name that is none',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile');
      await person.page.fill('#last_name', 'N'.repeat(65));
      await person.page.press('#last_name', 'Enter');
      await person.page.locator('#last_name-err').waitFor();
    },
  },
  {
    name: 'account/profile/email',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile/email');
    },
  },
  {
    name: 'account/profile/email, with an address that is none',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile/email');
      await person.page.fill('#email', 'ada');
      await person.page.press('#email', 'Enter');
      await person.page.locator('#email-err').waitFor();
    },
  },
  {
    name: 'account/profile/email/code',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile/email');
      await person.page.fill('#email', `new.${email}`);
      await person.page.press('#email', 'Enter');
      await person.page.waitForURL('/account/profile/email/code');
    },
  },
  {
    name: 'account/profile/delete, not sure',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile/delete');
      await person.page.click('main form button');
      await person.page.locator('#sure-err').waitFor();
    },
  },
  {
    name: 'account/deleted',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/account/profile/delete');
      await person.page.check('#sure');
      await person.page.click('main form button');
      await person.page.waitForURL('/account/deleted');
    },
  },
  {
    name: 'welcome/passkey',
    profile: 'P1',
    arrive: ({ person, email }) => person.signInByCode(email, { upsell: true }),
  },
  {
    name: 'welcome/passkey, for this device, with what helps',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email);
      await person.open('/welcome/passkey?offer=other-device');
      for (const fold of await person.page.locator('main summary').all()) await fold.click();
    },
  },
  {
    name: 'welcome/passkey, without one in the end',
    profile: 'P6',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email, { upsell: true });
      await person.page.click('#create');
      await person.alert.locator('p').waitFor();
    },
  },
  {
    name: 'welcome/passkey, created',
    profile: 'P1',
    arrive: async ({ person, email }) => {
      await person.signInByCode(email, { upsell: true });
      await person.page.click('#create');
      await person.page.waitForURL('/welcome/passkey/created?*');
    },
  },
  {
    name: 'dev/mailbox, a message',
    arrive: async ({ person, email }) => {
      await person.askForCode(email);
      await person.open('/dev/mailbox');
      await person.page.click('#mail h2 a');
      for (const number of [2, 3]) await person.page.locator('main summary').nth(number).click();
    },
  },
  {
    name: 'no such page',
    arrive: ({ person }) => person.open('/nowhere'),
  },
];
