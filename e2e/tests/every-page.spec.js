// What is true of every page in every state: see `states.js`, where pages are added.

import { expect, test } from '../fixtures.js';
import { inspect, judge } from '../inspection.js';
import { SETTINGS, STATES } from '../states.js';

const NARROW = { width: 320, height: 640 };
const WIDE = { width: 1280, height: 800 };

/** How a page is looked at in English. Where the colours are the system's, they are not ours to judge. */
const LOOKS = [
  { media: { colorScheme: 'light', forcedColors: 'none' }, size: WIDE, contrast: true },
  { media: { colorScheme: 'dark', forcedColors: 'none' }, size: NARROW, contrast: true },
  { media: { colorScheme: 'dark', forcedColors: 'active' }, size: NARROW, contrast: false },
];

test.use({ settings: SETTINGS, movableClock: true });
test.setTimeout(60_000);

for (const { name, profile, scripts, expects = [], arrive } of STATES) {
  test(`T52 ${name}`, async ({ doorward, person }) => {
    const arriveIn = async (language) => {
      const ada = await person({ profile, scripts, language, viewport: WIDE });
      ada.expects(...expects);
      await arrive({ person: ada, doorward, email: `ada.${language.toLowerCase()}@example.com` });
      return ada.page;
    };

    const page = await arriveIn('en');
    for (const { media, size, contrast } of LOOKS) {
      await page.setViewportSize(size);
      await page.emulateMedia(media);
      const how = `${size.width} px, ${JSON.stringify(media)}`;
      expect.soft(await inspect(page), how).toEqual([]);
      if (scripts !== false) expect.soft(await judge(page, { contrast }), how).toEqual([]);
    }

    for (const language of ['de', 'en-XA', 'ar-XB']) {
      const page = await arriveIn(language);
      for (const size of [WIDE, NARROW]) {
        await page.setViewportSize(size);
        expect.soft(await inspect(page), `${language}, ${size.width} px`).toEqual([]);
      }
    }
  });
}

test('T52 what is wrong with a page is found', async ({ person }) => {
  const ada = await person({ viewport: WIDE });
  await ada.open('/sign-in');
  const { page } = ada;
  expect(await inspect(page)).toEqual([]);
  expect(await judge(page, { contrast: true })).toEqual([]);

  await page.evaluate(() => {
    const main = document.querySelector('main');
    const add = (name, style, text = '', to = main) => {
      const element = to.appendChild(document.createElement(name));
      element.textContent = text;
      Object.assign(element.style, style);
      return element;
    };
    // Too small, and too near to each other; without a label; hardly to be read; wider than the page.
    const near = add('div', { display: 'flex' });
    for (const text of ['a', 'b']) add('button', { padding: 0, border: 0, width: '10px', height: '10px', minHeight: 0 }, text, near);
    add('input', {});
    add('p', { color: '#ccc', background: '#fff' }, 'hardly to be read');
    add('div', { width: '3000px', height: '1px' });
    add('h1', {}, 'Another');
  });
  const told = [...(await inspect(page)), ...(await judge(page, { contrast: true }))].join('\n');
  for (const wrong of ['touch targets', 'label', 'contrast', 'px wide', 'style of its own', '2 h1']) {
    expect.soft(told.toLowerCase()).toContain(wrong);
  }
});
