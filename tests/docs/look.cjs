// Opens every page of the site in a browser: nothing is loaded from elsewhere, the console is empty, no link is dead,
// nothing is wider than a phone, and the search finds a combinator. A line for each fault; the exit status is 1 if there is one.
const fs = require("node:fs");
const path = require("node:path");
const { fileURLToPath, pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const ROOT = path.resolve(process.argv[2]);
const ROOT_URL = pathToFileURL(ROOT).href + "/";

function pages(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return pages(file);
    // The contents for browsers without scripts are a part of other pages, and what is not found is none of ours.
    return entry.name.endsWith(".html") && !["toc.html", "404.html", "print.html"].includes(entry.name) ? [file] : [];
  });
}

async function main() {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  const page = await browser.newPage({ viewport: { width: 360, height: 900 } });
  const faults = [];
  let file;
  const fault = (text) => faults.push(`${path.relative(ROOT, file)}: ${text}`);
  page.on("console", (message) => {
    if (message.type() === "error") fault(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(`error: ${error}`));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) fault(`it loads ${request.url()}`);
  });
  page.on("requestfailed", (request) => fault(`not loaded: ${request.url()}`));
  const [links, anchors] = [[], new Map()];
  const all = pages(ROOT);
  for (file of all) {
    const url = pathToFileURL(file).href;
    await page.goto(url);
    anchors.set(file, new Set(await page.$$eval("[id]", (found) => found.map((it) => it.id))));
    for (const href of await page.$$eval("a[href]", (found) => found.map((it) => it.href))) links.push([file, href]);
    const [shown, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    if (shown > window) fault(`it is ${shown} pixels wide in a window of ${window}`);
  }
  for (const [from, href] of links) {
    file = from;
    if (!href.startsWith(ROOT_URL)) {
      if (href.startsWith("file:")) fault(`a link leaves the site: ${href}`);
      continue;
    }
    const [target, anchor] = href.split("#");
    const led = fileURLToPath(target);
    if (!fs.existsSync(led)) fault(`a dead link: ${href}`);
    else if (anchor && anchors.has(led) && !anchors.get(led).has(decodeURIComponent(anchor))) fault(`no such place: ${href}`);
  }

  file = path.join(ROOT, "index.html");
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${pathToFileURL(file).href}?search=network-allow`);
  const found = await page.waitForSelector("#mdbook-searchresults a, #searchresults a", { timeout: 30000 }).catch(() => undefined);
  if (!found) fault("the search finds nothing");
  const results = await page.$$eval("#mdbook-searchresults a, #searchresults a", (all) => all.map((it) => it.href));
  if (!results.some((it) => it.includes("combinators.html"))) fault("the search does not find `network-allow` among the combinators");
  if (process.env.PICTURES) await page.screenshot({ path: path.join(process.env.PICTURES, "site.png") });
  await browser.close();
  for (const line of new Set(faults)) console.log(line);
  console.log(`${all.length} pages, ${links.length} links, ${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}

main();
