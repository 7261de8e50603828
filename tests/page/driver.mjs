/*
 * Playwright for the tests, over stdin and stdout: one JSON line asks, one answers.
 * {n, on: "browser" | page number, steps: [[method, argument…], …]} walks from the object
 * by calls and awaits the last; "open" {…} makes a page in a context of its own.
 */
import {createInterface} from 'node:readline';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

const pages = [], problems = [];
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync',
	'--disable-dev-shm-usage'];
const browser = await chromium.launch({executablePath: '/usr/bin/chromium', headless: true, args: flags});

const own = {
	async open(options) {
		const context = await browser.newContext(options);
		const page = await context.newPage(), said = [];
		page.setDefaultTimeout(40000);
		page.on('console', (line) => line.type() === 'error' && said.push(line.text()));
		page.on('pageerror', (error) => said.push(String(error)));
		problems.push(said);
		return pages.push(page) - 1;
	},
	close: (number) => pages[number].context().close(),
	problems: (number) => problems[number].splice(0),
	async axe(number) {
		const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
		await pages[number].evaluate(readFileSync(source, 'utf8'));
		const {violations} = await pages[number].evaluate(() => globalThis.axe.run());
		return violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.map((n) =>
			[n.html, n.failureSummary])}));
	},
};

/* A function comes as its source. */
const revive = (argument) => typeof argument === 'string' && /^(async )?\([^)]*\) =>/.test(argument) ?
	new Function(`return (${argument})`)() : argument;

async function walk({on, steps}) {
	if (on === 'browser')
		return own[steps[0][0]](...steps[0].slice(1));
	let at = pages[on];
	for (const [method, ...args] of steps)
		at = typeof at[method] === 'function' ? at[method](...args.map(revive)) : at[method];
	const value = await at;
	return ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value) ||
		(value && Object.getPrototypeOf(value) === Object.prototype) ? value : null;
}

const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');
say({ready: browser.version()});
for await (const line of createInterface({input: process.stdin})) {
	const ask = JSON.parse(line);
	try {
		say({n: ask.n, value: await walk(ask) ?? null});
	} catch (error) {
		say({n: ask.n, error: String(error.message ?? error)});
	}
}
await browser.close();
