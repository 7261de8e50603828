/*
 * tftp_load [option] HOST NAME FILE: a rack of TFTP clients in one process.
 *
 * Each has a socket of its own on an address of its own (127.1.0.1 and on, when HOST
 * is on loopback), sends its ACKs as EDK2 does, and compares every byte with FILE.
 * Losses are made here, in both directions, by a seed: the same seed loses the same
 * packets of a client, whatever the server's pace. One JSON line says how it went.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define BLKSIZE_MAX 65464
#define WINDOW_MAX 64
#define EVENTS 256
/* Requests sent before the answers so far are looked at. */
#define REQUESTS_AT_ONCE 32

enum { OP_RRQ = 1, OP_DATA = 3, OP_ACK = 4, OP_ERROR = 5, OP_OACK = 6 };

enum ending { DONE, SILENT, UNFINISHED, REFUSED, DIFFERENT, ENDINGS };

struct client {
	TAILQ_ENTRY(client) entry; /* in the order of their deadlines */
	int fd;
	bool idle, answered; /* answered: the socket is connected to the server's port */
	bool gap_told;       /* what is missing was asked for already */
	unsigned number, tries, blksize, window, unacked;
	uint64_t next; /* block expected */
	uint64_t rng;
	int64_t began, deadline;
};

TAILQ_HEAD(clients, client);

static struct {
	struct sockaddr_in server;
	const char *name;
	struct source source;
	unsigned clients, transfers, blksize, window, retries;
	double loss;
	uint64_t seed;
	int64_t timeout, bound, hold;
} opt = {.clients = 1,
	.blksize = 1468,
	.window = 1,
	.retries = 6,
	.seed = 1,
	.timeout = 4000000,
	.bound = 30000000};

static struct {
	uint64_t ended[ENDINGS], bytes, packets, duplicates, resent, lost;
	struct latencies latencies;
	char error[80];
} sum;

static struct client *clients;
static struct clients waiting = TAILQ_HEAD_INITIALIZER(waiting);
static int epoll;
static unsigned started, active;
static int64_t begun;
static uint8_t *buffers;

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool
is_lost(struct client *c)
{
	if (opt.loss == 0 || (double)(rng_next(&c->rng) >> 11) * 0x1p-53 >= opt.loss)
		return false;
	sum.lost++;
	return true;
}

static void
wait_anew(struct client *c, int64_t now)
{
	TAILQ_REMOVE(&waiting, c, entry);
	c->deadline = now + opt.timeout;
	TAILQ_INSERT_TAIL(&waiting, c, entry);
}

static void
send_request(struct client *c)
{
	char packet[512];
	int n = 2;

	packet[0] = 0;
	packet[1] = OP_RRQ;
	n += sprintf(packet + n, "%.200s%coctet", opt.name, 0) + 1;
	if (opt.blksize != 512)
		n += sprintf(packet + n, "blksize%c%u", 0, opt.blksize) + 1;
	if (opt.window != 1)
		n += sprintf(packet + n, "windowsize%c%u", 0, opt.window) + 1;
	if (!is_lost(c))
		sendto(c->fd, packet, (size_t)n, 0, (struct sockaddr *)&opt.server,
			sizeof(opt.server));
}

static void
send_ack(struct client *c)
{
	uint64_t block = c->next - 1;
	uint8_t packet[4] = {0, OP_ACK, (uint8_t)(block >> 8), (uint8_t)block};

	c->unacked = 0;
	if (!is_lost(c))
		send(c->fd, packet, sizeof(packet), 0);
}

static void
end(struct client *c, enum ending how, int64_t now)
{
	sum.ended[how]++;
	if (how == DONE) {
		sum.bytes += opt.source.size;
		latency_add(&sum.latencies, now - c->began);
	}
	TAILQ_REMOVE(&waiting, c, entry);
	close(c->fd);
	c->idle = true;
	active--;
}

/* 127.1.0.1 and on: machines have addresses of their own. */
static struct sockaddr_in
own_address(unsigned number)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	if (ntohl(opt.server.sin_addr.s_addr) >> 24 == 127)
		a.sin_addr.s_addr = htonl(0x7f010001u + number);
	return a;
}

static void
prepare(struct client *c)
{
	struct sockaddr_in from = own_address(c->number);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int room = (int)(2 * opt.window * (opt.blksize + 1024)), fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("client %u: %s", c->number, strerror(errno));
	if (room > 200 * 1024)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	*c = (struct client){.number = c->number,
		.fd = fd,
		.next = 1,
		.blksize = 512,
		.window = 1,
		.rng = rng_seed(opt.seed, started++)};
}

static void
start(struct client *c)
{
	c->began = now_us();
	c->deadline = c->began + opt.timeout;
	TAILQ_INSERT_TAIL(&waiting, c, entry);
	active++;
	send_request(c);
}

