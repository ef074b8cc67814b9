// Opens reports in a browser and looks for what a reader would stumble over. A line for each fault; the exit
// status is 1 if there is one.
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [360, 800, 1280];

// Boxes that overlap and do not lie in each other, and text that sticks out of its box.
function faultsOfLayout() {
  const faults = [];
  const boxes = [...document.querySelectorAll(".zone, .jail, .machine, .tile, rect")];
  const places = boxes.map((box) => box.getBoundingClientRect());
  const name = (box) => `${box.getAttribute("class")} (${(box.textContent || "").trim().slice(0, 30)})`;
  for (let i = 0; i < boxes.length; i += 1) {
    for (let j = i + 1; j < boxes.length; j += 1) {
      const [a, b] = [places[i], places[j]];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const within = (x, y) => x.left >= y.left - 1 && x.right <= y.right + 1 && x.top >= y.top - 1 && x.bottom <= y.bottom + 1;
      if (wide > 1 && high > 1 && !within(a, b) && !within(b, a)) {
        faults.push(`${name(boxes[i])} overlaps ${name(boxes[j])}`);
      }
    }
  }
  if (document.documentElement.localName === "html") {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) faults.push(`it is wider than the window of ${width} pixels`);
  }
  for (const text of document.querySelectorAll("svg text")) {
    const place = text.getBoundingClientRect();
    const inside = places.some((box) => place.left >= box.left && place.right <= box.right && place.top >= box.top && place.bottom <= box.bottom);
    if (!inside) faults.push(`the text "${text.textContent}" leaves its box`);
  }
  return faults;
}

async function look(browser, file, colours) {
  const faults = [];
  const context = await browser.newContext({ colorScheme: colours, bypassCSP: true });
  const page = await context.newPage();
  page.on("console", (message) => faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error}`));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) faults.push(`it loads ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
  const isPage = file.endsWith(".html");
  for (const width of isPage ? WIDTHS : [1280]) {
    await page.setViewportSize({ width, height: 900 });
    for (const fault of await page.evaluate(faultsOfLayout)) faults.push(`at ${width} pixels: ${fault}`);
  }
  if (isPage) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate("axe.run()");
    for (const { id, nodes } of violations) faults.push(`axe: ${id}: ${nodes[0].html.slice(0, 120)}`);
    const links = await page.$$eval("a[href^='#']", (all) => all.filter((link) => !document.getElementById(link.hash.slice(1))).length);
    if (links > 0) faults.push(`${links} links lead nowhere`);
  }
  if (process.env.PICTURES) {
    fs.mkdirSync(process.env.PICTURES, { recursive: true });
    await page.screenshot({ path: path.join(process.env.PICTURES, `${path.basename(file)}-${colours}.png`), fullPage: isPage });
  }
  await context.close();
  return faults;
}

async function main() {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  let failed = 0;
  for (const file of process.argv.slice(2)) {
    for (const colours of ["light", "dark"]) {
      const faults = await look(browser, file, colours);
      failed += faults.length;
      for (const fault of faults) console.log(`${path.basename(file)}, ${colours}: ${fault}`);
    }
  }
  await browser.close();
  console.log(`${process.argv.length - 2} reports, ${failed} faults`);
  process.exit(failed === 0 ? 0 : 1);
}

main();
