/* Bytes into a socket: all of them, in order, and none of a file that changed. */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include <errno.h>
#include <sys/socket.h>

#include "http/send.h"

#define BIG (3 * 1024 * 1024 + 12345)

static uint8_t bytes[BIG], got[BIG + 64], scratch[SEND_COPY_MAX];

struct pipe {
	int ours, theirs;
	size_t got;
};

static struct pipe
pipe_new(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	return (struct pipe){fds[0], fds[1], 0};
}

static void
pipe_free(struct pipe *p)
{
	close(p->ours);
	close(p->theirs);
}

/* The client takes at most `max` bytes. */
static void
take(struct pipe *p, size_t max)
{
	size_t room = sizeof(got) - p->got;
	ssize_t n = recv(p->theirs, got + p->got, room < max ? room : max, MSG_DONTWAIT);

	if (n > 0)
		p->got += (size_t)n;
}

static struct content *
file(const char *name, size_t len)
{
	struct stat st;
	int fd = open(in_sandbox(name), O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fstat(fd, &st), 0);
	return content_file(fd, &st, "application/octet-stream");
}

/*
 * Sends head and content as the server does, the client taking `max` a time;
 * `change` is called once, about half way. Returns 0 or the error.
 */
static ssize_t
send_all(struct pipe *p, struct output o, size_t max, void (*change)(void))
{
	uint64_t half = o.len / 2;
	ssize_t n;
	bool more;

	while (o.head_len > 0 || o.len > 0) {
		size_t head;

		n = send_output(p->ours, &o, scratch, 256 * 1024, &more);
		if (n < 0)
			return n;
		head = (size_t)n < o.head_len ? (size_t)n : o.head_len;
		o.head += head;
		o.head_len -= head;
		o.off += (size_t)n - head;
		o.len -= (size_t)n - head;
		if (o.len == 0)
			o.content = NULL;
		take(p, max);
		if (change != NULL && o.len < half) {
			change();
			change = NULL;
		}
	}
	while (recv(p->theirs, got + p->got, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		take(p, max);
	return 0;
}

static void
every_byte_of(struct content *c, size_t off, size_t len, size_t max)
{
	struct pipe p = pipe_new();
	struct output o = {"HEAD", 4, c, off, len};

	assert_int_equal(send_all(&p, o, max, NULL), 0);
	assert_int_equal(p.got, 4 + len);
	assert_memory_equal(got, "HEAD", 4);
	assert_memory_equal(got + 4, bytes + off, len);
	pipe_free(&p);
}

static void
files_and_memory_arrive_whole(void **state)
{
	static const size_t sizes[] = {1, 1000, SEND_COPY_MAX - 1, SEND_COPY_MAX,
		SEND_COPY_MAX + 1, 100000, 1024 * 1024, BIG};
	static const size_t takes[] = {777, 65536, SIZE_MAX};

	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < COUNT(takes); j++) {
			struct content *on_disk = file("f", sizes[i]);
			struct content *in_memory =
				content_static(bytes, sizes[i], "x", "x", 0);

			every_byte_of(on_disk, 0, sizes[i], takes[j]);
			every_byte_of(
				on_disk, sizes[i] / 3, sizes[i] - sizes[i] / 3, takes[j]);
			every_byte_of(in_memory, 0, sizes[i], takes[j]);
			content_unref(on_disk);
			content_unref(in_memory);
		}
}

static void
cut_short(void)
{
	assert_int_equal(truncate(in_sandbox("f"), 100), 0);
}

static void
written_over(void)
{
	int fd = open(in_sandbox("f"), O_WRONLY);

	usleep(20000); /* past the clock tick of the kernel's file times */
	assert_int_equal(write(fd, "!", 1), 1);
	close(fd);
}

static void
removed(void)
{
	assert_int_equal(unlink(in_sandbox("f")), 0);
}

static void
a_changed_file_never_arrives_whole(void **state)
{
	static void (*const changes[])(void) = {cut_short, written_over};
	static const size_t sizes[] = {200000, BIG};

	for (size_t i = 0; i < COUNT(changes); i++)
		for (size_t j = 0; j < COUNT(sizes); j++) {
			struct content *c = file("f", sizes[j]);
			struct pipe p = pipe_new();
			struct output o = {"HEAD", 4, c, 0, sizes[j]};

			assert_int_equal(send_all(&p, o, 16384, changes[i]), -ESTALE);
			assert_true(p.got < 4 + sizes[j]);
			pipe_free(&p);
			content_unref(c);
		}
}

static void
a_removed_file_arrives_whole(void **state)
{
	struct content *c = file("f", BIG);
	struct pipe p = pipe_new();
	struct output o = {"HEAD", 4, c, 0, BIG};

	assert_int_equal(send_all(&p, o, 16384, removed), 0);
	assert_int_equal(p.got, 4 + BIG);
	assert_memory_equal(got + 4, bytes, BIG);
	pipe_free(&p);
	content_unref(c);
}

static void
fill(struct pipe *p)
{
	while (send(p->ours, bytes, 1000, 0) > 0)
		;
}

static void
drain(struct pipe *p)
{
	while (recv(p->theirs, got, sizeof(got), MSG_DONTWAIT) > 0)
		;
}

/* A pipelined request is answered while the socket is full of the answer before. */
static void
a_reply_that_had_to_wait_is_of_one_version(void **state)
{
	static const size_t sizes[] = {1000, 33000, 128 * 1024};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct content *c = file("f", sizes[i]);
		struct pipe p = pipe_new();
		struct output o = {"HEAD", 4, c, 0, sizes[i]};
		bool more;

		fill(&p);
		assert_int_equal(send_output(p.ours, &o, scratch, BIG, &more), 0);
		o.tried = true;
		written_over();
		drain(&p);
		assert_int_equal(send_output(p.ours, &o, scratch, BIG, &more), -ESTALE);
		pipe_free(&p);
		content_unref(c);
	}
}

