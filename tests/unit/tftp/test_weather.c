/*
 * The session against a model client over a simulated network that loses,
 * repeats and reorders packets by seed: whatever the weather, the exact bytes
 * arrive, and what is sent stays in proportion. Simulated time, no sleeping.
 */
#include "unit.h"

#include "tftp/session.h"

#define IN_FLIGHT 16384
#define FILE_MAX 60000

/* How a client acknowledges. */
enum manner {
	LOCKSTEP, /* no window asked */
	STRICT,   /* RFC 7440: at the window's end, and once at a gap */
	EDK2,     /* at the window's end, and for each unexpected block */
	EVERY,    /* each block, whatever the window */
	MANNERS,
};

struct weather {
	unsigned seed;
	enum manner manner;
	unsigned window, blksize;
	size_t size;
	bool netascii;
	double loss, repeat;
	int64_t delay, jitter; /* µs one way */
};

struct packet {
	int64_t at;
	bool to_client;
	uint64_t order;
	uint16_t len;
	uint8_t bytes[TFTP_HEAD + 1500];
};

static struct {
	struct weather is;
	uint64_t rng, order;
	int64_t now;
	struct packet *flight[IN_FLIGHT];
	unsigned n;

	struct tftp_session s;
	bool open;
	struct tftp_out out;
	struct udp_frame frames[UDP_BURST_MAX];
	uint8_t heads[UDP_BURST_MAX][TFTP_HEAD];
	uint8_t scratch[TFTP_WINDOW_MAX * 1500];
	unsigned data_sent;

	/* The client. */
	uint64_t got; /* blocks in order */
	uint64_t window_start;
	bool answered, gap_told, done;
	int64_t wake; /* when it asks again */
	size_t received;
	uint8_t file[2 * FILE_MAX + 1];
} sim;

static uint8_t source[FILE_MAX], translated[2 * FILE_MAX];

static double
dice(void)
{
	sim.rng ^= sim.rng << 13;
	sim.rng ^= sim.rng >> 7;
	sim.rng ^= sim.rng << 17;
	return (double)(sim.rng >> 11) / (double)(UINT64_C(1) << 53);
}

