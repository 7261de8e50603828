/*
 * Server-sent events out of a stream of text (the event stream of the HTML standard,
 * as far as a server of ours sends it). Not EventSource: that hides heartbeats, and a
 * connection that died with the Wi-Fi would look alive for a quarter of an hour.
 */

/** feed(text) calls onEvent({id, event, data}) for each whole event and onBeat for comments. */
export function sseParser(onEvent, onBeat = () => {}) {
	let rest = '', id = null, event = 'message', data = [];

	function line(text) {
		if (text === '') {
			if (data.length > 0)
				onEvent({id, event, data: data.join('\n')});
			id = null;
			event = 'message';
			data = [];
			return;
		}
		const colon = text.indexOf(':');
		if (colon === 0) {
			onBeat();
			return;
		}
		const name = colon < 0 ? text : text.slice(0, colon);
		const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
		if (name === 'id')
			id = value;
		else if (name === 'event')
			event = value;
		else if (name === 'data')
			data.push(value);
	}

	return (text) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop();
		for (const each of lines)
			line(each.endsWith('\r') ? each.slice(0, -1) : each);
	};
}
