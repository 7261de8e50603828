/*
 * A bad cable between two network namespaces, for tests: this kernel may have no
 * netem, and a test wants to know afterwards what was done to its packets.
 *
 *	badwire [option...] NETNS:INTERFACE NETNS:INTERFACE
 *
 * makes a TAP device in each namespace (a path such as /run/netns/x or
 * /proc/PID/fd/N) and carries frames between them. "ready" on standard output
 * tells that both exist. Faults befall UDP and TCP only: a lost ARP or neighbour
 * discovery would only make tests slow. On SIGTERM it prints, for each direction,
 *
 *	ab seen=1000 lost=20 duplicated=10 reordered=10 delayed=0
 *
 * A TAP device takes neither segmentation nor checksums off the kernel's hands, so
 * what passes here is what would be on a real cable.
 */
#define _GNU_SOURCE /* setns */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 16384
#define HELD_MAX 4096
#define REORDER_US 3000 /* how long a frame waits for later ones to overtake it */

struct faults {
	double loss, dup, reorder, delay; /* percent of frames */
};

struct held {
	uint64_t due;
	size_t len;
	uint8_t *frame;
};

struct direction {
	const char *name;
	int from, to;
	struct faults faults;
	uint64_t rng;
	struct held held[HELD_MAX];
	unsigned n_held;
	unsigned long seen, lost, duplicated, reordered, delayed;
};

static volatile sig_atomic_t stop;
static uint64_t delay_us = 5000;

static void
on_signal(int number)
{
	stop = number;
}

static void
fail(const char *what)
{
	fprintf(stderr, "badwire: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* xorshift64*; true in `percent` of a hundred calls. */
static bool
chance(struct direction *d, double percent)
{
	d->rng ^= d->rng >> 12;
	d->rng ^= d->rng << 25;
	d->rng ^= d->rng >> 27;
	return (double)(d->rng * 0x2545f4914f6cdd1d >> 11) / 0x1p53 * 100 < percent;
}

/* Opens the TAP device of "NETNS:INTERFACE" there. */
static int
open_tap(char *where)
{
	char *interface = strrchr(where, ':');
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int ns, tap;

	if (interface == NULL || strlen(interface + 1) >= sizeof(ifr.ifr_name)) {
		fprintf(stderr, "badwire: not NETNS:INTERFACE: %s\n", where);
		exit(64);
	}
	*interface++ = '\0';
	strcpy(ifr.ifr_name, interface);
	ns = open(where, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		fail(where);
	close(ns);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &ifr) < 0)
		fail("/dev/net/tun");
	return tap;
}

/* UDP or TCP over IPv4 or IPv6, or a fragment of it? */
static bool
is_traffic(const uint8_t *f, size_t len)
{
	uint8_t proto = 0;

	if (len >= 34 && f[12] == 0x08 && f[13] == 0x00)
		proto = f[23];
	else if (len >= 54 && f[12] == 0x86 && f[13] == 0xdd)
		proto = f[20] == 44 && len >= 62 ? f[54] : f[20];
	return proto == 17 || proto == 6;
}

/* A device that is down or full loses the frame, as a cable would. */
static void
deliver(struct direction *d, const uint8_t *frame, size_t len)
{
	if (write(d->to, frame, len) < 0 && errno != EAGAIN && errno != EIO &&
		errno != EINVAL)
		fail("write");
}

static void
hold(struct direction *d, const uint8_t *frame, size_t len, uint64_t due)
{
	struct held *h = &d->held[d->n_held];

	if (d->n_held == HELD_MAX || (h->frame = malloc(len)) == NULL) {
		deliver(d, frame, len);
		return;
	}
	memcpy(h->frame, frame, len);
	h->len = len;
	h->due = due;
	d->n_held++;
}

static void
frame_arrived(struct direction *d, const uint8_t *frame, size_t len, uint64_t now)
{
	if (!is_traffic(frame, len)) {
		deliver(d, frame, len);
		return;
	}
	d->seen++;
	if (chance(d, d->faults.loss)) {
		d->lost++;
		return;
	}
	if (chance(d, d->faults.dup)) {
		d->duplicated++;
		deliver(d, frame, len);
	}
	if (chance(d, d->faults.reorder)) {
		d->reordered++;
		hold(d, frame, len, now + REORDER_US);
	} else if (chance(d, d->faults.delay)) {
		d->delayed++;
		hold(d, frame, len, now + delay_us);
	} else
		deliver(d, frame, len);
}

static void
take_frames(struct direction *d)
{
	static uint8_t frame[FRAME_MAX];
	ssize_t n;

	for (int i = 0; i < 64; i++) {
		n = read(d->from, frame, sizeof(frame));
		if (n <= 0)
			return;
		frame_arrived(d, frame, (size_t)n, now_us());
	}
}

/* Sends what is due, oldest first; returns the milliseconds until the next, -1: none. */
static int
release(struct direction *d, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	unsigned kept = 0;

	for (unsigned i = 0; i < d->n_held; i++) {
		struct held h = d->held[i];

		if (h.due <= now) {
			deliver(d, h.frame, h.len);
			free(h.frame);
			continue;
		}
		if (h.due < next)
			next = h.due;
		d->held[kept++] = h;
	}
	d->n_held = kept;
	return kept ? (int)((next - now) / 1000 + 1) : -1;
}

static void
carry(struct direction d[static 2])
{
	struct pollfd fds[2] = {
		{.fd = d[0].from, .events = POLLIN}, {.fd = d[1].from, .events = POLLIN}};

	while (!stop) {
		uint64_t now = now_us();
		int a = release(&d[0], now), b = release(&d[1], now);
		int wait = a < 0 || (b >= 0 && b < a) ? b : a;

		if (poll(fds, 2, wait) < 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents)
				take_frames(&d[i]);
	}
}

static void
report(const struct direction *d)
{
	printf("%s seen=%lu lost=%lu duplicated=%lu reordered=%lu delayed=%lu\n", d->name,
		d->seen, d->lost, d->duplicated, d->reordered, d->delayed);
}

static void
usage(void)
{
	fputs("badwire [--seed N] [--delay-us N] [--{loss,dup,reorder,delay}-{ab,ba} "
	      "PERCENT]..."
	      " NETNS:INTERFACE NETNS:INTERFACE\n",
		stderr);
	exit(64);
}

int
main(int argc, char **argv)
{
	static struct direction d[2] = {{.name = "ab"}, {.name = "ba"}};
	static const struct option options[] = {{"seed", 1, NULL, 's'},
		{"delay-us", 1, NULL, 'u'}, {"loss-ab", 1, NULL, 0},
		{"loss-ba", 1, NULL, 1}, {"dup-ab", 1, NULL, 2}, {"dup-ba", 1, NULL, 3},
		{"reorder-ab", 1, NULL, 4}, {"reorder-ba", 1, NULL, 5},
		{"delay-ab", 1, NULL, 6}, {"delay-ba", 1, NULL, 7}, {0}};
	uint64_t seed = 1;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'u')
			delay_us = strtoull(optarg, NULL, 10);
		else if (c < 8)
			(&d[c % 2].faults.loss)[c / 2] = atof(optarg);
		else
			usage();
	if (argc - optind != 2)
		usage();
	d[0].rng = (seed + 1) * 0x9e3779b97f4a7c15;
	d[1].rng = (seed + 1) * 0xbf58476d1ce4e5b9;
	d[0].from = d[1].to = open_tap(argv[optind]);
	d[1].from = d[0].to = open_tap(argv[optind + 1]);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
	puts("ready");
	fflush(stdout);
	carry(d);
	report(&d[0]);
	report(&d[1]);
	return 0;
}