static void
put_in_flight(bool to_client, const struct udp_frame *f)
{
	const struct iovec *iov = f->iov;
	struct packet *p;

	if (sim.n == IN_FLIGHT)
		fail_msg("seed %u: packets multiply", sim.is.seed);
	p = malloc(sizeof(*p));
	p->at = sim.now + sim.is.delay + (int64_t)(dice() * (double)sim.is.jitter);
	p->to_client = to_client;
	p->order = sim.order++;
	p->len = (uint16_t)(iov[0].iov_len + iov[1].iov_len);
	memcpy(p->bytes, iov[0].iov_base, iov[0].iov_len);
	if (iov[1].iov_len)
		memcpy(p->bytes + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
	sim.flight[sim.n++] = p;
}

static void
transmit(bool to_client, const struct udp_frame *f)
{
	if (dice() < sim.is.loss)
		return;
	put_in_flight(to_client, f);
	while (dice() < sim.is.repeat)
		put_in_flight(to_client, f);
}

/* The server's side. */

static void
serve(void)
{
	while (tftp_session_pull(&sim.s, &sim.out, (struct mono){sim.now}))
		for (unsigned i = 0; i < sim.out.n; i++) {
			const struct udp_frame *f = &sim.out.frames[i];

			if (((uint8_t *)f->iov[0].iov_base)[1] == TFTP_DATA)
				sim.data_sent++;
			transmit(true, f);
		}
}

static void
server_receives(const struct packet *p)
{
	static const struct tftp_terms terms = {
		.blksize_max = 1468, .window_max = TFTP_WINDOW_MAX, .min_rto = 100000};
	struct tftp_pkt pkt;

	assert_int_equal(tftp_parse(p->bytes, p->len, &pkt), TFTP_FINE);
	if (pkt.op == TFTP_RRQ && !sim.open) {
		tftp_session_open(&sim.s, &pkt.req,
			content_static(source, sim.is.size, "x", "t", 0), &terms,
			(struct mono){sim.now});
		sim.open = true;
	} else if (pkt.op == TFTP_RRQ)
		tftp_session_repeat(&sim.s, (struct mono){sim.now});
	else
		tftp_session_input(&sim.s, &pkt, (struct mono){sim.now});
	serve();
}

/* The client's side. */

static void
client_sends(const void *data, size_t len)
{
	struct udp_frame f = {.iov = {{(void *)data, len}}};

	transmit(false, &f);
	/* EDK2 waits 4 s; a second shows the same and keeps runs short. */
	sim.wake = sim.now + 1000000;
}

static void
client_acks(void)
{
	uint8_t ack[TFTP_HEAD];

	tftp_put_ack(ack, (uint16_t)sim.got);
	client_sends(ack, sizeof(ack));
}

static void
client_asks(void)
{
	struct tftp_opts opts = {.set = 1 << TFTP_BLKSIZE};
	uint8_t buf[256];
	size_t len;

	opts.value[TFTP_BLKSIZE] = sim.is.blksize;
	if (sim.is.manner != LOCKSTEP) {
		opts.set |= 1 << TFTP_WINDOWSIZE;
		opts.value[TFTP_WINDOWSIZE] = sim.is.window;
	}
	len = tftp_put_rrq(buf, sizeof(buf), "f", &opts);
	if (sim.is.netascii) { /* the builder speaks octet only */
		uint8_t mode[256] = "\0\1f\0netascii";

		memcpy(mode + 13, buf + 10, len - 10);
		memcpy(buf, mode, len += 3);
	}
	client_sends(buf, len);
}

static void
client_takes(const struct tftp_pkt *pkt)
{
	assert_true(sim.received + pkt->len <= sizeof(sim.file));
	memcpy(sim.file + sim.received, pkt->data, pkt->len);
	sim.received += pkt->len;
	sim.got++;
	sim.gap_told = false;
	sim.wake = sim.now + 1000000;
	sim.done = pkt->len < sim.is.blksize;
	if (sim.is.manner == EVERY || sim.is.manner == LOCKSTEP || sim.done ||
		sim.got - sim.window_start == sim.is.window) {
		sim.window_start = sim.got;
		client_acks();
	}
}

/* A block that is not the next: repeated, or there is a gap before it. */
static void
client_misses(uint16_t block)
{
	bool old = (uint16_t)(sim.got - block) < 0x8000;

	if (sim.is.manner == LOCKSTEP || sim.is.manner == EVERY) {
		if (old)
			client_acks();
		return;
	}
	if (sim.is.manner == STRICT && (old || sim.gap_told))
		return;
	sim.gap_told = true;
	sim.window_start = sim.got;
	client_acks();
}

static void
client_receives(const struct packet *p)
{
	struct tftp_pkt pkt;

	assert_int_equal(tftp_parse(p->bytes, p->len, &pkt), TFTP_FINE);
	if (sim.done) /* it has what it wanted, and its port is closed */
		return;
	if (pkt.op == TFTP_OACK) {
		assert_int_equal(pkt.oack.value[TFTP_BLKSIZE], sim.is.blksize);
		sim.answered = true;
		if (sim.got == 0)
			client_acks();
		return;
	}
	assert_int_equal(pkt.op, TFTP_DATA);
	/* Its OACK was overtaken or lost; block sizes are then unknown. */
	if (!sim.answered)
		return;
	if (pkt.block == (uint16_t)(sim.got + 1))
		client_takes(&pkt);
	else
		client_misses(pkt.block);
}

static void
client_wakes(void)
{
	if (!sim.answered) {
		client_asks();
		return;
	}
	sim.window_start = sim.got;
	sim.gap_told = false;
	client_acks();
}

/* Time. */

static int
next_packet(void)
{
	int best = -1;

	for (unsigned i = 0; i < sim.n; i++)
		if (best < 0 || sim.flight[i]->at < sim.flight[best]->at ||
			(sim.flight[i]->at == sim.flight[best]->at &&
				sim.flight[i]->order < sim.flight[best]->order))
			best = (int)i;
	return best;
}

static void
deliver(int i)
{
	struct packet *p = sim.flight[i];

	sim.flight[i] = sim.flight[--sim.n];
	sim.now = p->at;
	if (p->to_client)
		client_receives(p);
	else
		server_receives(p);
	free(p);
}

/* The next thing that happens; false when nothing will. */
static bool
step(void)
{
	int i = next_packet();
	int64_t packet = i < 0 ? INT64_MAX : sim.flight[i]->at;
	int64_t client = sim.done ? INT64_MAX : sim.wake;
	int64_t server = sim.open ? tftp_session_deadline(&sim.s).us : INT64_MAX;

	if (packet <= client && packet <= server && i >= 0) {
		deliver(i);
		return true;
	}
	if (client < server) {
		sim.now = client;
		client_wakes();
		return true;
	}
	if (server == INT64_MAX)
		return false;
	sim.now = server;
	tftp_session_timeout(&sim.s, (struct mono){sim.now});
	serve();
	return true;
}

static void
begin(const struct weather *weather)
{
	memset(&sim.s, 0, sizeof(sim.s));
	sim.is = *weather;
	sim.rng = 88172645463325252u + (uint64_t)weather->seed * 2654435761u;
	for (int i = 0; i < 8; i++)
		dice();
	sim.now = 1000000000;
	sim.n = sim.data_sent = 0;
	sim.open = sim.answered = sim.done = sim.gap_told = false;
	sim.got = sim.window_start = sim.received = 0;
	sim.out = (struct tftp_out){.most = UDP_BURST_MAX,
		.frames = sim.frames,
		.heads = sim.heads,
		.scratch = sim.scratch,
		.scratch_size = sizeof(sim.scratch)};
}

/*
 * Blocks sent for each block of the file: without loss hardly more than one. Each
 * loss costs at most a window from the gap on, each packet that is repeated or
 * reordered at most another.
 */
static double
fair_share(const struct weather *is)
{
	double trouble = is->loss + is->repeat + (is->jitter ? 0.5 : 0);
	unsigned window = is->manner == LOCKSTEP ? 1 : is->window;

	return (1 + is->repeat) * (1.05 + 2 * trouble * window + 4 * trouble);
}

static void
check(const uint8_t *want, size_t len)
{
	size_t blocks = len / sim.is.blksize + 1;
	double share = (double)sim.data_sent / (double)blocks;

	if (!sim.done || sim.received != len || memcmp(sim.file, want, len) != 0)
		fail_msg("seed %u: %s, %zu of %zu bytes (%s)", sim.is.seed,
			sim.done ? "wrong bytes" : "unfinished", sim.received, len,
			tftp_outcome_text(sim.s.outcome));
	if (sim.s.outcome != TFTP_DONE && sim.s.outcome != TFTP_DONE_UNCONFIRMED)
		fail_msg("seed %u: %s", sim.is.seed, tftp_outcome_text(sim.s.outcome));
	if (sim.data_sent > fair_share(&sim.is) * (double)blocks + 20 + 2 * sim.is.window)
		fail_msg("seed %u: %.2f blocks sent for each (manner %d window %u loss "
			 "%.2f repeat %.2f jitter %ld)",
			sim.is.seed, share, sim.is.manner, sim.is.window, sim.is.loss,
			sim.is.repeat, (long)sim.is.jitter);
	assert_int_equal(sim.s.state, TFTP_CLOSED);
}

static size_t
translate(size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (source[i] == '\n')
			translated[n++] = '\r';
		translated[n++] = source[i];
		if (source[i] == '\r')
			translated[n++] = '\0';
	}
	return n;
}

