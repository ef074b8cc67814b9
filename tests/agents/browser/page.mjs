// A test as Playwright's users write them: a server, a page, a click; and what Chromium says of its sandbox.
import http from 'node:http'
import { chromium } from 'playwright-core'

const text = '<title>before</title><button onclick="document.title = 40 + 2">press</button>'
const server = http.createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(text))
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox: true })
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
await page.click('button')
await page.screenshot({ path: 'page.png' })
console.log('title', await page.title())
await page.goto('chrome://sandbox')
console.log(await page.innerText('body'))
await browser.close()
server.close()
