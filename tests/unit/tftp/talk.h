/*
 * Conversations with a TFTP session, written down as they would look on the wire:
 *
 *	"> RRQ blksize=1468 tsize=0"    the client's packet (RRQ again: repeated)
 *	"> netascii blksize=1024"       a request in netascii
 *	"> ACK 3"  "> ERROR 8"
 *	"< OACK blksize=1468 tsize=9"   ours; every one must be named, in order
 *	"< DATA 1"  "< DATA 1-4"        the bytes are compared, too
 *	"< ERROR 0"
 *	"+ 500"                         so many milliseconds pass
 *	"= done"                        the outcome
 */
#ifndef PIXIE_UNIT_TALK_H
#define PIXIE_UNIT_TALK_H

#include "unit.h"

#include "tftp/session.h"

#define QUEUE 16384
#define TALK(...)                                                                        \
	talk((const char *const[]){__VA_ARGS__},                                         \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* One conversation at a time; start() before each. */
static struct {
	struct tftp_session s;
	struct tftp_terms terms;
	struct content *content;
	struct mono now;
	bool open;
	struct tftp_out out;
	struct udp_frame frames[UDP_BURST_MAX];
	uint8_t heads[UDP_BURST_MAX][TFTP_HEAD];
	uint8_t scratch[256 << 10];
	char queue[QUEUE][64]; /* what the session sent and no line has named yet */
	unsigned first, n;
} w;

/* Byte `i` of every content here; no period that a block size would hide. */
static inline uint8_t
byte_at(uint64_t i)
{
	return (uint8_t)(i * 167 + (i >> 8) * 13 + (i >> 16));
}

static inline void
start_with(struct content *content)
{
	tftp_session_free(&w.s);
	memset(&w.s, 0, sizeof(w.s));
	w.terms = (struct tftp_terms){.blksize_max = 1468,
		.window_max = TFTP_WINDOW_MAX,
		.min_rto = MONO_MS(100)};
	w.content = content;
	w.now = (struct mono){MONO_S(1000)};
	w.open = false;
	w.out = (struct tftp_out){.most = UDP_BURST_MAX,
		.frames = w.frames,
		.heads = w.heads,
		.scratch = w.scratch,
		.scratch_size = sizeof(w.scratch)};
	w.first = w.n = 0;
}

static inline void
start(size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = byte_at(i);
	start_with(content_owned(bytes, size, "x"));
}

static inline void
note_control(const struct tftp_pkt *pkt)
{
	char *line = w.queue[w.n++];
	int n;

	if (pkt->op == TFTP_ERROR) {
		sprintf(line, "ERROR %u", pkt->code);
		return;
	}
	n = sprintf(line, "OACK");
	for (int o = 0; o < TFTP_OPTIONS; o++)
		if (pkt->oack.set & 1u << o)
			n += sprintf(line + n, " %s=%llu", tftp_option_name(o),
				(unsigned long long)pkt->oack.value[o]);
}

/* The body must be what the content has there; netascii is compared elsewhere. */
static inline void
note_data(const struct tftp_pkt *pkt, const struct udp_frame *f)
{
	const uint8_t *body = f->iov[1].iov_base;
	uint64_t block = w.s.acked + (uint16_t)(pkt->block - w.s.acked);

	sprintf(w.queue[w.n++], "DATA %u", pkt->block);
	for (size_t i = 0; w.s.mode == TFTP_OCTET && i < f->iov[1].iov_len; i++)
		assert_int_equal(body[i], byte_at((block - 1) * w.s.blksize + i));
}

static inline void
collect(void)
{
	struct tftp_pkt pkt;

	while (tftp_session_pull(&w.s, &w.out, w.now))
		for (unsigned i = 0; i < w.out.n; i++) {
			const struct udp_frame *f = &w.out.frames[i];

			assert_true(w.n < QUEUE);
			assert_true(f->iov[0].iov_len + f->iov[1].iov_len <= w.out.size);
			assert_int_equal(
				tftp_parse(f->iov[0].iov_base, f->iov[0].iov_len, &pkt),
				TFTP_FINE);
			if (pkt.op == TFTP_DATA)
				note_data(&pkt, f);
			else
				note_control(&pkt);
		}
}

static inline void
expect_one(const char *line)
{
	if (w.first == w.n)
		fail_msg("nothing was sent where '%s' should be", line);
	assert_string_equal(w.queue[w.first], line);
	w.first++;
}

static inline void
expect(const char *line)
{
	unsigned from, to;
	char one[64];

	if (sscanf(line, "DATA %u-%u", &from, &to) != 2) {
		expect_one(line);
		return;
	}
	for (; from != to + 1; from++) {
		sprintf(one, "DATA %u", from % 65536);
		expect_one(one);
	}
}

static inline void
expect_no_more(const char *before)
{
	if (w.first < w.n)
		fail_msg("'%s' was sent and not expected before '%s'", w.queue[w.first],
			before);
}

static inline struct tftp_request
request_of(const char *line)
{
	struct tftp_request req = {.name = "f", .len = 1};
	char name[32];
	unsigned long long value;
	int n;

	req.mode = strncmp(line, "netascii", 8) == 0 ? TFTP_NETASCII : TFTP_OCTET;
	line += strcspn(line, " ");
	while (sscanf(line, " %31[a-z]=%llu%n", name, &value, &n) == 2) {
		enum tftp_option o = tftp_option_find(name, strlen(name));

		assert_int_not_equal(o, TFTP_OPTIONS);
		req.opts.set |= 1u << o;
		req.opts.value[o] = value;
		line += n;
	}
	return req;
}

/* Gives a packet to the session; its answer is why it was dropped, or NULL. */
static inline const char *
hear(enum tftp_opcode op, unsigned number)
{
	struct tftp_pkt pkt = {.op = op,
		.block = (uint16_t)number,
		.code = (uint16_t)number,
		.data = ""};
	const char *why = tftp_session_input(&w.s, &pkt, w.now);

	collect();
	return why;
}

static inline void
client_says(const char *line)
{
	unsigned number;

	if (sscanf(line, "ACK %u", &number) == 1)
		hear(TFTP_ACK, number);
	else if (sscanf(line, "ERROR %u", &number) == 1)
		hear(TFTP_ERROR, number);
	else if (w.open) {
		tftp_session_repeat(&w.s, w.now);
		collect();
	} else {
		struct tftp_request req = request_of(line);

		tftp_session_open(&w.s, &req, w.content, &w.terms, w.now);
		w.open = true;
		collect();
	}
}

static inline void
pass(int64_t ms)
{
	struct mono until = mono_after(w.now, MONO_MS(ms));

	while (tftp_session_deadline(&w.s).us <= until.us) {
		w.now = tftp_session_deadline(&w.s);
		tftp_session_timeout(&w.s, w.now);
		collect();
	}
	w.now = until;
}

static inline void
talk(const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *line = lines[i];

		if (*line != '<')
			expect_no_more(line);
		switch (*line) {
		case '>':
			client_says(line + 2);
			break;
		case '<':
			expect(line + 2);
			break;
		case '+':
			pass(atoi(line + 2));
			break;
		case '=':
			assert_string_equal(tftp_outcome_text(w.s.outcome), line + 2);
			break;
		default:
			fail_msg("no such line: %s", line);
		}
	}
	expect_no_more("the end");
}

#endif
