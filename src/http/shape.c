#include "http/shape.h"

#include <string.h>
#include <time.h>

#include "boot/arch.h"
#include "machine/say.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* `text` is not UTF-8: every byte that is not ASCII becomes U+FFFD, in 1 KiB at most. */
static json_t *
mended(const char *text)
{
	char clean[1024];
	size_t n = 0;

	for (; *text != '\0' && n + sizeof(REPLACEMENT) < sizeof(clean); text++)
		if ((unsigned char)*text < 0x80)
			clean[n++] = *text;
		else {
			memcpy(clean + n, REPLACEMENT, 3);
			n += 3;
		}
	return json_stringn(clean, n);
}

json_t *
shape_text(const char *text)
{
	json_t *value;

	if (text == NULL || *text == '\0')
		return json_null();
	value = json_string(text);
	return value ? value : mended(text);
}

const char *
shape_time_text(int64_t ms, char buf[static SHAPE_TIME])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(buf, SHAPE_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, SHAPE_TIME - n, ".%03uZ", (unsigned)(ms % 1000));
	return buf;
}

json_t *
shape_time(int64_t ms)
{
	char text[SHAPE_TIME];

	return ms > 0 ? json_string(shape_time_text(ms, text)) : json_null();
}

static bool
is_mac(const struct mac *mac)
{
	return !mac_equal(mac, &(struct mac){0});
}

const char *
shape_id(const struct mac *mac, const struct netaddr *addr, char buf[static SHAPE_ID])
{
	_Static_assert(SHAPE_ID >= MAC_TEXT, "a MAC fits");
	if (is_mac(mac))
		return mac_text(mac, buf);
	return netaddr_host(addr, buf);
}

static json_t *
shape_addr(const struct netaddr *addr)
{
	char text[NETADDR_TEXT];

	if (addr->sa.sa_family != AF_INET && addr->sa.sa_family != AF_INET6)
		return json_null();
	return json_string(netaddr_host(addr, text));
}

static json_t *
shape_arch(int16_t arch)
{
	return arch >= 0 ? json_integer(arch) : json_null();
}

static json_t *
shape_arch_name(int16_t arch)
{
	const struct arch *a = arch >= 0 ? arch_find((uint16_t)arch) : NULL;

	return shape_text(a ? a->name : NULL);
}

static json_t *
shape_macs(const struct machine_view *m)
{
	json_t *macs = json_array();
	char text[MAC_TEXT];

	for (unsigned i = 0; i < m->n_macs; i++)
		json_array_append_new(macs, json_string(mac_text(&m->macs[i], text)));
	return macs;
}

json_t *
shape_verdict(const char *code, const char *text, const char *next)
{
	json_t *v;

	if (code == NULL || *code == '\0')
		return json_null();
	v = json_object();
	json_object_set_new(v, "code", shape_text(code));
	json_object_set_new(v, "text", shape_text(text));
	json_object_set_new(v, "next", shape_text(next));
	return v;
}

json_t *
shape_boot(const struct machine_view *m)
{
	json_t *b;

	if (m->boot == 0)
		return json_null();
	b = json_object();
	json_object_set_new(b, "number", json_integer(m->boot));
	json_object_set_new(b, "began", shape_time(m->boot_ms));
	json_object_set_new(b, "ended", shape_time(m->boot_end_ms));
	json_object_set_new(b, "outcome", shape_text(m->outcome));
	json_object_set_new(
		b, "verdict", shape_verdict(m->verdict, m->verdict_text, m->next_step));
	return b;
}

static void
put_identity(json_t *o, const struct machine_view *m)
{
	char text[SHAPE_ID], uuid[UUID_TEXT];

	json_object_set_new(o, "id", json_string(shape_id(&m->mac, &m->addr, text)));
	json_object_set_new(o, "mac",
		m->has_mac ? json_string(mac_text(&m->mac, text)) : json_null());
	json_object_set_new(o, "macs", shape_macs(m));
	json_object_set_new(o, "uuid",
		m->has_uuid ? json_string(uuid_text(&m->uuid, uuid)) : json_null());
	json_object_set_new(o, "serial", shape_text(m->serial));
	json_object_set_new(o, "product", shape_text(m->product));
	json_object_set_new(o, "vendor", shape_text(m->vendor));
	json_object_set_new(o, "arch", shape_arch(m->arch));
	json_object_set_new(o, "arch_name", shape_arch_name(m->arch));
	json_object_set_new(o, "firmware", shape_text(m->firmware));
	json_object_set_new(o, "address", shape_addr(&m->addr));
}

json_t *
shape_machine(const struct machine_view *m)
{
	json_t *o = json_object();

	put_identity(o, m);
	json_object_set_new(o, "first_seen", shape_time(m->first_ms));
	json_object_set_new(o, "last_seen", shape_time(m->last_ms));
	json_object_set_new(o, "state", json_string(machine_state_text(m->state)));
	json_object_set_new(o, "state_by", shape_text(m->state_by));
	json_object_set_new(o, "once_used", json_boolean(m->once_used));
	json_object_set_new(o, "boot", shape_boot(m));
	return o;
}

json_t *
shape_transfer(const struct transfer_view *t)
{
	json_t *o = json_object();
	char id[SHAPE_ID];

	json_object_set_new(o, "id", json_string(shape_id(&t->mac, &t->addr, id)));
	json_object_set_new(o, "name", shape_text(t->name));
	json_object_set_new(o, "via", shape_text(transport_text(t->via)));
	json_object_set_new(o, "bytes", json_integer((json_int_t)t->bytes));
	json_object_set_new(
		o, "total", t->total ? json_integer((json_int_t)t->total) : json_null());
	json_object_set_new(o, "rate", json_integer((json_int_t)t->rate));
	json_object_set_new(o, "began", shape_time(t->began_ms));
	return o;
}

static void
put_number(json_t *o, const char *name, uint64_t value)
{
	if (value != 0)
		json_object_set_new(o, name, json_integer((json_int_t)value));
}

static void
put_text(json_t *o, const char *name, const char *text)
{
	if (text != NULL && *text != '\0')
		json_object_set_new(o, name, shape_text(text));
}

/* What it has not is left out: events are many. */
json_t *
shape_event(const struct event *e)
{
	json_t *o = json_object();
	char id[SHAPE_ID], say[SAY_MAX];

	json_object_set_new(o, "seq", json_integer((json_int_t)e->seq));
	json_object_set_new(o, "time", shape_time(e->wall_ms));
	if (is_mac(&e->mac) || e->addr.sa.sa_family != AF_UNSPEC)
		put_text(o, "id", shape_id(&e->mac, &e->addr, id));
	put_number(o, "boot", e->boot);
	put_text(o, "kind", event_kind_text(e->kind));
	put_text(o, "via", transport_text(e->via));
	put_text(o, "name", e->name);
	put_text(o, "text", e->text);
	put_number(o, "bytes", e->bytes);
	put_number(o, "total", e->total);
	put_number(o, "resent", e->resent);
	put_number(o, "status", e->status);
	if (e->arch >= 0)
		json_object_set_new(o, "arch", json_integer(e->arch));
	put_number(o, "ms", e->ms);
	put_text(o, "say", event_say(e, say));
	return o;
}
