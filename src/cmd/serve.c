/* pixie serve: configuration in, servers wired together, loop until told to stop. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"
#include "boot/script_log.h"
#include "boot/shelf.h"
#include "boot/tree.h"
#include "cmd/admin.h"
#include "cmd/cmd.h"
#include "cmd/fail.h"
#include "cmd/listen.h"
#include "cmd/records.h"
#include "cmd/setup.h"
#include "cmd/worker.h"
#include "dhcp/server.h"
#include "sys/loop.h"
#include "sys/service.h"
#include "sys/udp.h"

#define TIDY_EVERY 5 /* seconds */

struct running {
	struct setup setup;
	struct worker workers[WORKERS_MAX]; /* the first is this thread */
	unsigned n_workers;
	struct records records; /* of the machines */
	struct dhcp_sockets dhcp_fds;
	struct dhcp_server *dhcp;        /* in the first worker's loop */
	const struct activity *activity; /* whom TFTP and HTTP tell of requests */
	struct activity_relay relay;     /* the same, from the other threads */
	struct admin admin;              /* the API, and by which ways it is reached */
	struct loop_fd terminate, interrupt, hangup;
	struct loop_timer second;
	unsigned seconds;
};

static struct loop *
main_loop(struct running *r)
{
	return r->workers[0].loop;
}

/* A transfer of a file and a connection hold a descriptor each: take all we may. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
on_stop(void *arg)
{
	struct running *r = arg;

	loop_stop(main_loop(r));
}

static void
on_hangup(void *arg)
{
	(void)arg;
	log_info(NULL, "hangup",
		STR("note", "nothing to reread: files are looked at each time"));
}

/* The process's second hand. */
static void
on_second(void *arg)
{
	struct running *r = arg;

	records_tick(&r->records);
	if (++r->seconds % TIDY_EVERY == 0)
		shelf_tidy();
	loop_timer_at(&r->second, mono_after(loop_now(main_loop(r)), MONO_S(1)));
}

/* The socket for admins is the first worker's. */
static int
start_admin(struct running *r, const struct conf *c)
{
	int status = admin_start(&r->admin, c, &r->setup.site, r->records.store);

	for (unsigned i = 0; i < r->n_workers; i++)
		r->workers[i].api = r->admin.api;
	r->workers[0].control_fd = r->admin.control_fd;
	return status;
}

static int
watch_signals(struct running *r)
{
	struct loop *loop = main_loop(r);

	if (loop_signal(loop, &r->terminate, SIGTERM, on_stop, r) < 0 ||
		loop_signal(loop, &r->interrupt, SIGINT, on_stop, r) < 0 ||
		loop_signal(loop, &r->hangup, SIGHUP, on_hangup, r) < 0)
		return fail(EX_OSERR, "cannot watch signals");
	return EX_OK;
}

static void
announce(const char *event, const struct listeners *l)
{
	struct netaddr at;

	for (int i = 0; i < l->n; i++) {
		socklen_t len = sizeof(at);

		if (getsockname(l->fds[i], &at.sa, &len) == 0)
			log_info(NULL, event, PEER("on", &at));
	}
}

/* Sockets from systemd may be on other ports than the options say. */
static void
learn_http_address(struct running *r)
{
	socklen_t len = sizeof(r->setup.site.http);

	getsockname(r->workers[0].http_fds.fds[0], &r->setup.site.http.sa, &len);
}

static struct netaddr
socket_address(const struct listeners *l)
{
	struct netaddr at = {0};
	socklen_t len = sizeof(at);

	getsockname(l->fds[0], &at.sa, &len);
	return at;
}

/* What would keep machines from booting, and is better said now than searched for. */
static void
warn_dhcp(const struct setup *s, const struct netaddr *tftp)
{
	for (unsigned i = 0; i < s->n_interfaces; i++)
		if (if_nametoindex(s->interfaces[i]) == 0)
			log_warning(NULL, "dhcp-interface", STR("name", s->interfaces[i]),
				STR("why", "there is no such interface yet"));
	if (netaddr_port(tftp) != 69)
		log_warning(NULL, "dhcp-tftp-port", NUM("port", netaddr_port(tftp)),
			STR("why", "firmware asks for files on port 69 only"));
	if (s->site.advertise.sa.sa_family == AF_INET6)
		log_warning(NULL, "dhcp-advertise",
			STR("why", "--advertise is IPv6: offers name the interface's own "
				   "IPv4 address"));
}

static int
start_dhcp(struct running *r)
{
	const struct setup *s = &r->setup;
	struct netaddr tftp;
	struct dhcp_config config = {
		.loop = main_loop(r),
		.site = &s->site,
		.sockets = r->dhcp_fds,
		.interfaces = s->interfaces,
		.n_interfaces = s->n_interfaces,
		.known_only = s->known_only,
	};

	if (!s->proxy_dhcp)
		return EX_OK;
	tftp = socket_address(&r->workers[0].tftp_fds);
	if (!netaddr_is_wildcard(&tftp))
		config.tftp = tftp;
	warn_dhcp(s, &tftp);
	log_info(NULL, "dhcp-listening", STR("ports", "67,4011"),
		STR("by", r->dhcp_fds.server >= 0
				  ? "UDP sockets"
				  : "packet socket: another program has port 67"),
		STR("answers", s->known_only ? "known machines" : "all machines"));
	r->dhcp_fds = DHCP_NO_SOCKETS;
	r->dhcp = dhcp_server_new(&config);
	if (r->dhcp == NULL)
		return fail(EX_OSERR, "--proxy-dhcp: out of memory");
	r->activity = dhcp_server_activity(r->dhcp);
	activity_relay_init(&r->relay, r->activity, main_loop(r));
	return EX_OK;
}

