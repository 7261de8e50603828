/* The server's limits and deadlines, over loopback, in a process of its own. */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"
#include "http/server.h"

#define BIG (64 * 1024 * 1024)

static struct netaddr at;
static pid_t server_pid;

static void
on_term(void *loop)
{
	loop_stop(loop);
}

static int
serve(struct http_options o, int fd)
{
	struct site site = {.scripts = sandbox};
	struct loop *loop = loop_new();
	struct loop_fd term = {0};
	struct http_server *server;

	o.loop = loop;
	o.site = &site;
	o.fds = &fd;
	o.nfds = 1;
	log_init(LEVEL_ERROR);
	loop_signal(loop, &term, SIGTERM, on_term, loop);
	server = http_server_new(&o);
	loop_run(loop);
	http_server_free(server);
	loop_fd_del(&term);
	loop_free(loop);
	return server ? 0 : 1;
}

/* `files`: RLIMIT_NOFILE of the server, 0 for ours. */
static void
start(struct http_options o, unsigned files)
{
	socklen_t len = sizeof(at);
	int fd;

	netaddr_parse_host("127.0.0.1", &at);
	fd = http_listen(&at);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &at.sa, &len), 0);
	server_pid = fork();
	if (server_pid == 0) /* a failed assertion must not leave it behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (server_pid == 0) {
		struct rlimit limit = {files, files};

		if (files)
			setrlimit(RLIMIT_NOFILE, &limit);
		exit(serve(o, fd));
	}
	close(fd);
}

static void
stop(void)
{
	int status;

	kill(server_pid, SIGTERM);
	assert_int_equal(waitpid(server_pid, &status, 0), server_pid);
	assert_int_equal(status, 0);
}

static int
dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, &at.sa, netaddr_len(&at)), 0);
	return fd;
}

static void
ask(int fd, const char *name)
{
	char text[256];
	int n = snprintf(
		text, sizeof(text), "GET /ipxe/%s HTTP/1.1\r\nHost: a\r\n\r\n", name);

	assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* Something to read, or an end, within `ms`. */
static bool
hears(int fd, int ms)
{
	return poll(&(struct pollfd){fd, POLLIN, 0}, 1, ms) == 1;
}

/* Reads to the end; returns 0 for FIN, or the errno, and how much came before it. */
static int
drain(int fd, size_t *len)
{
	static char buf[1 << 20];
	ssize_t n;

	for (*len = 0; hears(fd, 10000) && (n = recv(fd, buf, sizeof(buf), 0)) > 0;)
		*len += (size_t)n;
	return n == 0 ? 0 : errno;
}

static void
assert_answered(int fd, const char *what)
{
	char buf[1024] = {0};

	assert_true(hears(fd, 5000));
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_non_null(strstr(buf, what));
}

static void
an_idle_connection_makes_room(void **state)
{
	int a, b, c;
	size_t n;

	start((struct http_options){.connections_max = 2}, 0);
	a = dial();
	ask(a, "small");
	assert_answered(a, "hello");
	b = dial();
	ask(b, "small");
	assert_answered(b, "hello");
	c = dial();
	ask(c, "small");
	assert_answered(c, "hello");
	assert_int_equal(drain(a, &n), 0); /* the longest idle one, by FIN */
	ask(b, "small");                   /* and not the other */
	assert_answered(b, "hello");
	close(a);
	close(b);
	close(c);
	stop();
}

static void
at_the_limit_newcomers_wait(void **state)
{
	int a, b, c;

	start((struct http_options){.connections_max = 2}, 0);
	a = dial();
	ask(a, "big");
	b = dial();
	ask(b, "big");
	assert_true(hears(a, 5000) && hears(b, 5000));
	c = dial();
	ask(c, "small");
	assert_false(hears(c, 300));
	close(a);
	assert_answered(c, "hello");
	close(b);
	close(c);
	stop();
}

static void
a_greedy_address_gets_503(void **state)
{
	int a, b;
	char buf[512] = {0};

	start((struct http_options){.per_client_max = 1}, 0);
	a = dial();
	ask(a, "small");
	assert_answered(a, "hello");
	b = dial();
	assert_true(hears(b, 5000));
	assert_true(recv(b, buf, sizeof(buf) - 1, 0) > 0);
	assert_non_null(strstr(buf, "503 Service Unavailable"));
	assert_non_null(strstr(buf, "Retry-After: "));
	assert_int_equal(strlen(strstr(buf, "\r\n\r\n") + 4),
		atoi(strstr(buf, "Content-Length: ") + 16));
	close(a);
	close(b);
	stop();
}

