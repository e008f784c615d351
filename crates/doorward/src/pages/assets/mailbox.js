// @ts-check
/**
 * The development mailbox: new mail appears by itself, and codes can be copied. Without it the page loads itself again.
 *
 * data-live                where the server tells of new mail
 * #mail                    what is replaced then, by what the same page has in its place
 * data-copy                a button: the id of what it copies; with data-copied, its label after that
 * .dw-later                hidden until scripts run
 */

const reveal = () => {
  for (const each of document.querySelectorAll('.dw-later')) /** @type {HTMLElement} */ (each).hidden = false;
};

/** Fetches the page again. Not by `fetch` and DOMParser: no page may turn text into markup. */
const refresh = () => {
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onload = () => {
    const [old, fresh] = [document, request.response].map((page) => page?.getElementById('mail'));
    if (request.status !== 200 || !old || !fresh) return;
    old.replaceWith(document.importNode(fresh, true));
    reveal();
  };
  request.open('GET', location.href);
  request.send();
};

const source = document.querySelector('[data-live]')?.getAttribute('data-live');
if (source) {
  const events = new EventSource(source);
  let wasAway = false;
  events.onmessage = refresh;
  events.onerror = () => (wasAway = true);
  // It may have missed some while it was away.
  events.onopen = () => {
    if (wasAway) refresh();
    wasAway = false;
  };
  // To fetch the page while it is left would take what is said once from the one that comes.
  document.addEventListener('submit', () => events.close());
}

document.addEventListener('click', async ({ target }) => {
  const button = /** @type {Element} */ (target).closest('[data-copy]');
  if (!(button instanceof HTMLElement)) return;
  const { copy = '', copied } = button.dataset;
  await navigator.clipboard.writeText(document.getElementById(copy)?.textContent ?? '');
  const label = button.querySelector('span') ?? button;
  const before = label.textContent;
  if (!copied || before === copied) return;
  label.textContent = copied;
  setTimeout(() => (label.textContent = before), 2_000);
});

reveal();
