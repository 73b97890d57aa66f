// Opens the web page of published layers from its file in Chromium and holds it against what must be true of it.
//
// usage: node check.mjs PAGE FOLDER     The screenshots go to FOLDER.
//
// Started by a test of the crate `publish`, which ci/test-publish runs. CHROMIUM names the browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = createRequire(join(process.env.PUBLISH_TEST_NODE ?? import.meta.dirname, 'package.json'));
const { chromium } = modules('playwright-core');
const axe = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');

const [page, folder] = process.argv.slice(2);
const url = pathToFileURL(page).href;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

// A window of its own, in which every request and every complaint is noted.
async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, bypassCSP: true, ...options });
  const tab = await context.newPage();
  const noted = [];
  tab.on('request', (request) => { if (request.url() !== url) noted.push(`request: ${request.url()}`); });
  tab.on('console', (message) => { if (message.type() === 'error') noted.push(`console: ${message.text()}`); });
  tab.on('pageerror', (error) => noted.push(`error: ${error.message}`));
  await tab.goto(url);
  return { context, tab, noted };
}

async function accessible(tab, what) {
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run());
  const told = violations.map((it) => `${it.id} (${it.impact}): ${it.nodes[0].html} ${it.nodes[0].failureSummary}`);
  assert.deepEqual(told, [], `axe found something, ${what}`);
}

const shown = (tab) => tab.locator('tbody tr:visible').count();

for (const colorScheme of ['light', 'dark']) {
  const { context, tab, noted } = await open({ colorScheme });
  await accessible(tab, colorScheme);
  await tab.screenshot({ path: join(folder, `${colorScheme}.png`) });

  const all = await shown(tab);
  assert.ok(all > 100, `${all} rows`);
  await tab.getByLabel('Architecture').selectOption('arm64');
  const arm64 = await shown(tab);
  assert.ok(arm64 > 0 && arm64 < all);
  await tab.getByLabel('Runtime').selectOption('python3.12');
  await tab.getByLabel('Region').selectOption('eu-west-1');
  await tab.getByLabel('Search').fill('mediainfo ireland');
  assert.equal(await shown(tab), 1);
  assert.match(await tab.locator('#count').textContent(), new RegExp(`^1 of ${all} layer versions$`));

  const row = tab.locator('tbody tr:visible');
  const arn = await row.getAttribute('data-arn');
  await row.getByRole('button', { name: /^Show how to use/ }).click();
  assert.equal(await tab.locator('.usage:visible').count(), 5, 'the snippets of AWS');
  const snippets = await tab.locator('.usage:visible pre').allTextContents();
  for (const text of snippets) assert.ok(text.includes(arn), text);
  assert.ok(snippets[2].includes('lambda.Architecture.ARM_64'), snippets[2]);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => {});
  await row.getByRole('button', { name: /^Copy the ARN of/ }).click();
  assert.equal(await tab.evaluate(() => navigator.clipboard.readText()), arn);
  await accessible(tab, `${colorScheme}, one chosen`);
  await tab.screenshot({ path: join(folder, `${colorScheme}-chosen.png`), fullPage: true });

  await tab.getByRole('button', { name: 'Show all' }).click();
  await tab.waitForFunction((rows) => document.querySelectorAll('tbody tr:not([hidden])').length === rows, all);
  assert.deepEqual(noted, []);
  await context.close();
}

{
  const { context, tab, noted } = await open({ javaScriptEnabled: false });
  assert.equal(await tab.locator('form:visible').count(), 0, 'what does nothing is not shown');
  assert.ok(await shown(tab) > 100);
  assert.ok(await tab.getByText('arn:aws:lambda:eu-west-1:').first().isVisible());
  assert.equal(await tab.locator('.usage:visible').count(), 6);
  await tab.locator('summary').first().click();
  assert.ok(await tab.getByText('SHA-256').first().isVisible());
  await tab.screenshot({ path: join(folder, 'without-script.png') });
  assert.deepEqual(noted, []);
  await context.close();
}

{
  const { context, tab } = await open({ viewport: { width: 390, height: 800 } });
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.ok(!wide, 'a narrow screen scrolls the table and not the page');
  await tab.screenshot({ path: join(folder, 'narrow.png') });
  await context.close();
}
await browser.close();
