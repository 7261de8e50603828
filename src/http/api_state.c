/* What an admin changes: a machine's state, or that it is forgotten. */
#include <string.h>

#include "base/log.h"
#include "http/api_inside.h"
#include "http/shape.h"

static const char in_memory[] = "it holds now, but could not be written to the database "
				"yet; pixie's log says why";

/* Who says to have done it, as the timeline shows it. */
static const char *
by_of(const struct call *call, const json_t *body)
{
	const char *by = json_string_value(json_object_get(body, "by"));

	if (by != NULL && (strcmp(by, "page") == 0 || strcmp(by, "cli") == 0))
		return by;
	return call->control ? "socket" : "api";
}

static const char *
parse(const struct call *call, json_t **body, enum machine_state *state)
{
	json_error_t error;
	const json_t *word;

	*body = json_loadb(call->body, call->body_len, JSON_REJECT_DUPLICATES, &error);
	if (*body == NULL)
		return "the body is not JSON";
	word = json_object_get(*body, "state");
	if (!json_is_string(word) || !machine_state_parse(json_string_value(word),
					     json_string_length(word), state))
		return "write {\"state\": \"boot\"}, or once, local or ignore";
	return NULL;
}

/* The registry's generation that must be on disk; 0: there was no room for it. */
static uint64_t
change(const struct call *call, enum machine_state state, const char *by)
{
	char who[MAC_TEXT];

	log_info(mac_text(&call->mac, who), "state-set",
		STR("state", machine_state_text(state)), STR("by", by));
	return registry_set_state(call->api->o.registry, &call->mac, state, by);
}

/* Of the machine that is to be changed; one that was never heard of has only a MAC. */
static bool
whose(struct call *call)
{
	struct machine_view m;

	if (mac_parse(call->id, strlen(call->id), &call->mac))
		return true;
	if (!api_find(call->api, call->id, &m) || !m.has_mac)
		return false;
	call->mac = m.mac;
	return true;
}

static void
answer_changed(struct call *call, json_t *o)
{
	if (!call->is_durable)
		json_object_set_new(o, "warning", json_string(in_memory));
	call_json(call, call->is_durable ? 200 : 202, o);
}

static bool
answer_state(struct call *call)
{
	struct machine_view m;

	if (!api_machine_by_mac(call->api, &call->mac, &m)) {
		call_error(call, 503, "no room for another machine");
		return true;
	}
	answer_changed(call, api_machine(call->api, &m, NULL));
	return true;
}

static bool
answer_forgotten(struct call *call)
{
	char id[MAC_TEXT];
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(mac_text(&call->mac, id)));
	json_object_set_new(o, "forgotten", json_true());
	answer_changed(call, o);
	return true;
}

/* In a thread of the store's, which others wait for: answers are the clerk's. */
static void
on_durable(void *arg, bool ok)
{
	struct call *call = arg;

	call->is_durable = ok;
	call_again(call);
}

/* Answered when it is on disk: the store says when, at once if it is "none". */
static bool
acknowledge(struct call *call, uint64_t generation, bool (*answer)(struct call *call))
{
	if (call->api->o.store == NULL) {
		call->is_durable = true;
		return answer(call);
	}
	call->answer = answer;
	store_when_durable(call->api->o.store, generation, on_durable, call);
	return false;
}

bool
state_call(struct call *call)
{
	enum machine_state state = STATE_BOOT;
	json_t *body;
	const char *wrong = parse(call, &body, &state);
	uint64_t generation = 0;

	if (wrong != NULL)
		call_error(call, 422, "%s", wrong);
	else if (!whose(call))
		call_error(call, 404,
			"no machine whose MAC is known has the address '%s'; name it by "
			"its card's MAC",
			call->id);
	else if (!mac_is_of_a_card(&call->mac))
		call_error(call, 404, "no card has the address '%s'", call->id);
	else
		generation = change(call, state, by_of(call, body));
	json_decref(body);
	if (call->status != 0)
		return true;
	return acknowledge(call, generation, answer_state);
}

/* One that is being sent something is not forgotten: it would be heard of at once. */
static void
not_forgotten(struct call *call, bool is_known)
{
	if (is_known)
		call_error(call, 409,
			"a transfer to '%s' is under way; try again when it is over",
			call->id);
	else
		call_error(call, 404, "no machine '%s' has been heard of", call->id);
}

bool
forget_call(struct call *call)
{
	uint64_t generation = 0;
	struct machine_view m;
	char who[MAC_TEXT];
	bool is_known = api_find(call->api, call->id, &m) && m.has_mac;

	if (is_known) {
		call->mac = m.mac;
		generation = registry_forget(call->api->o.registry, &call->mac);
	}
	if (generation == 0) {
		not_forgotten(call, is_known);
		return true;
	}
	log_info(mac_text(&call->mac, who), "machine-forgotten",
		STR("by", by_of(call, NULL)));
	return acknowledge(call, generation, answer_forgotten);
}