static void
on_oack(struct client *c, const uint8_t *p, size_t len, int64_t now)
{
	const char *at = (const char *)p + 2, *last = (const char *)p + len;

	while (at < last) {
		const char *value = at + strnlen(at, (size_t)(last - at)) + 1;

		if (value >= last)
			break;
		if (strcasecmp(at, "blksize") == 0)
			c->blksize = (unsigned)atoi(value);
		else if (strcasecmp(at, "windowsize") == 0)
			c->window = (unsigned)atoi(value);
		at = value + strnlen(value, (size_t)(last - value)) + 1;
	}
	if (c->blksize == 0 || c->blksize > opt.blksize || c->window == 0 ||
		c->window > opt.window) {
		snprintf(sum.error, sizeof(sum.error), "OACK larger than asked");
		end(c, REFUSED, now);
		return;
	}
	send_ack(c);
}

/* False when the transfer is over. */
static bool
on_block(struct client *c, const uint8_t *data, size_t len, int64_t now)
{
	uint64_t off = (c->next - 1) * c->blksize;
	uint64_t left = off <= opt.source.size ? opt.source.size - off : 0;
	size_t want = left < c->blksize ? (size_t)left : c->blksize;

	if (len != want || memcmp(data, opt.source.bytes + off, len) != 0) {
		end(c, DIFFERENT, now);
		return false;
	}
	if (opt.hold > 0 && c->next == 1 && now - begun < opt.hold)
		return true; /* keeps the transfer open; the server sends it again */
	c->next++;
	c->unacked++;
	c->gap_told = false;
	c->tries = 0;
	if (len < c->blksize) {
		send_ack(c);
		end(c, DONE, now);
		return false;
	}
	if (c->unacked >= c->window)
		send_ack(c);
	wait_anew(c, now);
	return true;
}

/* RFC 7440 §4: what was lost is asked for once; what came twice is acknowledged. */
static bool
on_data(struct client *c, const uint8_t *p, size_t len, int64_t now)
{
	uint16_t ahead = (uint16_t)(get16(p + 2) - c->next);

	if (ahead == 0)
		return on_block(c, p + 4, len - 4, now);
	if (ahead == UINT16_MAX) { /* the last one we have */
		sum.duplicates++;
		send_ack(c);
	} else if (ahead >= 0x8000)
		sum.duplicates++;
	else if (!c->gap_told) {
		c->gap_told = true;
		send_ack(c);
	}
	return true;
}

static bool
on_packet(struct client *c, const uint8_t *p, size_t len, int64_t now)
{
	sum.packets++;
	if (len < 4 || is_lost(c))
		return true;
	switch (get16(p)) {
	case OP_DATA:
		return on_data(c, p, len, now);
	case OP_OACK:
		if (c->next > 1)
			sum.duplicates++;
		else
			on_oack(c, p, len, now);
		return !c->idle;
	case OP_ERROR:
		if (!*sum.error)
			snprintf(sum.error, sizeof(sum.error), "%.*s", (int)(len - 4),
				(const char *)p + 4);
		end(c, REFUSED, now);
		return false;
	}
	return true;
}

static void
on_readable(struct client *c, int64_t now)
{
	struct mmsghdr msgs[WINDOW_MAX];
	struct iovec iov[WINDOW_MAX];
	struct sockaddr_in from;
	unsigned want = c->answered ? c->window : 1;
	int n;

	for (unsigned i = 0; i < want; i++) {
		iov[i] = (struct iovec){buffers + i * (BLKSIZE_MAX + 4), BLKSIZE_MAX + 4};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	if (!c->answered) {
		msgs[0].msg_hdr.msg_name = &from;
		msgs[0].msg_hdr.msg_namelen = sizeof(from);
	}
	n = recvmmsg(c->fd, msgs, want, MSG_DONTWAIT, NULL);
	if (n > 0 && !c->answered) {
		c->answered = true;
		connect(c->fd, (struct sockaddr *)&from, sizeof(from));
	}
	for (int i = 0; i < n; i++)
		if (!on_packet(c, iov[i].iov_base, msgs[i].msg_len, now))
			return;
}

static void
on_silence(struct client *c, int64_t now)
{
	if (c->tries++ >= opt.retries) {
		end(c, SILENT, now);
		return;
	}
	sum.resent++;
	if (c->answered)
		send_ack(c);
	else
		send_request(c);
	wait_anew(c, now);
}

static void
go_on(struct client *c)
{
	if (!c->idle || started >= opt.transfers)
		return;
	prepare(c);
	start(c);
}

/* One turn: what has come, whose time is up, who begins anew. */
static void
turn(int wait_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll, events, EVENTS, wait_ms);
	int64_t now = now_us();
	struct client *c;

	for (int i = 0; i < n; i++) {
		c = events[i].data.ptr;
		on_readable(c, i & 15 ? now : (now = now_us()));
		go_on(c);
	}
	while ((c = TAILQ_FIRST(&waiting)) != NULL && c->deadline <= now) {
		on_silence(c, now);
		go_on(c);
	}
}

