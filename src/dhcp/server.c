#include "dhcp/server.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/quota.h"
#include "boot/machine_script.h"
#include "boot/own_script.h"
#include "boot/script.h"
#include "dhcp/memory.h"
#include "dhcp/tell.h"
#include "sys/iface.h"
#include "sys/packet.h"
#include "sys/udp.h"

#define BATCH 64
/* Batches taken from one socket before TFTP and HTTP have their turn. */
#define BATCHES 8

struct dhcp_server {
	struct dhcp_config config;
	struct site site; /* ours without an --advertise that IPv4 cannot use */
	struct udp_batch *batch;
	struct memory *memory;
	struct activity activity;
	struct loop_fd server, ear, pxe, rivals;
	struct quota lines; /* a DISCOVER costs its sender nothing */
};

/* A request being answered, and all that is found out about it on the way. */
struct visit {
	struct dhcp_server *server;
	const struct udp_dgram *dgram;
	struct mono now;
	struct proxy_ask ask;
	struct proxy_known known;
	struct netaddr local; /* what the reply is sent from */
	struct machine *machine;
	char label[MAC_TEXT + 32];
	char iface[IF_NAMESIZE];
	char base[BASE_TEXT];
	char slot[256]; /* how to fill the ROM's slot */
};

/* The log. */

/* As every other server writes it: "00-11-22-33-44-55". */
static void
put_label(char *label, size_t cap, const struct machine_key *key)
{
	struct writer w = writer_of(label, cap - 1);

	for (unsigned i = 0; i < key->len; i++)
		wr_fmt(&w, i ? "-%02x" : "%02x", key->addr[i]);
	label[w.len] = '\0';
}

static enum log_level
line_level(struct dhcp_server *s, struct mono now, enum log_level level)
{
	return quota_level(&s->lines, "dhcp-flood", level, now);
}

static void
log_silence(struct visit *v, enum proxy_silence silence)
{
	const char *why = proxy_silence_text(silence);
	enum log_level level = LEVEL_DEBUG;

	/* Machines that would boot if somebody did something. */
	if (silence == PROXY_EMPTY_SLOT || silence == PROXY_NO_ROM)
		level = LEVEL_WARNING;
	else if (silence == PROXY_UNKNOWN_MACHINE || silence == PROXY_IGNORED)
		level = LEVEL_INFO;
	if (level == LEVEL_DEBUG) {
		log_drop(v->label, "dhcp", why, PEER("peer", &v->dgram->path.peer),
			STR("on", v->iface));
		return;
	}
	level = line_level(v->server, v->now, level);
	LOG_AT(level, v->label, "dhcp-silent",
		STR("client", proxy_client_text(v->ask.client)),
		NUM("arch", v->ask.arch_number), STR("on", v->iface),
		STR("why", *v->slot ? v->slot : why));
}

static void
log_reply(struct visit *v, const struct proxy_reply *r, const struct netaddr *to)
{
	enum log_level level = line_level(v->server, v->now, LEVEL_INFO);

	LOG_AT(level, v->label, r->type == DHCP_OFFER ? "dhcp-offer" : "dhcp-ack",
		STR("client", proxy_client_text(v->ask.client)),
		NUM("arch", v->ask.arch_number),
		STR("is", v->ask.arch ? v->ask.arch->name : "unknown"),
		STR("file", r->file), STR("how", r->row->words), STR("on", v->iface),
		PEER("to", to));
}

/* What we know. */

static bool
is_wanted(const struct dhcp_server *s, const char *iface)
{
	for (unsigned i = 0; i < s->config.n_interfaces; i++)
		if (strcmp(s->config.interfaces[i], iface) == 0)
			return true;
	return s->config.n_interfaces == 0;
}

/*
 * A datagram from somebody with an address was sent to one of ours, and that is the
 * one to answer from. A broadcast from nobody was not: the interface's first then.
 */
static bool
find_local(struct visit *v)
{
	const struct udp_path *path = &v->dgram->path;
	bool has_sender = !netaddr_is_wildcard(&path->peer);

	v->local = path->local;
	if (has_sender && !dhcp_no_addr(netaddr_v4(&v->local)))
		return true;
	return iface_addr4(v->server->config.sockets.pxe, v->iface, &v->local);
}

