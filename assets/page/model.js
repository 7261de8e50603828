/*
 * All machines as the page knows them. What pixie tells goes in, sorted and filtered
 * lists come out; no document here.
 */
import {ms} from './format.js';
import {OUTCOMES} from './story.js';

export const GROUPS = [
	['all', 'All'], ['booting', 'Booting'], ['trouble', 'Trouble'], ['booted', 'Booted'],
];

export function groupOf(machine) {
	switch (machine.boot?.outcome) {
	case 'running':
		return 'booting';
	case 'failed':
	case 'quiet':
		return 'trouble';
	case 'booted':
	case 'done':
	case 'local':
		return 'booted';
	default:
		return 'seen';
	}
}

const bare = (text) => text.replace(/[-:.]/g, '');

/* What a search looks through. A MAC is found however it is written. */
function haystack(m) {
	const macs = [m.id, ...m.macs ?? []].filter(Boolean);
	return [
		...macs, ...macs.map((mac) => mac.replaceAll('-', ':')), ...macs.map(bare),
		m.address, m.vendor, m.product, m.serial, m.uuid, m.arch_name, m.firmware, m.script,
		m.state, m.boot?.verdict?.text, OUTCOMES[m.boot?.outcome]?.word,
	].filter(Boolean).join('\n').toLowerCase();
}

/* Events after which a machine has more to it than they say: an outcome, a maker, a state. */
const TELLING = new Set(['boot', 'verdict', 'state', 'done', 'local', 'script', 'missing']);
/* Those that are not of the machine's doing: it is not seen by them. */
const OURS = new Set(['verdict', 'state', 'stalled', 'failed']);
const isMenu = (event) => event.kind === 'sent' && /(chain|autoexec)\.ipxe$/.test(event.name);

/* Compares addresses so that .9 comes before .10. */
const byAddress = new Intl.Collator('en', {numeric: true});

const ORDERS = {
	boot: (a, b) => b.at - a.at,
	trouble: (a, b) => rank(a) - rank(b) || b.at - a.at,
	address: (a, b) => byAddress.compare(a.m.address ?? '~', b.m.address ?? '~'),
	mac: (a, b) => a.m.id < b.m.id ? -1 : 1,
};
const rank = (entry) => ['trouble', 'booting', 'booted', 'seen'].indexOf(entry.group);

function stub(event) {
	return {
		id: event.id, mac: null, macs: [], state: 'boot', once_used: false, boot: null, transfers: [],
		first_seen: null, last_seen: null,
	};
}

function entryOf(m) {
	/* `at` orders by newest boot: a list that follows every packet cannot be read. */
	return {
		m, group: groupOf(m), hay: haystack(m), at: ms(m.boot?.began ?? m.last_seen) || 0,
		transfers: [],
	};
}

export class Model {
	constructor() {
		this.entries = new Map();
		this.moving = new Set(); /* ids with a transfer under way */
		this.changes = 0; /* how often the order of machines may have changed */
	}

	get size() {
		return this.entries.size;
	}

	machine(id) {
		return this.entries.get(id)?.m;
	}

	transfers(id) {
		return this.entries.get(id)?.transfers ?? [];
	}

	load(machines) {
		this.entries = new Map();
		this.moving = new Set();
		this.changes++;
		for (const m of machines)
			this.put(m);
	}

	put(m) {
		const entry = entryOf(m);
		this.entries.set(m.id, entry);
		this.#move(m.id, entry, m.transfers ?? []);
		this.changes++;
	}

	#move(id, entry, transfers) {
		entry.transfers = transfers;
		if (transfers.length > 0)
			this.moving.add(id);
		else
			this.moving.delete(id);
	}

	/** Takes an event in. Returns whether the machine should be asked for again. */
	take(event) {
		if (!event.id)
			return false;
		this.changes++;
		const entry = this.entries.get(event.id) ?? entryOf(stub(event));
		const known = this.entries.has(event.id), m = entry.m;
		this.entries.set(event.id, entry);
		if (!OURS.has(event.kind))
			m.last_seen = event.time;
		this.#told(entry, m, event);
		entry.group = groupOf(m);
		return !known || TELLING.has(event.kind) || isMenu(event);
	}

	#told(entry, m, event) {
		if (event.kind === 'boot') {
			m.boot = {number: event.boot, began: event.time, ended: null, outcome: 'running',
				verdict: null};
			entry.at = ms(event.time) || entry.at;
		} else if (event.kind === 'state') {
			m.state = event.name;
			m.state_by = event.text;
			m.once_used = false;
		} else if (event.kind === 'script') {
			m.script = event.name;
		} else if (event.kind === 'verdict' && m.boot) {
			m.boot.verdict = {...m.boot.verdict, code: event.name, text: event.text};
		}
		if (['sent', 'failed', 'probed'].includes(event.kind))
			this.#move(m.id, entry, entry.transfers.filter((t) => t.name !== event.name));
	}

	/** What moves now; unless there is `more`, what is not among them has ended. */
	progress(transfers, more = false) {
		const by = grouped(transfers);
		for (const id of more ? [] : [...this.moving])
			if (!by.has(id))
				this.#move(id, this.entries.get(id), []);
		for (const [id, list] of by) {
			const entry = this.entries.get(id);
			if (entry && list.some((t) => t.rate > 0))
				entry.m.last_seen = new Date().toISOString();
			if (entry)
				this.#move(id, entry, list);
		}
	}

	counts() {
		const counts = {all: this.entries.size, booting: 0, trouble: 0, booted: 0, seen: 0};
		for (const entry of this.entries.values())
			counts[entry.group]++;
		return counts;
	}

	/** The entries to show, in order. Every word of the query must be found. */
	list({query = '', group = 'all', order = 'boot'}) {
		const words = query.toLowerCase().split(/\s+/).filter(Boolean);
		const found = [];
		for (const entry of this.entries.values())
			if ((group === 'all' || entry.group === group) &&
				words.every((word) => entry.hay.includes(word)))
				found.push(entry);
		return found.sort(ORDERS[order] ?? ORDERS.boot);
	}
}

function grouped(transfers) {
	const by = new Map();
	for (const t of transfers) {
		if (!by.has(t.id))
			by.set(t.id, []);
		by.get(t.id).push(t);
	}
	return by;
}
