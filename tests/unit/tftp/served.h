/* A server in a process of its own, on loopback, and clients that speak to it. */
#ifndef PIXIE_UNIT_SERVED_H
#define PIXIE_UNIT_SERVED_H

#include "boot/sandbox.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"
#include "sys/udp.h"
#include "tftp/server.h"
#include "wire/tftp_pkt.h"

#define RRQ "\0\1"
#define ASK(s) (s), sizeof(s) - 1
#define SILENCE 150  /* ms without an answer that count as none */
#define ANSWER 20000 /* ms until one that is due counts as missing, not as late */

static struct netaddr at;
static pid_t server_pid;

static inline void
on_term(void *loop)
{
	loop_stop(loop);
}

static inline int
serve(struct tftp_config c, int fd)
{
	struct site site = {.scripts = sandbox, .extra = sandbox};
	struct loop_fd term = {0};
	char why[TFTP_WHY];
	struct tftp_server *server;

	/* Or a client that the machine lets wait is sent again what it has not yet read.
	 */
	if (c.min_rto_ms == 0)
		c.min_rto_ms = 8000;
	c.loop = loop_new();
	c.site = &site;
	c.fds = &fd;
	c.n_fds = 1;
	log_init(LEVEL_ERROR);
	server = tftp_server_new(&c, why);
	if (server == NULL)
		return 1;
	loop_signal(c.loop, &term, SIGTERM, on_term, c.loop);
	loop_run(c.loop);
	tftp_server_free(server);
	loop_fd_del(&term);
	loop_free(c.loop);
	return 0;
}

static inline struct netaddr
bound_to(int fd)
{
	struct netaddr a = {0};
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, &a.sa, &len), 0);
	return a;
}

static inline void
start_on(struct tftp_config c, int fd)
{
	assert_true(fd >= 0);
	at = bound_to(fd);
	server_pid = fork();
	if (server_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test does not stop it */
		_exit(serve(c, fd));
	}
	close(fd);
}

static inline void
start(struct tftp_config c)
{
	netaddr_parse_host("127.0.0.1", &at);
	start_on(c, udp_bind(&at));
}

static inline int
ended(void)
{
	int status;

	assert_int_equal(waitpid(server_pid, &status, 0), server_pid);
	return status;
}

static inline void
stop(void)
{
	kill(server_pid, SIGTERM);
	assert_int_equal(ended(), 0);
}

static inline int
client(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	return fd;
}

static inline void
say(int fd, const struct netaddr *to, const void *data, size_t len)
{
	assert_int_equal(sendto(fd, data, len, 0, &to->sa, netaddr_len(to)), len);
}

static uint8_t heard[2048];

/* What comes next; op 0 when nothing does. */
static inline struct tftp_pkt
hear(int fd, struct netaddr *from)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	socklen_t len = sizeof(*from);
	struct tftp_pkt pkt = {0};
	ssize_t n;

	if (poll(&p, 1, ANSWER) == 0)
		return pkt;
	n = recvfrom(fd, heard, sizeof(heard), 0, &from->sa, &len);
	assert_true(n > 0);
	assert_int_equal(tftp_parse(heard, (size_t)n, &pkt), TFTP_FINE);
	return pkt;
}

static inline bool
is_silent(int fd)
{
	return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, SILENCE) == 0;
}

static inline struct tftp_pkt
ask(int fd, const void *data, size_t len, struct netaddr *from)
{
	say(fd, &at, data, len);
	return hear(fd, from);
}

/*
 * Says it until there is an answer: it may be taken for a repeat of the last request as
 * long as the server has not read the ACK before it, which went to another port.
 */
static inline struct tftp_pkt
insist(int fd, const void *data, size_t len, struct netaddr *from)
{
	for (int tries = 0; tries < ANSWER / SILENCE; tries++) {
		say(fd, &at, data, len);
		if (!is_silent(fd))
			break;
	}
	return hear(fd, from);
}

static inline void
ack(int fd, const struct netaddr *to, uint16_t block)
{
	uint8_t packet[TFTP_HEAD];

	tftp_put_ack(packet, block);
	say(fd, to, packet, sizeof(packet));
}

#endif
