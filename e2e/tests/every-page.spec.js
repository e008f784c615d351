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
