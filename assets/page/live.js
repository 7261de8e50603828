/*
 * The stream of what happens, for as long as the page is open: resumed where it broke
 * off, tried again at growing intervals, given up when no heartbeat comes.
 */
import {sseParser} from './sse.js';

const SILENCE_MS = 45000; /* three heartbeats */
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 10000];

/**
 * Calls on.event(name, data) for each event, on.link(state, seconds) when the connection
 * is 'connecting', 'live' or 'waiting', and on.again() (async, may throw) before it is
 * resumed after a break. Begins after event `seq`.
 */
export function live(seq, on) {
	let after = seq, failures = 0, wake = null, everLive = false;

	function take({id, event, data}) {
		if (id !== null && id !== '')
			after = Number(id);
		on.event(event, JSON.parse(data));
	}

	async function read(body, beat) {
		const reader = body.getReader(), decoder = new TextDecoder();
		const feed = sseParser(take, beat);
		for (;;) {
			const {value, done} = await reader.read();
			if (done)
				return;
			beat();
			feed(decoder.decode(value, {stream: true}));
		}
	}

	async function connect() {
		const abort = new AbortController();
		let timer = 0;
		const beat = () => {
			clearTimeout(timer);
			timer = setTimeout(() => abort.abort(), SILENCE_MS);
		};
		beat();
		try {
			if (everLive)
				await on.again();
			const reply = await fetch(`/api/v1/events?after=${after}`, {
				headers: {Accept: 'text/event-stream', 'Last-Event-ID': String(after)},
				cache: 'no-store', signal: abort.signal,
			});
			if (!reply.ok)
				throw new Error(`status ${reply.status}`);
			everLive = true;
			failures = 0;
			on.link('live');
			await read(reply.body, beat);
		} finally {
			clearTimeout(timer);
			abort.abort();
		}
	}

	function pause(ms) {
		return new Promise((resolve) => {
			wake = resolve;
			setTimeout(resolve, ms);
		});
	}

	async function forever() {
		on.link('connecting');
		for (;;) {
			await connect().catch(() => {});
			const ms = WAITS_MS[Math.min(failures++, WAITS_MS.length - 1)];
			on.link('waiting', ms / 1000);
			await pause(ms);
		}
	}

	addEventListener('online', () => wake?.());
	forever();
	return {
		/** Where to resume: after a restart of the server its numbers begin anew. */
		resumeAfter(number) {
			after = number;
		},
	};
}
