// Opens the status page in Chromium, light on a desktop and dark on a phone, and prints as JSON what
// a person and axe would see. Arguments: the page's URL, Chromium's path, a text to wait for,
// a folder for pictures or nothing.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [url, chromium, awaited, pictures] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const browser = await require('playwright-core').chromium.launch({
  executablePath: chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

async function look(colorScheme, viewport) {
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  const complaints = [], requests = new Set();
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.add(request.url()));
  await page.goto(url);
  await page.getByText(awaited).first().waitFor({ timeout: 20000 });
  const session = await context.newCDPSession(page);
  const answer = await session.send('Runtime.evaluate', {
    expression: `${axe};axe.run().then((found) => JSON.stringify(found.violations.map(
      (one) => one.id + ': ' + one.nodes.map((node) => node.html).join(' '))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  if (pictures) await page.screenshot({ path: `${pictures}/${colorScheme}-${viewport.width}.png`, fullPage: true });
  const seen = await page.evaluate(() => ({
    text: document.body.innerText,
    markup: document.querySelectorAll('article b, article img').length,
    overflow: document.documentElement.scrollWidth - innerWidth,
    background: getComputedStyle(document.body).backgroundColor,
    plots: document.querySelectorAll('svg .curve').length,
  }));
  await context.close();
  return { ...seen, violations: JSON.parse(answer.result.value), complaints, requests: [...requests] };
}

const [desktop, phone] = await Promise.all([
  look('light', { width: 1280, height: 900 }),
  look('dark', { width: 360, height: 780 }),
]);
await browser.close();
console.log(JSON.stringify({ desktop, phone }));