/* The sockets of the first worker, which are ours alone until others join them. */
static int
open_first(struct running *r)
{
	struct worker *first = &r->workers[0];
	int status = listen_all(&r->setup, &first->tftp_fds, &first->http_fds);

	if (status == EX_OK)
		status = listen_dhcp(&r->setup, &r->dhcp_fds);
	if (status != EX_OK)
		return status;
	learn_http_address(r);
	announce("tftp-listening", &first->tftp_fds);
	announce("http-listening", &first->http_fds);
	return EX_OK;
}

/* Those beside the first; r->n_workers is how many there are, with it. */
static int
open_others(struct running *r, unsigned of)
{
	struct worker *first = &r->workers[0];
	int status = EX_OK;

	while (status == EX_OK && r->n_workers < of) {
		struct worker *w = &r->workers[r->n_workers];

		status = worker_init(w, r->n_workers++, of);
		if (status == EX_OK)
			status = listen_beside(&first->tftp_fds, &first->http_fds,
				&w->tftp_fds, &w->http_fds);
	}
	return status;
}

static int
start_workers(struct running *r, const struct conf *c)
{
	int status = EX_OK;

	udp_use_gso(!c->tftp_no_gso);
	worker_prepare();
	for (unsigned i = 0; status == EX_OK && i < r->n_workers; i++)
		status = worker_serve(&r->workers[i], &r->setup, c->tftp_single_port,
			i == 0 || r->activity == NULL ? r->activity : &r->relay.activity);
	for (unsigned i = 1; status == EX_OK && i < r->n_workers; i++)
		status = worker_spawn(&r->workers[i], main_loop(r));
	return status;
}

static int
start(struct running *r, const struct conf *c)
{
	struct worker *first = &r->workers[0];
	int status = worker_init(first, 0, 1);

	r->n_workers = 1;
	if (status != EX_OK || (status = watch_signals(r)) != EX_OK ||
		(status = open_first(r)) != EX_OK)
		return status;
	loop_timer_init(main_loop(r), &r->second, on_second, r);
	on_second(r);
	first->of = workers_plan(
		&r->setup, first->tftp_fds.adopted || first->http_fds.adopted);
	if ((status = open_others(r, first->of)) != EX_OK ||
		(status = records_open(&r->records, c, &r->setup.site)) != EX_OK ||
		(status = start_admin(r, c)) != EX_OK ||
		(status = start_dhcp(r)) != EX_OK)
		return status;
	return start_workers(r, c);
}

/* Everything is freed in this thread, when no other runs any more. */
static void
stop(struct running *r)
{
	for (unsigned i = 1; i < r->n_workers; i++)
		worker_join(&r->workers[i]);
	loop_fd_del(&r->terminate);
	loop_fd_del(&r->interrupt);
	loop_fd_del(&r->hangup);
	loop_timer_del(&r->second);
	admin_stop(&r->admin); /* what it still says to loops finds them */
	dhcp_server_free(r->dhcp);
	dhcp_sockets_close(&r->dhcp_fds);
	for (unsigned i = 0; i < r->n_workers; i++)
		worker_end(&r->workers[i]);
	/* What the ends of transfers told is history too; and who waits for the store is
	 * answered by the API, through the loops. */
	script_log_end();
	if (!records_close(&r->records))
		return;
	admin_free(&r->admin);
	for (unsigned i = 0; i < r->n_workers; i++)
		worker_deinit(&r->workers[i]);
	pace_free(r->setup.pace);
}

static int
run(struct running *r)
{
	bool broken;

	log_info(NULL, "started", STR("version", PIXIE_VERSION),
		NUM("workers", r->n_workers), STR("scripts", r->setup.site.scripts),
		STR("extra", r->setup.site.extra), STR("roms", r->setup.site.roms));
	service_notify("READY=1");
	broken = loop_run(main_loop(r)) < 0;
	service_notify("STOPPING=1");
	for (unsigned i = 1; i < r->n_workers; i++)
		broken |= !worker_join(&r->workers[i]);
	return broken ? fail(EX_OSERR, "an event loop broke") : EX_OK;
}

int
cmd_serve(const struct conf *c)
{
	static struct running r;
	int status = setup_read(c, &r.setup);

	r.dhcp_fds = DHCP_NO_SOCKETS;
	if (status == EX_OK)
		status = records_choose(&r.records, c, &r.setup.site);
	if (status != EX_OK)
		return status;
	if (!tree_supported())
		return fail(EX_OSERR,
			"openat2 does not work here; it needs Linux 5.6, and a "
			"container runtime that does not filter it");
	/* Before the first line of the log: its reader may have gone. */
	signal(SIGPIPE, SIG_IGN);
	log_init(r.setup.level);
	raise_descriptor_limit();
	status = start(&r, c);
	if (status == EX_OK)
		status = run(&r);
	stop(&r);
	if (status == EX_OK)
		log_info(NULL, "stopped"); /* after the ends of what was under way */
	return status;
}