/* Readers that do not read hold all that one address may have, and not all there are. */
static void
one_address_leaves_room_for_others(void **state)
{
	struct netaddr other;
	int fds[9], fd = socket(AF_INET, SOCK_STREAM, 0);

	start((struct http_options){.connections_max = 8}, 0);
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = dial();
		ask(fds[i], "big");
	}
	netaddr_parse_host("127.0.0.2", &other);
	assert_int_equal(bind(fd, &other.sa, netaddr_len(&other)), 0);
	assert_int_equal(connect(fd, &at.sa, netaddr_len(&at)), 0);
	ask(fd, "small");
	assert_answered(fd, "hello");
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	close(fd);
	stop();
}

static void
without_descriptors_it_recovers(void **state)
{
	int fds[40];

	start((struct http_options){.connections_max = 1000}, 24);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = dial();
	usleep(300000);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	fds[0] = dial();
	ask(fds[0], "small");
	assert_answered(fds[0], "hello");
	close(fds[0]);
	stop();
}

static const struct conn_limits hasty = {
	.stay = {[CONN_IDLE] = MONO_S(2),
		[CONN_HEAD] = MONO_S(2),
		[CONN_SENDING] = MONO_S(2),
		[CONN_LINGER] = MONO_S(2)},
	.body_max = 1000,
	.linger_max = 1000000,
	.taken_min = 1,
};

static void
deadlines(void **state)
{
	int silent, half, idle, stalled;
	size_t n;

	start((struct http_options){.limits = &hasty}, 0);
	silent = dial();
	half = dial();
	assert_int_equal(send(half, "GET /", 5, MSG_NOSIGNAL), 5);
	idle = dial();
	ask(idle, "small");
	stalled = dial();
	ask(stalled, "big");
	usleep(5000000);
	assert_int_equal(drain(silent, &n), 0);
	assert_int_equal(n, 0);
	assert_answered(half, "408 Request Timeout");
	assert_int_equal(drain(half, &n), 0);
	assert_answered(idle, "hello");
	assert_int_equal(drain(idle, &n), 0);
	assert_int_equal(drain(stalled, &n), ECONNRESET);
	assert_true(n < BIG);
	close(silent);
	close(half);
	close(idle);
	close(stalled);
	stop();
}

static void
a_changed_file_ends_in_a_reset(void **state)
{
	int fd, other;
	size_t n;

	start((struct http_options){0}, 0);
	fd = dial();
	ask(fd, "big");
	assert_true(hears(fd, 5000));
	assert_int_equal(truncate(in_sandbox("big"), BIG / 2), 0);
	other = dial();
	ask(other, "small"); /* nobody else is hurt */
	assert_answered(other, "hello");
	assert_int_equal(drain(fd, &n), ECONNRESET);
	assert_true(n < BIG / 2);
	assert_int_equal(truncate(in_sandbox("big"), BIG), 0);
	close(fd);
	close(other);
	stop();
}

static void
the_last_words_are_heard(void **state)
{
	static char junk[300000];
	char buf[64] = {0};
	int fd;
	size_t n;

	memset(junk, 'x', sizeof(junk));
	memcpy(junk, "GET /", 5);
	start((struct http_options){0}, 0);
	fd = dial();
	assert_int_equal(send(fd, junk, sizeof(junk), MSG_NOSIGNAL), sizeof(junk));
	assert_true(hears(fd, 5000));
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_non_null(strstr(buf, "414 URI Too Long"));
	assert_int_equal(drain(fd, &n), 0);
	close(fd);
	stop();
}

static void
segments_are_not_held_back(void **state)
{
	struct netaddr here;
	int listener, fd, ours, on = 0;
	socklen_t len = sizeof(here);

	netaddr_parse_host("127.0.0.1", &here);
	listener = http_listen(&here);
	assert_int_equal(getsockname(listener, &here.sa, &len), 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, &here.sa, len), 0);
	ours = accept(listener, NULL, NULL);
	len = sizeof(on);
	assert_int_equal(getsockopt(ours, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
	assert_true(on);
	close(listener);
	close(fd);
	close(ours);
}

static int
furnish(void **state)
{
	if (make_sandbox(state) != 0)
		return -1;
	put_file("small", "hello");
	put_file("big", "");
	return truncate(in_sandbox("big"), BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_connection_makes_room),
		cmocka_unit_test(at_the_limit_newcomers_wait),
		cmocka_unit_test(a_greedy_address_gets_503),
		cmocka_unit_test(one_address_leaves_room_for_others),
		cmocka_unit_test(without_descriptors_it_recovers),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(a_changed_file_ends_in_a_reset),
		cmocka_unit_test(the_last_words_are_heard),
		cmocka_unit_test(segments_are_not_held_back),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http server", tests, furnish, remove_sandbox);
}