/* Runs one transfer to its end; returns simulated microseconds until the client had all.
 */
static int64_t
run(const struct weather *weather)
{
	int64_t began, had = 0;

	begin(weather);
	began = sim.now;
	client_asks();
	while (step())
		if (sim.done && had == 0)
			had = sim.now;
	if (weather->netascii)
		check(translated, translate(weather->size));
	else
		check(source, weather->size);
	tftp_session_free(&sim.s);
	return had - began;
}

static void
fill_source(void)
{
	uint64_t x = 1;

	for (size_t i = 0; i < sizeof(source); i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		/* Line ends are common, so that netascii has something to do. */
		source[i] =
			(uint8_t)(x >> 60) < 2 ? "\n\r"[x >> 40 & 1] : (uint8_t)(x >> 33);
	}
}

static struct weather
draw(unsigned seed)
{
	static const unsigned windows[] = {1, 2, 3, 4, 8, 16, 32, 64};
	static const unsigned blksizes[] = {8, 64, 512, 1024, 1468};
	struct weather is = {.seed = seed, .manner = seed % MANNERS};

	sim.rng = 1 + (uint64_t)seed * 11400714819323198485u;
	for (int i = 0; i < 8; i++)
		dice();
	is.window = is.manner == LOCKSTEP ? 1 : windows[(int)(dice() * 8)];
	is.blksize = blksizes[(int)(dice() * 5)];
	is.size = (size_t)(dice() * (is.blksize < 100 ? 3000 : FILE_MAX));
	is.delay = 50 + (int64_t)(dice() * 5000);
	return is;
}

