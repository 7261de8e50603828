/*
 * http_load [option] HOST PORT PATH FILE: HTTP clients that fetch a large file, whole
 * or in ranges from random places, each over a connection it keeps. With --check
 * bodies are compared with FILE. One JSON line says how it went. Small requests are wrk's
 * business.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define CHUNK (256 * 1024)
#define HEAD_ROOM 4096
#define EVENTS 256

struct client {
	int fd;
	bool over;
	unsigned number;
	size_t head; /* bytes of the reply's head so far */
	uint64_t from, size, got;
	uint64_t rng;
	int64_t began;
	char bytes[HEAD_ROOM];
};

static struct {
	struct sockaddr_in server;
	const char *path;
	struct source source;
	unsigned clients, requests;
	uint64_t range, seed;
	bool check;
	int64_t bound;
} opt = {.clients = 1, .seed = 1, .bound = 30000000};

static struct {
	uint64_t ok, failed, different, bytes;
	struct latencies latencies;
	char error[80];
} sum;

static struct client *clients;
static int epoll;
static unsigned asked, active;
static uint8_t chunk[CHUNK];

static void
fail(struct client *c, const char *why)
{
	if (!*sum.error)
		snprintf(sum.error, sizeof(sum.error), "%s", why);
	sum.failed++;
	close(c->fd);
	c->over = true;
	active--;
}

