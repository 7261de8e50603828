/* Files kept in memory, replaced while they are sent: what was freed is never sent. */
#include "tftp/served.h"

#include <time.h>

/* Not a whole number of windows of either kind below. */
#define SIZE (1662 * 512 + 100)

static struct pace *pace;

struct fetch {
	int fd;
	struct netaddr from;
	unsigned blksize, window;
	uint32_t got, acked; /* blocks */
	size_t bytes;
	bool whole;
};

static void
acknowledge(struct fetch *f)
{
	f->acked = f->got;
	ack(f->fd, &f->from, (uint16_t)f->got);
}

/* What is no next block is ignored; when no more come, the last is said again. */
static void
take(struct fetch *f, const uint8_t *packet, size_t len)
{
	struct tftp_pkt pkt;
	const uint8_t *body;

	assert_int_equal(tftp_parse(packet, len, &pkt), TFTP_FINE);
	body = pkt.data;
	assert_int_equal(pkt.op, TFTP_DATA);
	if (pkt.block != (uint16_t)(f->got + 1))
		return;
	for (size_t i = 0; i < pkt.len; i++)
		assert_int_equal(body[i], 'a');
	f->got++;
	f->bytes += pkt.len;
	f->whole = pkt.len < f->blksize;
	if (f->whole || f->got == f->acked + f->window)
		acknowledge(f);
}

static void
take_until(struct fetch *f, uint32_t block)
{
	static uint8_t packet[1 << 16];

	for (int silences = 0; f->got < block && !f->whole && silences < 100;) {
		struct pollfd p = {.fd = f->fd, .events = POLLIN};

		if (poll(&p, 1, SILENCE) == 0) {
			silences++;
			acknowledge(f);
			continue;
		}
		take(f, packet, (size_t)recv(f->fd, packet, sizeof(packet), 0));
	}
}

static void
begin(struct fetch *f, const char *name)
{
	char request[128];
	int n = sprintf(request, "%c%c%s%coctet%cblksize%c%u%cwindowsize%c%u", 0, 1, name,
		0, 0, 0, f->blksize, 0, 0, f->window);
	int size = 4 << 20;

	f->fd = client();
	if (setsockopt(f->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (int tries = 0; tries < 100; tries++)
		if (ask(f->fd, request, (size_t)n + 1, &f->from).op == TFTP_OACK)
			break;
	acknowledge(f);
}

/* Asks for the file and leaves. */
static void
look(const char *name)
{
	struct fetch f = {.blksize = 512, .window = 1};

	begin(&f, name);
	say(f.fd, &f.from, ASK("\0\5\0\3enough\0"));
	close(f.fd);
}

static void
put_bytes(const char *name, char byte)
{
	static char text[SIZE + 1];

	memset(text, byte, SIZE);
	put_file(name, text);
}

/*
 * Stopped in mid-file, the file replaced, and asked for by another, so that the transfer
 * alone has the old one: it arrives whole. The last window takes several pulls.
 */
static void
arrives_whole(const char *name, struct fetch f, uint32_t stop_at)
{
	look(name);
	look(name); /* now it is kept */
	begin(&f, name);
	take_until(&f, stop_at);
	assert_int_equal(f.got, stop_at);
	put_bytes("new", 'b');
	assert_int_equal(rename(in_sandbox("new"), in_sandbox(name)), 0);
	look(name);
	take_until(&f, UINT32_MAX);
	assert_true(f.whole);
	assert_int_equal(f.bytes, SIZE);
	close(f.fd);
}

static void
replaced_while_it_is_paced(void **state)
{
	pace = pace_new(100000000);
	start((struct tftp_config){.pace = pace});
	arrives_whole("one", (struct fetch){.blksize = 512, .window = 4}, 798);
}

static void
replaced_under_a_window_of_two_pulls(void **state)
{
	start((struct tftp_config){0});
	arrives_whole("two", (struct fetch){.blksize = 8192, .window = 64}, 63);
}

/* After each test, also one that failed. */
static int
leave(void **state)
{
	stop();
	pace_free(pace);
	pace = NULL;
	return 0;
}

/* What is to be kept in memory lies back some seconds. */
static int
set_up(void **state)
{
	struct stat st;

	if (make_sandbox(state) != 0)
		return -1;
	put_bytes("one", 'a');
	put_bytes("two", 'a');
	stat(in_sandbox("two"), &st);
	while (time(NULL) - st.st_ctim.tv_sec <= 2)
		usleep(50000);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(replaced_while_it_is_paced, leave),
		cmocka_unit_test_teardown(replaced_under_a_window_of_two_pulls, leave),
	};

	return cmocka_run_group_tests_name("changes", tests, set_up, remove_sandbox);
}
