/* pixie serve: configuration in, servers wired together, loop until told to stop. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"
#include "boot/tree.h"
#include "cmd/cmd.h"
#include "cmd/fail.h"
#include "cmd/listen.h"
#include "cmd/setup.h"
#include "dhcp/server.h"
#include "http/server.h"
#include "sys/loop.h"
#include "sys/service.h"
#include "sys/udp.h"
#include "tftp/server.h"

struct running {
	struct setup setup;
	struct listeners tftp_fds, http_fds;
	struct loop *loop;
	struct tftp_server *tftp;
	struct http_server *http;
	struct dhcp_sockets dhcp_fds;
	struct dhcp_server *dhcp;
	const struct activity *activity; /* whom TFTP and HTTP tell of requests */
	struct loop_fd terminate, interrupt, hangup;
};

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

	loop_stop(r->loop);
}

static void
on_hangup(void *arg)
{
	(void)arg;
	log_info(NULL, "hangup",
		STR("note", "nothing to reread: files are looked at each time"));
}

static int
watch_signals(struct running *r)
{
	if (loop_signal(r->loop, &r->terminate, SIGTERM, on_stop, r) < 0 ||
		loop_signal(r->loop, &r->interrupt, SIGINT, on_stop, r) < 0 ||
		loop_signal(r->loop, &r->hangup, SIGHUP, on_hangup, r) < 0)
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

	getsockname(r->http_fds.fds[0], &r->setup.site.http.sa, &len);
}

static int
start_tftp(struct running *r, const struct conf *c)
{
	const struct setup *s = &r->setup;
	char why[TFTP_WHY];

	udp_use_gso(!c->tftp_no_gso);
	r->tftp = tftp_server_new(
		&(struct tftp_config){
			.loop = r->loop,
			.site = &s->site,
			.fds = r->tftp_fds.fds,
			.n_fds = (unsigned)r->tftp_fds.n,
			.single_port = c->tftp_single_port,
			.port_lo = s->port_lo,
			.port_hi = s->port_hi,
			.refuse = s->tftp_refuse,
			.min_rto_ms = s->tftp_min_ms,
			.activity = r->activity,
		},
		why);
	r->tftp_fds.n = 0;
	return r->tftp ? EX_OK : fail(EX_UNAVAILABLE, "%s", why);
}

static int
start_http(struct running *r)
{
	r->http = http_server_new(&(struct http_options){
		.loop = r->loop,
		.site = &r->setup.site,
		.fds = r->http_fds.fds,
		.nfds = (unsigned)r->http_fds.n,
		.activity = r->activity,
	});
	r->http_fds.n = 0;
	return r->http ? EX_OK : fail(EX_OSERR, "HTTP: out of memory");
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
		.loop = r->loop,
		.site = &s->site,
		.sockets = r->dhcp_fds,
		.interfaces = s->interfaces,
		.n_interfaces = s->n_interfaces,
		.known_only = s->known_only,
	};

	if (!s->proxy_dhcp)
		return EX_OK;
	tftp = socket_address(&r->tftp_fds);
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
	return EX_OK;
}

static int
start(struct running *r, const struct conf *c)
{
	int status = listen_all(&r->setup, &r->tftp_fds, &r->http_fds);

	if (status == EX_OK)
		status = listen_dhcp(&r->setup, &r->dhcp_fds);
	if (status != EX_OK)
		return status;
	learn_http_address(r);
	announce("tftp-listening", &r->tftp_fds);
	announce("http-listening", &r->http_fds);
	r->loop = loop_new();
	if (r->loop == NULL)
		return fail(EX_OSERR, "cannot make an event loop");
	status = watch_signals(r);
	if (status != EX_OK)
		return status;
	if ((status = start_dhcp(r)) != EX_OK || (status = start_tftp(r, c)) != EX_OK)
		return status;
	return start_http(r);
}

static void
stop(struct running *r)
{
	tftp_server_free(r->tftp);
	http_server_free(r->http);
	dhcp_server_free(r->dhcp);
	dhcp_sockets_close(&r->dhcp_fds);
	listen_close(&r->tftp_fds);
	listen_close(&r->http_fds);
	loop_fd_del(&r->terminate);
	loop_fd_del(&r->interrupt);
	loop_fd_del(&r->hangup);
	loop_free(r->loop);
}

static int
run(struct running *r)
{
	log_info(NULL, "started", STR("version", PIXIE_VERSION),
		STR("scripts", r->setup.site.scripts), STR("extra", r->setup.site.extra),
		STR("roms", r->setup.site.roms));
	service_notify("READY=1");
	if (loop_run(r->loop) < 0)
		return fail(EX_OSERR, "the event loop broke");
	service_notify("STOPPING=1");
	return EX_OK;
}

int
cmd_serve(const struct conf *c)
{
	static struct running r;
	int status = setup_read(c, &r.setup);

	r.dhcp_fds = DHCP_NO_SOCKETS;
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
