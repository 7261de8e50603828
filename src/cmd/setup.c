#include "cmd/setup.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/fail.h"
#include "wire/tftp_pkt.h"

static int
read_endpoints(const char *option, const char *text, struct endpoints *out)
{
	const char *why;

	out->n = netaddr_parse_listen(text, out->at, &why);
	if (out->n == 0)
		return fail(EX_USAGE, "%s %s: %s", option, text, why);
	return EX_OK;
}

int
setup_directory(const char *option, const char *path, const char **out)
{
	struct stat st;

	if (*path == '\0')
		return EX_OK;
	if (stat(path, &st) < 0 && errno == ENOENT)
		return fail(EX_NOINPUT,
			"%s %s: no such directory; make it (mkdir -p) or name another",
			option, path);
	if (stat(path, &st) < 0 && errno != EACCES)
		return fail(EX_NOINPUT, "%s %s: %s", option, path, strerror(errno));
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return fail(EX_NOINPUT, "%s %s: not a directory", option, path);
	if (access(path, R_OK | X_OK) < 0)
		return fail(EX_NOPERM, "%s %s: %s; this user needs to read and enter it",
			option, path, strerror(errno));
	*out = path;
	return EX_OK;
}

/* "ADDR" or "ADDR:PORT", literal. */
static int
read_advertise(const char *text, struct netaddr *out)
{
	struct netaddr pair[2] = {0};
	const char *why;

	if (*text == '\0')
		return EX_OK;
	if (!netaddr_parse_host(text, &pair[0]) &&
		netaddr_parse_listen(text, pair, &why) != 1)
		return fail(EX_USAGE,
			"--advertise %s: write a literal address, ADDR, ADDR:PORT or "
			"[V6]:PORT",
			text);
	if (netaddr_is_wildcard(&pair[0]))
		return fail(EX_USAGE,
			"--advertise %s: machines cannot reach that; write an address "
			"of this host, or what is before it",
			text);
	*out = pair[0];
	return EX_OK;
}

static bool
read_port(const char *text, char end, const char **rest, uint16_t *out)
{
	char *stop;
	long port = *text >= '0' && *text <= '9' ? strtol(text, &stop, 10) : 0;

	if (port < 1 || port > 65535 || *stop != end)
		return false;
	*out = (uint16_t)port;
	*rest = stop + 1;
	return true;
}

static int
read_ports(const char *text, struct setup *s)
{
	const char *rest;

	if (*text == '\0')
		return EX_OK;
	if (read_port(text, '-', &rest, &s->port_lo) &&
		read_port(rest, '\0', &rest, &s->port_hi) && s->port_lo <= s->port_hi)
		return EX_OK;
	return fail(EX_USAGE,
		"--tftp-ports %s: write two ports, the lower first, as 30000-30063",
		text);
}

/* From LAN clients that answer within microseconds to a satellite link. */
static int
read_min_timer(const char *text, unsigned *ms)
{
	char *stop;
	long v = *text >= '0' && *text <= '9' ? strtol(text, &stop, 10) : 0;

	if (v < 1 || v > 2000 || *stop != '\0')
		return fail(EX_USAGE,
			"--tftp-min-timer %s: write milliseconds from 1 to 2000", text);
	*ms = (unsigned)v;
	return EX_OK;
}

static int
read_pace(const char *text, struct pace **out)
{
	uint64_t bits;

	if (*text == '\0')
		return EX_OK;
	if (!pace_parse(text, &bits))
		return fail(EX_USAGE,
			"--pace %s: write bits a second from 64k to 10G, as 800k, 10M or "
			"1G",
			text);
	*out = pace_new(bits);
	return *out ? EX_OK : fail(EX_OSERR, "--pace: out of memory");
}

static int
read_refuse(const char *text, unsigned *mask)
{
	for (const char *at = text; *at != '\0';) {
		size_t n = strcspn(at, ",");
		enum tftp_option option = tftp_option_find(at, n);

		if (option == TFTP_OPTIONS)
			return fail(EX_USAGE,
				"--tftp-refuse %s: '%.*s' is none of blksize, tsize, "
				"timeout, "
				"windowsize",
				text, (int)n, at);
		*mask |= 1u << option;
		at += n + (at[n] == ',');
	}
	return EX_OK;
}

