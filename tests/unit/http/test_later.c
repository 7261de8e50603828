/*
 * Answers that another thread makes, with a real server: one that comes too late, a
 * client that has left, a server that ends meanwhile. Hashing ROMs takes that long.
 */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "assets/asset.h"
#include "base/log.h"
#include "http/api.h"
#include "http/server.h"

#define ROM_BYTES (60 << 20) /* sparse; as large as is looked at */

static struct netaddr at;
static pid_t server_pid;

static void
on_term(void *loop)
{
	loop_stop(loop);
}

static int
serve(int fd, int64_t patience)
{
	struct conn_limits limits = conn_limits_default;
	struct registry *registry = registry_new(&(struct registry_config){0});
	struct site site = {.scripts = sandbox, .roms = sandbox, .registry = registry};
	struct api *api = api_new(&(struct api_options){
		.registry = registry, .site = &site, .version = "1"});
	struct loop *loop = loop_new();
	struct loop_fd term = {0};
	struct http_server *server;

	limits.stay[CONN_WAITING] = patience;
	log_init(LEVEL_ERROR);
	loop_signal(loop, &term, SIGTERM, on_term, loop);
	server = http_server_new(&(struct http_options){.loop = loop,
		.site = &site,
		.fds = &fd,
		.nfds = 1,
		.limits = &limits,
		.api = api});
	loop_run(loop);
	api_stop(api);
	http_server_free(server);
	api_free(api);
	loop_fd_del(&term);
	loop_free(loop);
	registry_free(registry);
	return 0;
}

static void
start(int64_t patience)
{
	socklen_t len = sizeof(at);
	int fd;

	netaddr_parse_host("127.0.0.1", &at);
	fd = http_listen(&at);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &at.sa, &len), 0);
	server_pid = fork();
	if (server_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(serve(fd, patience));
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
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, &at.sa, netaddr_len(&at)), 0);
	return fd;
}

static void
ask(int fd, const char *path)
{
	char text[256];
	int n = snprintf(
		text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

static void
assert_answered(int fd, const char *what)
{
	char buf[16384] = {0};

	assert_int_equal(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 60000), 1);
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	if (strstr(buf, what) == NULL)
		fail_msg("not %s but %s", what, buf);
}

static int
make_roms(void **state)
{
	if (make_sandbox(state) != 0)
		return -1;
	put_file("x.ipxe", "#!ipxe\n");
	for (size_t i = 0; i < 2; i++) {
		put_file(roms[i].name, "");
		if (truncate(in_sandbox(roms[i].name), ROM_BYTES) < 0)
			return -1;
	}
	return 0;
}

/* It is said, the connection goes on, and what comes later finds nobody. */
static void
too_late(void **state)
{
	int fd;

	start(MONO_MS(1));
	fd = dial();
	ask(fd, "/api/v1/roms");
	assert_answered(fd, "HTTP/1.1 503 Service Unavailable\r\n");
	ask(fd, "/ipxe/x.ipxe");
	assert_answered(fd, "HTTP/1.1 200 OK\r\n");
	close(fd);
	stop();
}

static void
who_left_is_not_missed(void **state)
{
	int fd;

	start(MONO_S(60));
	for (int i = 0; i < 3; i++) {
		fd = dial();
		ask(fd, "/api/v1/roms");
		close(fd);
	}
	fd = dial();
	ask(fd, "/api/v1/roms");
	assert_answered(fd, "HTTP/1.1 200 OK\r\n");
	close(fd);
	stop();
}

static void
the_server_ends_meanwhile(void **state)
{
	int fds[3];

	start(MONO_S(60));
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = dial();
		ask(fds[i], "/ipxe/x.ipxe"); /* it is up, and has heard the rest */
		assert_answered(fds[i], "HTTP/1.1 200 OK\r\n");
		ask(fds[i], "/api/v1/roms");
	}
	poll(NULL, 0, 10);
	stop();
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_late),
		cmocka_unit_test(who_left_is_not_missed),
		cmocka_unit_test(the_server_ends_meanwhile),
	};

	return cmocka_run_group_tests_name(
		"http later", tests, make_roms, remove_sandbox);
}