/* Where the machine reaches us: --advertise, else where TFTP listens, else here. */
static void
find_self(struct visit *v)
{
	const struct dhcp_server *s = v->server;
	struct asked asked = {.query = ""};
	struct netaddr self = v->local;

	if (s->site.advertise.sa.sa_family == AF_INET)
		self = s->site.advertise;
	else if (s->config.tftp.sa.sa_family == AF_INET)
		self = s->config.tftp;
	asked.reached = self;
	v->known.self = netaddr_v4(&self);
	v->known.base = script_base(&s->site, &asked, v->base);
}

/* Asked of resolve(), which TFTP will ask too: its word on a slot is the one to give. */
static void
find_rom(struct visit *v)
{
	const char *rom = v->ask.arch ? v->ask.arch->rom : NULL;
	struct asked asked = {.name = rom, .query = ""};
	struct resolution r;

	if (rom == NULL || v->ask.client == PROXY_IPXE || v->ask.client == PROXY_PI)
		return;
	asked.len = strlen(rom);
	asked.reached = v->local;
	resolve(&v->server->site, &asked, &r);
	if (r.kind != RESOLVED_CONTENT) {
		v->known.rom_missing = true;
		snprintf(v->slot, sizeof(v->slot), "%.250s", r.note);
	}
	resolution_done(&r);
}

/* By its serial number no machine asks DHCP. */
static struct machine_names
names_in(const struct dhcp_pkt *pkt)
{
	struct machine_names names = {0};

	if (pkt->head.hlen == sizeof(names.mac.b))
		memcpy(names.mac.b, pkt->head.chaddr, sizeof(names.mac.b));
	names.has_uuid = pxe_guid(pkt, &names.uuid) && !uuid_is_nil(&names.uuid);
	return names;
}

static bool
has_script(const struct dhcp_server *s, const struct dhcp_pkt *pkt)
{
	struct machine_names names = names_in(pkt);
	char found[256];

	return machine_script_find(s->site.scripts, &names, found);
}

/* A machine whose state is `local` is answered: iPXE then tells it so. */
static bool
is_ignored(const struct dhcp_server *s, const struct dhcp_pkt *pkt)
{
	struct machine_names names = names_in(pkt);

	if (s->site.registry == NULL || pkt->head.hlen != sizeof(names.mac.b))
		return false;
	return own_script_state(&s->site, &names) == STATE_IGNORE;
}

static void
find_known(struct visit *v)
{
	const struct dhcp_server *s = v->server;

	find_self(v);
	find_rom(v);
	v->known.known_only = s->config.known_only;
	v->known.is_known = !s->config.known_only || has_script(s, v->ask.pkt);
	v->known.is_ignored = is_ignored(s, v->ask.pkt);
	v->known.attempt = machine_attempt(v->machine, v->ask.client, v->now);
}

/* Learning. */

static void
moved_on(struct dhcp_server *s, struct machine *machine, const char *to)
{
	struct mono now = loop_now(s->config.loop);
	const struct proxy_row *row = memory_moved_on(s->memory, machine, now);
	char label[MAC_TEXT + 32];

	if (row == NULL)
		return;
	put_label(label, sizeof(label), machine_key(machine));
	log_info(label, "dhcp-learned", STR("client", proxy_client_text(row->client)),
		STR("boots-by", row->words), STR("went-on-to", to));
}

static void
on_activity(void *arg, const struct who *who, const struct netaddr *peer)
{
	struct dhcp_server *s = arg;
	struct machine_key key = machine_key_mac(&who->mac);
	struct machine *machine = who->has_mac ? memory_find(s->memory, &key) : NULL;

	if (machine == NULL)
		machine = memory_find_addr(s->memory, netaddr_v4(peer));
	if (machine != NULL)
		moved_on(s, machine, "TFTP or HTTP");
}

/* What a REQUEST tells us even when it is none of our business: an address. */
static void
note_address(struct visit *v)
{
	const struct dhcp_pkt *pkt = v->ask.pkt;
	be32 addr = pkt->head.ciaddr;

	if (v->machine == NULL || pkt->type != DHCP_REQUEST)
		return;
	if (dhcp_no_addr(addr) && !dhcp_get_addr(pkt, OPT_REQUESTED_ADDR, &addr))
		return;
	memory_set_addr(v->server->memory, v->machine, addr);
}