static void
run(void)
{
	for (unsigned i = 0; i < opt.clients; i++) {
		clients[i].number = i;
		prepare(&clients[i]);
	}
	begun = now_us();
	for (unsigned i = 0; i < opt.clients; i++) {
		start(&clients[i]);
		if (i % REQUESTS_AT_ONCE == REQUESTS_AT_ONCE - 1)
			turn(0);
	}
	while (active > 0 && now_us() - begun < opt.bound)
		turn(10);
	while (!TAILQ_EMPTY(&waiting))
		end(TAILQ_FIRST(&waiting), UNFINISHED, now_us());
}

static void
print(int64_t took)
{
	uint64_t failed = opt.transfers - sum.ended[DONE];

	printf("{\"clients\":%u,\"transfers\":%u,\"ok\":%llu,\"failed\":%llu,"
	       "\"silent\":%llu,\"refused\":%llu,\"different\":%llu,\"seconds\":%.6f,"
	       "\"bytes\":%llu,\"mb_s\":%.3f,",
		opt.clients, opt.transfers, (unsigned long long)sum.ended[DONE],
		(unsigned long long)failed, (unsigned long long)sum.ended[SILENT],
		(unsigned long long)sum.ended[REFUSED],
		(unsigned long long)sum.ended[DIFFERENT], (double)took / 1e6,
		(unsigned long long)sum.bytes, (double)sum.bytes / (double)took);
	latency_print(&sum.latencies);
	printf(",\"packets\":%llu,\"duplicates\":%llu,\"resent\":%llu,\"lost\":%llu,"
	       "\"error\":\"",
		(unsigned long long)sum.packets, (unsigned long long)sum.duplicates,
		(unsigned long long)sum.resent, (unsigned long long)sum.lost);
	for (const char *p = sum.error; *p; p++)
		if (*p >= ' ' && *p != '"' && *p != '\\' && (unsigned char)*p < 0x7f)
			putchar(*p);
	printf("\"}\n");
}

static const char usage[] =
	"usage: tftp_load [--port N] [--clients N] [--transfers N] [--blksize N]\n"
	"                 [--window N] [--loss PERCENT] [--seed N] [--timeout-ms N]\n"
	"                 [--retries N] [--bound SECONDS] [--hold-ms N] HOST NAME FILE";

static void
read_option(const char *name, const char *value)
{
	if (strcmp(name, "port") == 0)
		opt.server.sin_port = htons((uint16_t)number(name, value, 1, 65535));
	else if (strcmp(name, "clients") == 0)
		opt.clients = (unsigned)number(name, value, 1, 60000);
	else if (strcmp(name, "transfers") == 0)
		opt.transfers = (unsigned)number(name, value, 1, 10000000);
	else if (strcmp(name, "blksize") == 0)
		opt.blksize = (unsigned)number(name, value, 8, BLKSIZE_MAX);
	else if (strcmp(name, "window") == 0)
		opt.window = (unsigned)number(name, value, 1, WINDOW_MAX);
	else if (strcmp(name, "loss") == 0)
		opt.loss = atof(value) / 100;
	else if (strcmp(name, "seed") == 0)
		opt.seed = number(name, value, 0, UINT64_MAX);
	else if (strcmp(name, "timeout-ms") == 0)
		opt.timeout = (int64_t)number(name, value, 1, 60000) * 1000;
	else if (strcmp(name, "retries") == 0)
		opt.retries = (unsigned)number(name, value, 0, 1000);
	else if (strcmp(name, "bound") == 0)
		opt.bound = (int64_t)number(name, value, 1, 600) * 1000000;
	else
		opt.hold = (int64_t)number(name, value, 0, 60000) * 1000;
}

static void
read_options(int argc, char **argv)
{
	static const struct option longs[] = {{"port", 1}, {"clients", 1},
		{"transfers", 1}, {"blksize", 1}, {"window", 1}, {"loss", 1}, {"seed", 1},
		{"timeout-ms", 1}, {"retries", 1}, {"bound", 1}, {"hold-ms", 1}, {0}};
	int at;

	opt.server.sin_family = AF_INET;
	opt.server.sin_port = htons(69);
	while (getopt_long(argc, argv, "", longs, &at) == 0)
		read_option(longs[at].name, optarg);
	if (argc - optind != 3 || opterr == 0)
		die("%s", usage);
	if (inet_pton(AF_INET, argv[optind], &opt.server.sin_addr) != 1)
		die("%s is not an IPv4 address", argv[optind]);
	opt.name = argv[optind + 1];
	opt.source = source_open(argv[optind + 2]);
	if (opt.transfers < opt.clients)
		opt.transfers = opt.clients;
}

int
main(int argc, char **argv)
{
	int64_t took;

	read_options(argc, argv);
	need_descriptors(opt.clients + 64);
	clients = calloc(opt.clients, sizeof(*clients));
	buffers = malloc((size_t)WINDOW_MAX * (BLKSIZE_MAX + 4));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (clients == NULL || buffers == NULL || epoll < 0)
		die("no memory or no epoll");
	run();
	took = now_us() - begun;
	print(took > 0 ? took : 1);
	return sum.ended[DIFFERENT] ? 1 : 0;
}