static void
a_small_file_cut_before_it_is_sent(void **state)
{
	struct content *c = file("f", 1000);
	struct pipe p = pipe_new();
	struct output o = {"HEAD", 4, c, 0, 1000};
	bool more;

	cut_short();
	assert_int_equal(send_output(p.ours, &o, scratch, BIG, &more), -ESTALE);
	pipe_free(&p);
	content_unref(c);
}

/* A Linux client's window stays small when the packet of a long reply's head is long. */
static void
the_head_of_a_long_part_is_sent_alone(void **state)
{
	static const size_t longer[] = {128 * 1024 + 1, BIG};

	for (size_t i = 0; i < COUNT(longer); i++) {
		struct content *c = file("f", longer[i]);
		struct pipe p = pipe_new();
		struct output o = {"HEAD", 4, c, 0, longer[i]};
		bool more = false;

		assert_int_equal(send_output(p.ours, &o, scratch, BIG, &more), 4);
		assert_true(more);
		pipe_free(&p);
		content_unref(c);
	}
}

static void
a_full_socket_takes_nothing(void **state)
{
	struct content *c = content_static(bytes, BIG, "x", "x", 0);
	struct pipe p = pipe_new();
	struct output o = {"", 0, c, 0, BIG};
	bool more = true;
	ssize_t n;

	while ((n = send_output(p.ours, &o, scratch, BIG, &more)) > 0) {
		o.off += (uint64_t)n;
		o.len -= (uint64_t)n;
	}
	assert_int_equal(n, 0);
	assert_false(more);
	close(p.theirs);
	assert_int_equal(send_output(p.ours, &o, scratch, BIG, &more), -EPIPE);
	close(p.ours);
	content_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_memory_arrive_whole),
		cmocka_unit_test(a_changed_file_never_arrives_whole),
		cmocka_unit_test(a_removed_file_arrives_whole),
		cmocka_unit_test(a_reply_that_had_to_wait_is_of_one_version),
		cmocka_unit_test(a_small_file_cut_before_it_is_sent),
		cmocka_unit_test(the_head_of_a_long_part_is_sent_alone),
		cmocka_unit_test(a_full_socket_takes_nothing),
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return cmocka_run_group_tests_name(
		"http send", tests, make_sandbox, remove_sandbox);
}