static void
fair_weather_sends_each_block_once(void **state)
{
	for (unsigned seed = 0; seed < 500; seed++) {
		struct weather is = draw(seed);

		run(&is);
		assert_int_equal(sim.s.resent, 0);
		assert_int_equal(sim.s.outcome, TFTP_DONE);
	}
}

static void
losses_are_healed(void **state)
{
	for (unsigned seed = 0; seed < 1500; seed++) {
		struct weather is = draw(seed);

		is.loss = 0.01 + 0.01 * (seed % 12);
		run(&is);
	}
}

/* RFC 1123 §4.2.3.1: no Sorcerer's Apprentice. */
static void
repeated_packets_do_not_multiply(void **state)
{
	for (unsigned seed = 0; seed < 1000; seed++) {
		struct weather is = draw(seed);

		is.repeat = 0.05 + 0.02 * (seed % 10);
		run(&is);
	}
}

static void
reordered_packets_arrive_in_order(void **state)
{
	for (unsigned seed = 0; seed < 1000; seed++) {
		struct weather is = draw(seed);

		is.jitter = is.delay;
		run(&is);
	}
}

static void
all_at_once_and_in_netascii(void **state)
{
	for (unsigned seed = 0; seed < 1500; seed++) {
		struct weather is = draw(seed);

		is.netascii = seed % 3 != 0;
		is.loss = 0.02 + 0.01 * (seed % 5);
		is.repeat = 0.05;
		is.jitter = is.delay / 2;
		run(&is);
	}
}

/* A client that asks again after 1 s is healed long before, by our own timer. */
static void
two_percent_loss_costs_little_time(void **state)
{
	int64_t worst = 0, sum = 0;

	for (unsigned seed = 0; seed < 200; seed++) {
		struct weather is = {.seed = seed,
			.manner = EDK2,
			.window = 4,
			.blksize = 1468,
			.size = FILE_MAX,
			.loss = 0.02,
			.delay = 100};
		int64_t took = run(&is);

		sum += took;
		if (took > worst)
			worst = took;
	}
	assert_true(sum / 200 < 400000);
	assert_true(worst < 4000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fair_weather_sends_each_block_once),
		cmocka_unit_test(losses_are_healed),
		cmocka_unit_test(repeated_packets_do_not_multiply),
		cmocka_unit_test(reordered_packets_arrive_in_order),
		cmocka_unit_test(all_at_once_and_in_netascii),
		cmocka_unit_test(two_percent_loss_costs_little_time),
	};

	fill_source();
	return cmocka_run_group_tests_name("weather", tests, NULL, NULL);
}