static void
ask(struct client *c)
{
	char request[1024];
	int n;

	if (asked == opt.requests) {
		close(c->fd);
		c->over = true;
		active--;
		return;
	}
	asked++;
	c->head = 0;
	c->from = c->got = 0;
	c->size = opt.source.size;
	c->began = now_us();
	n = snprintf(request, sizeof(request), "GET %.400s HTTP/1.1\r\nHost: bench\r\n",
		opt.path);
	if (opt.range > 0) {
		c->from = rng_next(&c->rng) % (opt.source.size / opt.range) * opt.range;
		c->size = opt.range;
		n += snprintf(request + n, sizeof(request) - (size_t)n,
			"Range: bytes=%llu-%llu\r\n", (unsigned long long)c->from,
			(unsigned long long)(c->from + c->size - 1));
	}
	n += snprintf(request + n, sizeof(request) - (size_t)n, "\r\n");
	if (send(c->fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		fail(c, "request not sent");
}

static void
begin(struct client *c)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->rng = rng_seed(opt.seed, c->number);
	if (c->fd < 0 ||
		connect(c->fd, (struct sockaddr *)&opt.server, sizeof(opt.server)) < 0)
		die("connection %u: %s", c->number, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll: %s", strerror(errno));
	active++;
}

/* Takes `n` bytes of body; false when they are not the file's. */
static bool
take(struct client *c, const void *bytes, size_t n)
{
	if (n > c->size - c->got ||
		(bytes != NULL &&
			memcmp(bytes, opt.source.bytes + c->from + c->got, n) != 0)) {
		sum.different++;
		fail(c, "body differs");
		return false;
	}
	c->got += n;
	return true;
}

/* The head is whole: its status must be what was asked for, and its length. */
static bool
head_is_right(const struct client *c)
{
	const char *length = strcasestr(c->bytes, "\r\ncontent-length:");

	return strncmp(c->bytes, opt.range ? "HTTP/1.1 206" : "HTTP/1.1 200", 12) == 0 &&
	       length != NULL && strtoull(length + 17, NULL, 10) == c->size;
}

static void
read_head(struct client *c)
{
	ssize_t n =
		recv(c->fd, c->bytes + c->head, HEAD_ROOM - 1 - c->head, MSG_DONTWAIT);
	char *end;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			fail(c, "connection lost");
		return;
	}
	c->head += (size_t)n;
	c->bytes[c->head] = '\0';
	end = strstr(c->bytes, "\r\n\r\n");
	if (end == NULL) {
		if (c->head == HEAD_ROOM - 1)
			fail(c, "head too long");
		return;
	}
	end += 4;
	if (!head_is_right(c)) {
		fail(c, "status or length");
		return;
	}
	n = c->bytes + c->head - end;
	c->head = HEAD_ROOM; /* it is done */
	take(c, opt.check ? end : NULL, (size_t)n);
}

static void
read_body(struct client *c)
{
	uint64_t left = c->size - c->got;
	ssize_t n;

	/* Copied as any client would: what MSG_TRUNC throws away is acknowledged so fast
	 * that the server is woken for every few packets. */
	n = recv(c->fd, chunk, left < CHUNK ? left : CHUNK, MSG_DONTWAIT);
	if (n > 0)
		take(c, opt.check ? chunk : NULL, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		fail(c, "connection lost");
}

static void
on_readable(struct client *c)
{
	if (c->head != HEAD_ROOM)
		read_head(c);
	else
		read_body(c);
	if (c->over || c->head != HEAD_ROOM || c->got < c->size)
		return;
	sum.ok++;
	sum.bytes += c->size;
	latency_add(&sum.latencies, now_us() - c->began);
	ask(c);
}

static void
print(int64_t took)
{
	printf("{\"connections\":%u,\"requests\":%u,\"ok\":%llu,\"failed\":%llu,"
	       "\"different\":%llu,\"seconds\":%.6f,\"bytes\":%llu,\"mb_s\":%.3f,"
	       "\"requests_s\":%.1f,",
		opt.clients, opt.requests, (unsigned long long)sum.ok,
		(unsigned long long)(opt.requests - sum.ok),
		(unsigned long long)sum.different, (double)took / 1e6,
		(unsigned long long)sum.bytes, (double)sum.bytes / (double)took,
		(double)sum.ok * 1e6 / (double)took);
	latency_print(&sum.latencies);
	printf(",\"error\":\"%s\"}\n", sum.error);
}

static const char usage[] =
	"usage: http_load [--connections N] [--requests N] [--range BYTES] [--seed N]\n"
	"                 [--check] [--bound SECONDS] HOST PORT PATH FILE";

static void
read_options(int argc, char **argv)
{
	static const struct option longs[] = {{"connections", 1, 0, 'c'},
		{"requests", 1, 0, 'n'}, {"range", 1, 0, 'r'}, {"seed", 1, 0, 's'},
		{"check", 0, 0, 'k'}, {"bound", 1, 0, 'b'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (o) {
		case 'c':
			opt.clients = (unsigned)number("connections", optarg, 1, 20000);
			break;
		case 'n':
			opt.requests = (unsigned)number("requests", optarg, 1, 10000000);
			break;
		case 'r':
			opt.range = number("range", optarg, 1, 1u << 30);
			break;
		case 's':
			opt.seed = number("seed", optarg, 0, UINT64_MAX);
			break;
		case 'k':
			opt.check = true;
			break;
		case 'b':
			opt.bound = (int64_t)number("bound", optarg, 1, 600) * 1000000;
			break;
		default:
			die("%s", usage);
		}
	if (argc - optind != 4)
		die("%s", usage);
	opt.server.sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[optind], &opt.server.sin_addr) != 1)
		die("%s is not an IPv4 address", argv[optind]);
	opt.server.sin_port = htons((uint16_t)number("port", argv[optind + 1], 1, 65535));
	opt.path = argv[optind + 2];
	opt.source = source_open(argv[optind + 3]);
	if (opt.range > opt.source.size)
		die("the range is larger than the file");
	if (opt.requests < opt.clients)
		opt.requests = opt.clients;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int64_t begun, took;

	read_options(argc, argv);
	need_descriptors(opt.clients + 64);
	clients = calloc(opt.clients, sizeof(*clients));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (clients == NULL || epoll < 0)
		die("no memory or no epoll");
	for (unsigned i = 0; i < opt.clients; i++) {
		clients[i].number = i;
		begin(&clients[i]);
	}
	begun = now_us();
	for (unsigned i = 0; i < opt.clients; i++)
		ask(&clients[i]);
	while (active > 0 && now_us() - begun < opt.bound) {
		int n = epoll_wait(epoll, events, EVENTS, 100);

		for (int i = 0; i < n; i++)
			on_readable(events[i].data.ptr);
	}
	took = now_us() - begun;
	print(took > 0 ? took : 1);
	return sum.different ? 1 : 0;
}
