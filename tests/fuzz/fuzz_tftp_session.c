/*
 * A whole transfer with whatever a client may say and whenever. The input is a
 * request, NUL-padded to 64 bytes, and then steps: a byte says what happens, two
 * more say with which number or how much later.
 */
#include <stdlib.h>
#include <string.h>

#include "tftp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUEST 64
#define STEP 3

static uint8_t text[100000], scratch[1 << 16];

static void
require(int truth)
{
	if (!truth)
		abort();
}

static void
check(const struct tftp_session *s, const struct tftp_out *out)
{
	require(out->n >= 1 && out->n <= UDP_BURST_MAX);
	for (unsigned i = 0; i < out->n; i++) {
		const struct iovec *iov = out->frames[i].iov;
		size_t len = iov[0].iov_len + iov[1].iov_len;

		require(i + 1 < out->n ? len == out->size : len <= out->size);
	}
	if (s->state != TFTP_SENDING)
		return;
	require(s->acked < s->next && s->next <= s->high + 1 && s->high <= s->last);
	require(s->high - s->acked <= s->window);
}

static void
step(struct tftp_session *s, const uint8_t *data, struct mono *now)
{
	uint16_t number = (uint16_t)(data[1] << 8 | data[2]);
	struct tftp_pkt pkt = {.block = number, .code = number, .data = ""};

	switch (data[0] & 7) {
	case 0: /* what a good client says */
		pkt.op = TFTP_ACK;
		pkt.block = (uint16_t)(s->next - 1 - (data[2] & 3));
		tftp_session_input(s, &pkt, *now);
		break;
	case 1:
		*now = mono_after(*now, MONO_MS(number));
		break;
	case 2:
		if (tftp_session_deadline(s).us != MONO_NEVER.us)
			*now = tftp_session_deadline(s);
		break;
	case 3:
		tftp_session_repeat(s, *now);
		break;
	default: /* any packet, mostly ACKs */
		pkt.op = data[0] >> 3 > TFTP_OACK ? TFTP_ACK : data[0] >> 3;
		tftp_session_input(s, &pkt, *now);
	}
	tftp_session_timeout(s, *now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tftp_terms terms = {1468, TFTP_WINDOW_MAX, 0, MONO_MS(100)};
	static struct udp_frame frames[UDP_BURST_MAX];
	static uint8_t heads[UDP_BURST_MAX][TFTP_HEAD];
	struct tftp_out out = {.most = UDP_BURST_MAX,
		.frames = frames,
		.heads = heads,
		.scratch = scratch,
		.scratch_size = sizeof(scratch)};
	struct tftp_session s = {0};
	struct mono now = {0};
	struct tftp_pkt pkt;
	size_t at = size < REQUEST ? size : REQUEST;

	if (tftp_parse(data, at, &pkt) != TFTP_FINE || pkt.op != TFTP_RRQ)
		return 0;
	if (text[1] == 0)
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = "a\r\nb"[i * 7 / 5 % 4];
	terms.refuse = size & 15;
	tftp_session_open(&s, &pkt.req,
		content_static(text, size * 977 % sizeof(text), "x", "t", 0), &terms,
		now);
	for (; at + STEP <= size && s.state != TFTP_CLOSED; at += STEP) {
		while (tftp_session_pull(&s, &out, now)) {
			check(&s, &out);
			if (data[at] & 0x80)
				tftp_session_unsent(&s, data[at + 1] % (out.n + 1));
			if (data[at] & 0x80)
				break;
		}
		step(&s, data + at, &now);
	}
	require(s.state < TFTP_LINGERING == (s.content != NULL));
	require(s.state < TFTP_LINGERING == (s.outcome == TFTP_RUNNING));
	tftp_session_free(&s);
	return 0;
}
