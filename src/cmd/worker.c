#include "cmd/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/fail.h"
#include "sys/cores.h"
#include "sys/neigh.h"
#include "sys/udp.h"

/* Beyond that the kernel's UDP path is the limit of most machines, and memory lost. */
#define AUTO_MAX 4

/* The part of --tftp-ports that worker `number` of `of` has: 0…0 without the option. */
static void
slice_ports(
	const struct setup *s, unsigned number, unsigned of, uint16_t *lo, uint16_t *hi)
{
	unsigned width = s->port_hi - s->port_lo + 1u;

	*lo = *hi = 0;
	if (s->port_lo == 0)
		return;
	*lo = (uint16_t)(s->port_lo + number * width / of);
	*hi = (uint16_t)(s->port_lo + (number + 1) * width / of - 1);
}

static bool
is_taken(struct netaddr at, uint16_t port)
{
	int fd;

	netaddr_set_port(&at, port);
	fd = udp_bind(&at);
	if (fd >= 0)
		close(fd);
	return fd == -EADDRINUSE;
}

static bool
has_free_port(const struct netaddr *at, unsigned lo, unsigned hi)
{
	for (unsigned port = lo; port <= hi; port++)
		if (!is_taken(*at, (uint16_t)port))
			return true;
	return false;
}

/* Whether each of `n` workers finds a port that no other program has. */
static bool
ports_suffice(const struct setup *s, unsigned n)
{
	uint16_t lo, hi;

	if (s->port_lo == 0)
		return true;
	if (n > s->port_hi - s->port_lo + 1u)
		return false;
	for (unsigned i = 0; i < n; i++) {
		slice_ports(s, i, n, &lo, &hi);
		for (int e = 0; e < s->tftp.n; e++)
			if (!has_free_port(&s->tftp.at[e], lo, hi))
				return false;
	}
	return true;
}

static unsigned
wanted(const struct setup *s)
{
	unsigned cores = s->workers ? s->workers : cores_usable();

	return s->workers || cores < AUTO_MAX ? cores : AUTO_MAX;
}

unsigned
workers_plan(const struct setup *s, bool adopted)
{
	unsigned want = wanted(s), n = want;
	const char *why = NULL;

	if (n > 1 && adopted) {
		n = 1;
		why = "sockets from systemd are one worker's";
	}
	for (; n > 1 && !ports_suffice(s, n); n--)
		why = "each needs a free port of --tftp-ports";
	if (why != NULL)
		log_event(s->workers ? LEVEL_WARNING : LEVEL_INFO, NULL, "workers-fewer",
			(struct kv[]){
				NUM("workers", n), NUM("wanted", want), STR("why", why)},
			3);
	return n;
}

int
worker_init(struct worker *w, unsigned number, unsigned of)
{
	*w = (struct worker){.number = number, .of = of, .loop = loop_new()};
	return w->loop ? EX_OK : fail(EX_OSERR, "cannot make an event loop");
}

static int
serve_tftp(struct worker *w, const struct setup *s, bool single_port,
	const struct activity *activity)
{
	struct tftp_config config = {
		.loop = w->loop,
		.site = &s->site,
		.fds = w->tftp_fds.fds,
		.n_fds = (unsigned)w->tftp_fds.n,
		.single_port = single_port,
		.refuse = s->tftp_refuse,
		.min_rto_ms = s->tftp_min_ms,
		.pace = s->pace,
		.worker = w->number,
		.workers = w->of,
		.activity = activity,
	};
	char why[TFTP_WHY];

	slice_ports(s, w->number, w->of, &config.port_lo, &config.port_hi);
	w->tftp = tftp_server_new(&config, why);
	w->tftp_fds.n = 0;
	return w->tftp ? EX_OK : fail(EX_UNAVAILABLE, "%s", why);
}

int
worker_serve(struct worker *w, const struct setup *s, bool single_port,
	const struct activity *activity)
{
	int status = serve_tftp(w, s, single_port, activity);

	if (status != EX_OK)
		return status;
	w->http = http_server_new(&(struct http_options){
		.loop = w->loop,
		.site = &s->site,
		.fds = w->http_fds.fds,
		.nfds = (unsigned)w->http_fds.n,
		.workers = w->of,
		.pace = s->pace,
		.activity = activity,
		.api = w->api,
		.control_fd = w->control_fd,
	});
	w->http_fds.n = 0;
	w->control_fd = 0;
	return w->http ? EX_OK : fail(EX_OSERR, "HTTP: out of memory");
}

void
worker_prepare(void)
{
	neigh_prepare();
	udp_route_prepare();
}

static void *
thread_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "pixie-%u", w->number);
	prctl(PR_SET_NAME, name);
	worker_prepare();
	sem_post(&w->is_up);
	w->broken = loop_run(w->loop) < 0;
	if (w->broken)
		loop_stop(w->boss);
	return NULL;
}

int
worker_spawn(struct worker *w, struct loop *boss)
{
	sigset_t all, before;
	int err;

	w->boss = boss;
	sem_init(&w->is_up, 0, 0);
	/* Signals are the main thread's; this one inherits the mask. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0)
		return fail(
			EX_OSERR, "cannot start a worker's thread: %s", strerror(err));
	w->is_running = true;
	while (sem_wait(&w->is_up) < 0) /* EINTR: a signal to us */
		;
	return EX_OK;
}

bool
worker_join(struct worker *w)
{
	if (w->is_running) {
		loop_stop(w->loop);
		pthread_join(w->thread, NULL);
	}
	w->is_running = false;
	return !w->broken;
}

void
worker_end(struct worker *w)
{
	tftp_server_free(w->tftp);
	http_server_free(w->http);
	w->tftp = NULL;
	w->http = NULL;
	listen_close(&w->tftp_fds);
	listen_close(&w->http_fds);
}

void
worker_deinit(struct worker *w)
{
	worker_end(w);
	loop_free(w->loop);
	*w = (struct worker){0};
}
