'use strict';
const rows = [...document.querySelectorAll('tbody tr')];
const form = document.getElementById('filters');
const search = document.getElementById('search');
const selects = [...form.querySelectorAll('select')];
const count = document.getElementById('count');
const chosen = document.getElementById('chosen');

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = (row.textContent + ' ' + row.dataset.runtimes).toLowerCase();
    const fits = words.every((word) => text.includes(word)) && selects.every((select) =>
      !select.value || (row.dataset[select.dataset.key] === select.value) ||
      (select.dataset.key === 'runtimes' && row.dataset.runtimes.split(' ').includes(select.value)));
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  count.textContent = shown === rows.length ? `${shown} layer versions` : `${shown} of ${rows.length} layer versions`;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not every browser gives a page that was opened from a file the clipboard.
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
    button.focus();
  }
  const label = button.getAttribute('aria-label');
  button.textContent = 'Copied';
  button.setAttribute('aria-label', 'Copied');
  setTimeout(() => {
    button.textContent = 'Copy';
    button.setAttribute('aria-label', label);
  }, 1500);
}

function button(text, label, action) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.setAttribute('aria-label', label);
  made.addEventListener('click', () => action(made));
  return made;
}

function use(row, pressed) {
  for (const other of document.querySelectorAll('.arn button[aria-pressed]')) other.setAttribute('aria-pressed', 'false');
  pressed.setAttribute('aria-pressed', 'true');
  for (const usage of document.querySelectorAll('.usage')) {
    usage.hidden = usage.dataset.cloud !== row.dataset.cloud;
    for (const place of usage.querySelectorAll('[data-place]')) {
      const name = place.dataset.place.replace(/-(.)/, (_, letter) => letter.toUpperCase());
      place.textContent = row.dataset[name];
    }
  }
  chosen.textContent = `With ${row.dataset.arn}:`;
  document.getElementById('use').scrollIntoView();
}

for (const row of rows) {
  const cell = row.querySelector('.arn');
  const name = `${row.dataset.layer} ${row.dataset.arch} in ${row.dataset.region}`;
  cell.append(document.createElement('br'), button('Copy', `Copy the ARN of ${name}`, (self) => copy(row.dataset.arn, self)));
  const choose = button('Use', `Show how to use ${name}`, (self) => use(row, self));
  choose.setAttribute('aria-pressed', 'false');
  cell.append(choose);
}
for (const usage of document.querySelectorAll('.usage')) {
  const heading = usage.querySelector('h3');
  const text = usage.querySelector('code');
  const name = heading.textContent;
  heading.after(button('Copy', `Copy the lines for ${name}`, (self) => copy(text.textContent, self)));
}
form.addEventListener('input', filter);
form.addEventListener('reset', () => setTimeout(filter));
form.addEventListener('submit', (event) => event.preventDefault());
form.hidden = false;
filter();