static void
note_offer(struct visit *v, const struct proxy_reply *r)
{
	struct dhcp_server *s = v->server;
	struct machine_key key = machine_key_of(&v->ask.pkt->head);

	if (r->type != DHCP_OFFER)
		return;
	v->machine = memory_meet(s->memory, &key);
	if (machine_offered(v->machine, v->ask.client, v->now))
		LOG_AT(line_level(s, v->now, LEVEL_INFO), v->label, "dhcp-retry",
			STR("why", "it did not go on after earlier offers"),
			STR("now", r->row->words));
}

/* Answers. */

static struct netaddr
destination(const struct visit *v)
{
	const struct dhcp_head *h = &v->ask.pkt->head;
	const struct netaddr *peer = &v->dgram->path.peer;

	switch (proxy_way(&v->ask, !netaddr_is_wildcard(peer))) {
	case PROXY_TO_RELAY:
		return netaddr_of_v4(h->giaddr, DHCP_SERVER_PORT);
	case PROXY_TO_SENDER:
		return *peer;
	case PROXY_TO_CLIENT:
		return netaddr_of_v4(h->ciaddr, DHCP_CLIENT_PORT);
	default:
		return netaddr_of_v4(be32_from(INADDR_BROADCAST), DHCP_CLIENT_PORT);
	}
}

static int
send_reply(const struct visit *v, const struct netaddr *to, const void *data, size_t len)
{
	const struct dhcp_sockets *fds = &v->server->config.sockets;
	struct udp_path path = {
		.peer = *to, .local = v->local, .ifindex = v->dgram->path.ifindex};

	if (v->ask.on_4011)
		return udp_send(fds->pxe, &path, data, len);
	if (fds->server >= 0)
		return udp_send(fds->server, &path, data, len);
	return packet_send(fds->mouth, DHCP_SERVER_PORT, &path, data, len);
}

static void
answer(struct visit *v, const struct proxy_reply *r)
{
	uint8_t packet[DHCP_DATAGRAM_MAX];
	size_t len = proxy_write(packet, sizeof(packet), &v->ask, &v->known, r);
	struct netaddr to = destination(v);
	int err;

	if (len == 0) {
		log_drop(v->label, "dhcp", "no room for the reply beside option 82");
		return;
	}
	err = send_reply(v, &to, packet, len);
	if (err < 0) {
		log_drop(v->label, "dhcp", strerror(-err), PEER("to", &to),
			STR("on", v->iface));
		return;
	}
	note_offer(v, r);
	log_reply(v, r, &to);
	dhcp_tell_answered(v->server->site.registry, &v->ask, r);
}

static void
on_packet(struct visit *v, const struct dhcp_pkt *pkt, bool on_4011)
{
	enum proxy_silence silence = proxy_read(&v->ask, pkt, on_4011);
	struct machine_key key = machine_key_of(&pkt->head);
	struct proxy_reply reply;

	put_label(v->label, sizeof(v->label), &key);
	if (!is_wanted(v->server, v->iface)) {
		log_drop(v->label, "dhcp", "not an interface of --proxy-dhcp",
			STR("on", v->iface));
		return;
	}
	v->machine = memory_find(v->server->memory, &key);
	note_address(v);
	if (silence == PROXY_ANSWER || silence == PROXY_OTHER_SERVER)
		dhcp_tell_asked(v->server->site.registry, &v->ask);
	if (silence == PROXY_ANSWER) {
		if (find_local(v))
			find_known(v);
		silence = proxy_decide(&v->ask, &v->known, &reply);
	}
	if (silence != PROXY_ANSWER) {
		log_silence(v, silence);
		dhcp_tell_silent(v->server->site.registry, &v->ask, silence,
			*v->slot ? v->slot : proxy_silence_text(silence));
		return;
	}
	if (on_4011 && v->machine != NULL)
		moved_on(v->server, v->machine, "port 4011");
	answer(v, &reply);
}

static void
on_datagram(struct dhcp_server *s, const struct udp_dgram *d, bool on_4011)
{
	struct visit v = {.server = s, .dgram = d, .now = loop_now(s->config.loop)};
	struct dhcp_pkt pkt;
	enum dhcp_fault fault =
		d->truncated ? DHCP_TOO_LONG : dhcp_parse(d->data, d->len, &pkt);

	if (!iface_name(s->config.sockets.pxe, d->path.ifindex, v.iface))
		strcpy(v.iface, "?");
	if (fault != DHCP_FINE) {
		log_drop(NULL, "dhcp", dhcp_fault_text(fault),
			PEER("peer", &d->path.peer), STR("on", v.iface),
			NUM("bytes", d->len));
		return;
	}
	on_packet(&v, &pkt, on_4011);
}

