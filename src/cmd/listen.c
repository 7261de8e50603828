#include "cmd/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/fail.h"
#include "http/server.h"
#include "sys/service.h"
#include "sys/udp.h"

struct service {
	const char *name, *option, *ss; /* for people: what, and how to look at it */
	int (*open)(const struct netaddr *at);
	int (*twin)(int fd);
};

static const struct service tftp_service = {"TFTP", "-t", "ss -lunp", udp_bind, udp_twin};
static const struct service http_service = {
	"HTTP", "-u", "ss -ltnp", http_listen, http_twin};

static int
explain(const struct service *sv, const struct netaddr *at, int err)
{
	char text[NETADDR_TEXT];

	netaddr_text(at, text);
	switch (-err) {
	case EADDRINUSE:
		return fail(EX_UNAVAILABLE,
			"%s %s: another program has this port ('%s' shows which); stop "
			"it, or "
			"choose another port with %s",
			sv->name, text, sv->ss, sv->option);
	case EACCES:
	case EPERM:
		return fail(EX_NOPERM,
			"%s %s: ports below 1024 need root or CAP_NET_BIND_SERVICE; or "
			"choose "
			"another port with %s",
			sv->name, text, sv->option);
	case EADDRNOTAVAIL:
		return fail(EX_UNAVAILABLE,
			"%s %s: no interface has this address ('ip addr'); "
			"choose another with %s",
			sv->name, text, sv->option);
	}
	return fail(EX_OSERR, "%s %s: %s", sv->name, text, strerror(-err));
}

/* A machine without IPv6 must still serve 0.0.0.0, which stands for both. */
static bool
family_missing(const struct endpoints *e, int i, int err)
{
	return e->n == 2 && e->at[i].sa.sa_family == AF_INET6 &&
	       (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL);
}

static int
open_service(const struct service *sv, const struct endpoints *e, struct listeners *l)
{
	for (int i = 0; i < e->n; i++) {
		int fd = sv->open(&e->at[i]);

		if (fd < 0 && family_missing(e, i, fd))
			continue;
		if (fd < 0)
			return explain(sv, &e->at[i], fd);
		l->fds[l->n++] = fd;
	}
	return EX_OK;
}

/* Sorts systemd's sockets by their type. */
static int
adopt(struct listeners *tftp, struct listeners *http)
{
	int n = service_listen_fds();

	for (int fd = SERVICE_FDS_START; fd < SERVICE_FDS_START + n; fd++) {
		int type = 0, err = 0;
		socklen_t len = sizeof(type);
		struct listeners *l;

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
			return fail(EX_CONFIG,
				"socket activation: descriptor %d is no socket", fd);
		l = type == SOCK_DGRAM ? tftp : http;
		err = type == SOCK_DGRAM ? udp_adopt(fd) : http_adopt(fd);
		if (err < 0)
			return fail(EX_CONFIG, "socket activation: descriptor %d: %s", fd,
				strerror(-err));
		if (l->n == LISTEN_MAX)
			return fail(EX_CONFIG, "socket activation: more than %d sockets",
				LISTEN_MAX);
		l->fds[l->n++] = fd;
		l->adopted = true;
	}
	return EX_OK;
}

int
listen_all(const struct setup *s, struct listeners *tftp, struct listeners *http)
{
	int status = adopt(tftp, http);

	if (status == EX_OK && tftp->n == 0)
		status = open_service(&tftp_service, &s->tftp, tftp);
	if (status == EX_OK && http->n == 0)
		status = open_service(&http_service, &s->http, http);
	return status;
}

static int
open_twins(const struct service *sv, const struct listeners *first, struct listeners *l)
{
	for (int i = 0; i < first->n; i++) {
		int fd = sv->twin(first->fds[i]);

		if (fd < 0)
			return fail(EX_OSERR,
				"%s: cannot open a worker's socket: %s; "
				"--workers 1 needs none",
				sv->name, strerror(-fd));
		l->fds[l->n++] = fd;
	}
	return EX_OK;
}

int
listen_beside(const struct listeners *tftp, const struct listeners *http,
	struct listeners *own_tftp, struct listeners *own_http)
{
	int status = open_twins(&tftp_service, tftp, own_tftp);

	return status == EX_OK ? open_twins(&http_service, http, own_http) : status;
}

int
listen_dhcp(const struct setup *s, struct dhcp_sockets *dhcp)
{
	int port, err;

	if (!s->proxy_dhcp)
		return EX_OK;
	err = dhcp_listen(dhcp, &port);
	switch (-err) {
	case 0:
		return EX_OK;
	case EADDRINUSE:
		return fail(EX_UNAVAILABLE,
			"--proxy-dhcp: another program has port %d, so another PXE "
			"server runs on this host ('ss -lunp' shows which; dnsmasq is "
			"one "
			"with pxe-service); stop it, or leave --proxy-dhcp out",
			port);
	case EACCES:
	case EPERM:
		return fail(EX_NOPERM,
			"--proxy-dhcp: port %d needs root, or CAP_NET_BIND_SERVICE and, "
			"where a DHCP server on this host has it, CAP_NET_RAW",
			port);
	}
	return fail(EX_OSERR, "--proxy-dhcp: port %d: %s", port, strerror(-err));
}

void
listen_close(struct listeners *l)
{
	while (l->n > 0)
		close(l->fds[--l->n]);
}
