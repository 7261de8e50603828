/* /machines and /machines/ID: who there is, and the story of one. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "http/api_inside.h"
#include "http/shape.h"
#include "http/story.h"

static const char *
script_of(const struct machine_view *m, const struct script_list *scripts)
{
	struct machine_names names = {
		.mac = m->mac, .uuid = m->uuid, .has_uuid = m->has_uuid};

	snprintf(names.serial, sizeof(names.serial), "%s", m->serial);
	return script_list_find(scripts, &names);
}

static bool
is_its(const struct machine_view *m, const struct transfer_view *t)
{
	return m->has_mac ? mac_equal(&m->mac, &t->mac)
			  : netaddr_same_host(&m->addr, &t->addr);
}

static json_t *
transfers_of(const struct machine_view *m, const struct transfer_view *all, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (is_its(m, &all[i]))
			json_array_append_new(list, shape_transfer(&all[i]));
	return list;
}

static json_t *
whole_machine(const struct machine_view *m, const struct script_list *scripts,
	const struct transfer_view *transfers, size_t n)
{
	json_t *o = shape_machine(m);

	json_object_set_new(o, "script", shape_text(script_of(m, scripts)));
	json_object_set_new(o, "transfers", transfers_of(m, transfers, n));
	return o;
}

json_t *
api_machine(
	struct api *api, const struct machine_view *m, const struct script_list *scripts)
{
	struct script_list *own = scripts ? NULL : script_list_read(api->o.site->scripts);
	size_t n = 0;
	struct transfer_view *all =
		registry_transfers(api->o.registry, m->has_mac ? &m->mac : NULL, &n);
	json_t *o = whole_machine(m, scripts ? scripts : own, all, n);

	free(all);
	script_list_free(own);
	return o;
}

/* Whether any of its names holds the text, in any case. */
static bool
is_like(const struct machine_view *m, const char *text)
{
	char names[MAC_TEXT + UUID_TEXT + NETADDR_TEXT + 512];
	char mac[MAC_TEXT], colons[MAC_TEXT], uuid[UUID_TEXT] = "", addr[NETADDR_TEXT];

	mac_text(&m->mac, mac);
	strcpy(colons, mac);
	for (char *c = colons; (c = strchr(c, '-')) != NULL;)
		*c = ':';
	if (m->has_uuid)
		uuid_text(&m->uuid, uuid);
	snprintf(names, sizeof(names), "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s", mac, colons,
		uuid, netaddr_host(&m->addr, addr), m->serial, m->product, m->vendor,
		m->firmware);
	return strcasestr(names, text) != NULL;
}

static int
by_mac(const void *a, const void *b)
{
	const struct transfer_view *x = a, *y = b;

	return memcmp(&x->mac, &y->mac, sizeof(x->mac));
}

/* Of the transfers, sorted by MAC: where those of this machine begin, and how many. */
static const struct transfer_view *
slice(const struct transfer_view *all, size_t n, const struct machine_view *m, size_t *of)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(&all[mid].mac, &m->mac, sizeof(m->mac)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo; hi < n && mac_equal(&all[hi].mac, &m->mac);)
		hi++;
	*of = hi - lo;
	return all + lo;
}

static json_t *
list_of(struct api *api, const char *text)
{
	struct script_list *scripts = script_list_read(api->o.site->scripts);
	size_t n = 0, n_transfers = 0;
	struct machine_view *all = registry_machines(api->o.registry, &n);
	struct transfer_view *transfers =
		registry_transfers(api->o.registry, NULL, &n_transfers);
	json_t *list = json_array();

	if (n_transfers > 0)
		qsort(transfers, n_transfers, sizeof(*transfers), by_mac);
	for (size_t i = 0; i < n; i++) {
		size_t of;
		const struct transfer_view *own =
			slice(transfers, n_transfers, &all[i], &of);

		if (*text == '\0' || is_like(&all[i], text))
			json_array_append_new(
				list, whole_machine(&all[i], scripts, own, of));
	}
	free(transfers);
	free(all);
	script_list_free(scripts);
	return list;
}

/* The number first: what happens while the list is made is told again, never missed. */
bool
machines_call(struct call *call)
{
	struct registry *registry = call->api->o.registry;
	char text[CALL_QUERY_MAX];
	json_t *o = json_object();

	if (!call_query(call, "q", text, sizeof(text)))
		text[0] = '\0';
	json_object_set_new(
		o, "seq", json_integer((json_int_t)registry_newest(registry)));
	json_object_set_new(o, "machines", list_of(call->api, text));
	call_json(call, 200, o);
	return true;
}

bool
machine_call(struct call *call)
{
	struct machine_view m;
	json_t *o;

	if (!api_look_up(call->api, call->id, &m)) {
		call_error(call, 404, "no machine '%s' has been heard of", call->id);
		return true;
	}
	o = api_machine(call->api, &m, NULL);
	story_add(call->api, &m, o);
	call_json(call, 200, o);
	return true;
}