/* Sockets. */

static void
drain(struct dhcp_server *s, int fd, bool on_4011)
{
	int n = BATCH;

	for (int round = 0; round < BATCHES && n == BATCH; round++) {
		n = udp_recv(fd, s->batch);
		if (n < 0)
			log_error(NULL, "dhcp-receive", STR("why", strerror(-n)));
		for (int i = 0; i < n; i++) {
			struct udp_dgram d = udp_batch_get(s->batch, (unsigned)i);

			on_datagram(s, &d, on_4011);
		}
	}
}

static void
on_server(void *arg)
{
	struct dhcp_server *s = arg;

	drain(s, s->config.sockets.server, false);
}

static void
on_pxe(void *arg)
{
	struct dhcp_server *s = arg;

	drain(s, s->config.sockets.pxe, true);
}

static void
on_ear(void *arg)
{
	struct dhcp_server *s = arg;
	uint8_t buf[DHCP_DATAGRAM_MAX + 64];
	struct udp_dgram d;
	int n = 1;

	for (int i = 0; i < BATCH * BATCHES && n > 0; i++) {
		n = packet_recv(s->config.sockets.ear, buf, sizeof(buf), &d);
		if (n < 0)
			log_error(NULL, "dhcp-receive", STR("why", strerror(-n)));
		else if (n > 0)
			on_datagram(s, &d, false);
	}
}

/* Another server's word to a machine that asks us too: only heard. */
static void
on_rivals(void *arg)
{
	struct dhcp_server *s = arg;
	uint8_t buf[DHCP_DATAGRAM_MAX + 64];
	struct dhcp_pkt pkt;
	struct udp_dgram d;

	for (int i = 0; i < BATCH; i++) {
		if (packet_recv(s->config.sockets.rivals, buf, sizeof(buf), &d) <= 0)
			return;
		if (dhcp_parse(d.data, d.len, &pkt) == DHCP_FINE)
			dhcp_tell_rival(s->site.registry, &pkt, &d.path.peer);
	}
}

static int
watch(struct dhcp_server *s, struct loop_fd *w, int fd, void (*ready)(void *))
{
	return fd < 0 ? 0 : loop_fd_read(s->config.loop, w, fd, ready, s);
}

struct dhcp_server *
dhcp_server_new(const struct dhcp_config *config)
{
	struct dhcp_server *s = calloc(1, sizeof(*s));
	struct dhcp_sockets fds = config->sockets;

	if (s == NULL) {
		dhcp_sockets_close(&fds);
		return NULL;
	}
	s->config = *config;
	s->site = *config->site;
	if (s->site.advertise.sa.sa_family == AF_INET6)
		s->site.advertise.sa.sa_family = AF_UNSPEC;
	s->activity = (struct activity){on_activity, s};
	s->batch = udp_batch_new(BATCH, DHCP_DATAGRAM_MAX + 1);
	s->memory = memory_new(MEMORY_SLOTS);
	if (s->batch == NULL || s->memory == NULL ||
		watch(s, &s->server, fds.server, on_server) < 0 ||
		watch(s, &s->ear, fds.ear, on_ear) < 0 ||
		watch(s, &s->pxe, fds.pxe, on_pxe) < 0 ||
		watch(s, &s->rivals, fds.rivals, on_rivals) < 0) {
		dhcp_server_free(s);
		return NULL;
	}
	return s;
}

void
dhcp_server_free(struct dhcp_server *s)
{
	if (s == NULL)
		return;
	loop_fd_del(&s->server);
	loop_fd_del(&s->ear);
	loop_fd_del(&s->pxe);
	loop_fd_del(&s->rivals);
	dhcp_sockets_close(&s->config.sockets);
	udp_batch_free(s->batch);
	memory_free(s->memory);
	quota_end(&s->lines, "dhcp-flood");
	free(s);
}

const struct activity *
dhcp_server_activity(const struct dhcp_server *s)
{
	return &s->activity;
}
