/*
 * The events of one boot as the seven steps that every network boot takes. Events
 * and the boot in, plain objects out: no document, no clock.
 */
import {ms} from './format.js';

export const STEPS = ['dhcp', 'rom', 'chain', 'script', 'kernel', 'initrd', 'end'];

export const TITLES = {
	dhcp: 'DHCP', rom: 'ROM', chain: 'chain', script: 'script', kernel: 'kernel',
	initrd: 'initrd', end: 'booted',
};

/** What each outcome is called where there is room for a word or two, and its colour. */
export const OUTCOMES = {
	running: {word: 'Booting', tone: 'run'},
	booted: {word: 'Booted', tone: 'ok'},
	done: {word: 'Installed', tone: 'ok'},
	local: {word: 'Local disk', tone: 'ok'},
	failed: {word: 'Did not boot', tone: 'bad'},
	quiet: {word: 'Went quiet', tone: 'warn'},
};

const ENDS = {booted: 'booted', done: 'installed', local: 'local disk'};
const GOOD = new Set(['booted', 'done', 'local']);
const TROUBLE = new Set(['failed', 'missing', 'refused', 'stalled']);
const ASIDE = new Set(['probed', 'verdict', 'state']); /* say nothing of how the step went */
const OF_FILES = new Set(['asked', 'probed', 'sent', ...TROUBLE]);
const BEGINNING = new Set(['boot', 'discover', 'offer', 'silent', 'ack', 'other-offer']);

const ROM = /(^|\/)[^/]*\.(efi|kpxe|kkpxe|kkkpxe|pxe|lkrn|usb)$|(^|\/)(ipxe|snponly)[^/]*\.0$/i;
const CHAIN = /(^|\/)(chain|autoexec)\.ipxe$/i;
const SCRIPT = /\.ipxe$/i;
const INITRD = /initr|\.(img|gz|xz|zst|cpio|squashfs|iso|wim|sdi|tgz)$|rootfs|modloop/i;
const KERNEL = /vmlinu|bzimage|kernel|(^|\/)linux|wimboot|memdisk|(^|\/)image$/i;

/** Which step a file belongs to; `seen`: steps that have begun. */
function stepOfFile(name, seen) {
	if (CHAIN.test(name))
		return 'chain';
	if (SCRIPT.test(name))
		return 'script';
	if (KERNEL.test(name))
		return 'kernel';
	if (ROM.test(name) && !seen.has('script'))
		return 'rom';
	if (INITRD.test(name))
		return 'initrd';
	if (ROM.test(name))
		return 'kernel'; /* an EFI program that the script chose */
	return seen.has('kernel') ? 'initrd' : 'kernel';
}

function stepOf(event, seen) {
	if (BEGINNING.has(event.kind))
		return 'dhcp';
	if (event.kind === 'script' || event.kind === 'local')
		return 'script';
	if (event.kind === 'done')
		return 'end';
	return OF_FILES.has(event.kind) && event.name ? stepOfFile(event.name, seen) : null;
}

/** A finished transfer is told at its end and knows how long it took. */
const beginning = (event) => ms(event.time) -
	(event.kind === 'sent' || event.kind === 'failed' ? event.ms ?? 0 : 0);

/* The latest word on a step counts: iPXE asks again after an error. */
function judge(step) {
	let state = 'done';
	for (const event of step.events) {
		if (TROUBLE.has(event.kind))
			state = 'bad';
		else if (event.kind === 'silent')
			state = 'warn';
		else if (!ASIDE.has(event.kind))
			state = 'done';
	}
	return state;
}

function gather(events) {
	const steps = new Map(STEPS.map((id) =>
		[id, {id, title: TITLES[id], events: [], state: 'ahead', began: NaN, ended: NaN, took: null}]));
	const seen = new Set();
	let last = 'dhcp';
	for (const event of events) {
		/* A good verdict is the end; a bad one belongs to the step where it got stuck. */
		last = event.kind === 'verdict' && GOOD.has(event.name) ? 'end' : stepOf(event, seen) ?? last;
		seen.add(last);
		const step = steps.get(last);
		step.events.push(event);
		if (event.kind === 'verdict')
			continue; /* comes when it has long been quiet */
		step.began = Number.isNaN(step.began) ? beginning(event) :
			Math.min(step.began, beginning(event));
		step.ended = ms(event.time);
	}
	return steps;
}

/* Between a step's last event and the next step's first the machine is at work. */
function measure(reached, boot) {
	reached.forEach((step, i) => {
		const next = reached[i + 1];
		const until = next ? Math.max(next.began, step.began) : step.ended;
		step.took = until >= step.began ? until - step.began : null;
	});
	if (boot.outcome === 'running' && reached.length > 0)
		reached.at(-1).took = null;
}

function endStep(boot, end) {
	const good = GOOD.has(boot.outcome);
	if (good) {
		end.title = ENDS[boot.outcome];
		end.state = 'done';
	}
	return good;
}

/**
 * The steps of `boot` ({outcome, began, ended, events}): {id, title, state, began, took,
 * events}, state being ahead, active, done, warn, bad or skipped, took in milliseconds
 * or null, and `at`, the step that the boot has come to.
 */
export function story(boot) {
	const steps = gather(boot.events ?? []);
	const all = [...steps.values()];
	const reached = all.filter((step) => step.events.length > 0 && step.id !== 'end');
	for (const step of reached)
		step.state = judge(step);
	reached.sort((a, b) => STEPS.indexOf(a.id) - STEPS.indexOf(b.id));
	measure(reached, boot);
	const current = reached.at(-1);
	const good = endStep(boot, steps.get('end'));
	if (current && boot.outcome === 'running' && current.state === 'done')
		current.state = 'active';
	if (current && !good && boot.outcome !== 'running' && current.state === 'done')
		current.state = boot.outcome === 'quiet' ? 'warn' : 'bad';
	for (const step of all)
		if (step.state === 'ahead' && (good || STEPS.indexOf(step.id) <
			STEPS.indexOf(current?.id ?? 'dhcp')))
			step.state = 'skipped';
	return {steps: all, at: good || !current ? 'end' : current.id};
}

/** Milliseconds from the first event to the end, or to `now` while it goes on. */
export function bootTime(boot, now) {
	const end = boot.ended ? ms(boot.ended) : now;
	return Math.max(0, end - ms(boot.began));
}