/* "eth1,eth2". They need not be there yet; a VLAN may come up later. */
static int
read_interfaces(const char *text, struct setup *s)
{
	char *to = s->interface_names;

	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		if (n == 0 || n >= IF_NAMESIZE)
			return fail(EX_USAGE,
				"--proxy-dhcp: '%.*s' is no name of an interface ('ip "
				"link' shows them)",
				(int)n, text);
		if (s->n_interfaces == DHCP_INTERFACES_MAX)
			return fail(EX_USAGE, "--proxy-dhcp: more than %d interfaces",
				DHCP_INTERFACES_MAX);
		memcpy(to, text, n);
		to[n] = '\0';
		s->interfaces[s->n_interfaces++] = to;
		to += n + 1;
		text += n + (text[n] == ',');
	}
	return EX_OK;
}

static int
read_proxy_dhcp(const struct conf *c, struct setup *s)
{
	s->proxy_dhcp = conf_is_on(c->proxy_dhcp);
	s->known_only = strcmp(c->answer, "known") == 0;
	if (!s->known_only && strcmp(c->answer, "all") != 0)
		return fail(EX_USAGE, "--answer %s: write all or known", c->answer);
	if (!s->proxy_dhcp || conf_is_plain_on(c->proxy_dhcp))
		return EX_OK;
	return read_interfaces(c->proxy_dhcp, s);
}

/*
 * Labels of letters, digits and hyphens (RFC 1123, 2.1), and '_', which some networks
 * have; a browser says a name of other letters as xn--…, and none with its final dot.
 */
static bool
is_host_name(const char *name, size_t len)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '.' ? label == 0
			     : c > 127 || !(isalnum(c) || c == '-' || c == '_'))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && len <= 253;
}

static int
check_host_names(const char *text)
{
	for (const char *at = text; *at != '\0';) {
		size_t n = strcspn(at, ",");

		if (!is_host_name(at, n))
			return fail(EX_USAGE,
				"--host-name: '%.*s' is no name of a host; write it "
				"without "
				"port and final dot, as boot.example.net (what is not "
				"ASCII as xn--NAME)",
				(int)n, at);
		at += n + (at[n] == ',');
	}
	return EX_OK;
}

static int
read_workers(const char *text, unsigned *out)
{
	char *end;
	unsigned long n;

	if (strcmp(text, "auto") == 0)
		return EX_OK;
	n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (n < 1 || n > WORKERS_MAX || *end != '\0')
		return fail(EX_USAGE, "--workers %s: write auto or a number, 1 to %d",
			text, WORKERS_MAX);
	*out = (unsigned)n;
	return EX_OK;
}

static int
read_level(const char *text, enum log_level *out)
{
	if (log_level_parse(text, out))
		return EX_OK;
	return fail(
		EX_USAGE, "--verbosity %s: write ERROR, WARNING, INFO or DEBUG", text);
}

int
setup_read(const struct conf *c, struct setup *s)
{
	int status;

	memset(s, 0, sizeof(*s));
	if (*c->scripts == '\0')
		return fail(EX_USAGE, "no script directory; give -d DIR (or "
				      "SCRIPTS=DIR), see pixie --help");
	if ((status = read_level(c->verbosity, &s->level)) != EX_OK ||
		(status = read_endpoints("--tftp", c->tftp, &s->tftp)) != EX_OK ||
		(status = read_endpoints("--http", c->http, &s->http)) != EX_OK ||
		(status = setup_directory("--scripts", c->scripts, &s->site.scripts)) !=
			EX_OK ||
		(status = setup_directory("--extra", c->extra, &s->site.extra)) !=
			EX_OK ||
		(status = setup_directory("--roms", c->roms, &s->site.roms)) != EX_OK ||
		(status = read_advertise(c->advertise, &s->site.advertise)) != EX_OK ||
		(status = read_ports(c->tftp_ports, s)) != EX_OK ||
		(status = read_refuse(c->tftp_refuse, &s->tftp_refuse)) != EX_OK ||
		(status = read_pace(c->pace, &s->pace)) != EX_OK ||
		(status = read_min_timer(c->tftp_min_timer, &s->tftp_min_ms)) != EX_OK ||
		(status = read_workers(c->workers, &s->workers)) != EX_OK ||
		(status = check_host_names(c->host_name)) != EX_OK ||
		(status = read_proxy_dhcp(c, s)) != EX_OK)
		return status;
	s->site.http = s->http.at[0];
	if (c->tftp_single_port && s->port_lo)
		return fail(EX_USAGE, "--tftp-single-port and --tftp-ports contradict "
				      "each other; give one");
	return EX_OK;
}
