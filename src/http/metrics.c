/*
 * /metrics: Prometheus' text format, 0.0.4. The names are for ever; a table of them is
 * in doc/api.md.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/api_inside.h"
#include "machine/tally.h"

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: from our own tables, but escaped as if it were not. */
static void
put_label(FILE *out, const char *value)
{
	for (; *value != '\0'; value++)
		switch (*value) {
		case '\\':
			fputs("\\\\", out);
			break;
		case '"':
			fputs("\\\"", out);
			break;
		case '\n':
			fputs("\\n", out);
			break;
		default:
			putc_unlocked(*value, out);
		}
}

static void
single(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	family(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* One line for TFTP and one for HTTP. */
static void
by_via(FILE *out, const char *name, const char *help, const uint64_t values[VIAS])
{
	family(out, name, "counter", help);
	for (int via = VIA_TFTP; via <= VIA_HTTP; via++)
		fprintf(out, "%s{via=\"%s\"} %" PRIu64 "\n", name,
			transport_text((enum transport)via), values[via]);
}

/* Cumulative, as the format wants it. `labels`: "a=\"b\"," with its comma. */
static void
put_histogram(FILE *out, const char *name, const char *labels, int len,
	const struct histogram *h, const double bounds[BUCKETS])
{
	uint64_t n = 0;

	for (int i = 0; i < BUCKETS; i++) {
		n += h->counts[i];
		fprintf(out, "%s_bucket{%sle=\"%g\"} %" PRIu64 "\n", name, labels,
			bounds[i], n);
	}
	n += h->counts[BUCKETS];
	fprintf(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, n);
	fprintf(out, "%s_sum{%.*s} %.3f\n", name, len - 1, labels, h->sum);
	fprintf(out, "%s_count{%.*s} %" PRIu64 "\n", name, len - 1, labels, n);
}

static void
put_transfers(FILE *out, const struct tally_numbers *n)
{
	static const char name[] = "pixie_transfers_total";

	family(out, name, "counter", "Transfers that ended.");
	for (int via = VIA_TFTP; via <= VIA_HTTP; via++) {
		const char *text = transport_text((enum transport)via);

		fprintf(out, "%s{via=\"%s\",outcome=\"whole\"} %" PRIu64 "\n", name, text,
			n->whole[via]);
		fprintf(out, "%s{via=\"%s\",outcome=\"broken\"} %" PRIu64 "\n", name,
			text, n->broken[via]);
	}
	by_via(out, "pixie_transfer_bytes_total", "Bytes of files sent.", n->bytes);
	by_via(out, "pixie_packets_total", "Data packets, each counted once.",
		n->packets);
	by_via(out, "pixie_retransmissions_total", "Data packets sent again.", n->resent);
	family(out, "pixie_transfer_seconds", "histogram",
		"How long transfers took that came through whole.");
	for (int via = VIA_TFTP; via <= VIA_HTTP; via++) {
		char labels[32];
		int len = snprintf(labels, sizeof(labels), "via=\"%s\",",
			transport_text((enum transport)via));

		put_histogram(out, "pixie_transfer_seconds", labels, len, &n->took[via],
			transfer_bounds);
	}
}

static void
put_offers(FILE *out, const struct tally_numbers *n)
{
	family(out, "pixie_offers_total", "counter",
		"proxyDHCP answers by architecture (option 93) and strategy.");
	for (unsigned i = 0; i < n->n_offers; i++) {
		const struct offer_count *o = &n->offers[i];

		fputs("pixie_offers_total{arch=\"", out);
		if (o->arch >= 0)
			fprintf(out, "%d", o->arch);
		fputs("\",strategy=\"", out);
		put_label(out, o->strategy);
		fprintf(out, "\"} %" PRIu64 "\n", o->n);
	}
}

static void
put_verdicts(FILE *out, const struct tally_numbers *n)
{
	single(out, "pixie_boots_total", "counter", "Boots that began.",
		n->events[EV_BOOT]);
	family(out, "pixie_verdicts_total", "counter",
		"Verdicts on boots by outcome and reason; a boot may get several.");
	for (unsigned i = 0; i < n->n_verdicts; i++)
		fprintf(out,
			"pixie_verdicts_total{outcome=\"%s\",reason=\"%s\"} %" PRIu64
			"\n",
			n->verdicts[i].outcome, n->verdicts[i].reason, n->verdicts[i].n);
	family(out, "pixie_boot_seconds", "histogram",
		"From the begin of a boot to its verdict.");
	for (unsigned i = 0; i < n->n_verdicts; i++) {
		char labels[128];
		int len =
			snprintf(labels, sizeof(labels), "outcome=\"%s\",reason=\"%s\",",
				n->verdicts[i].outcome, n->verdicts[i].reason);

		put_histogram(out, "pixie_boot_seconds", labels, len,
			&n->verdicts[i].took, boot_bounds);
	}
}

static void
put_events(FILE *out, const struct tally_numbers *n)
{
	family(out, "pixie_events_total", "counter", "Events told, by kind.");
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
		fprintf(out, "pixie_events_total{kind=\"%s\"} %" PRIu64 "\n",
			event_kind_text((enum event_kind)kind), n->events[kind]);
}

static void
put_store(FILE *out, struct store *store)
{
	struct store_health health = {.ok = true};

	if (store != NULL)
		store_health(store, &health);
	single(out, "pixie_store_ok", "gauge", "Whether states and history are on disk.",
		health.ok);
	single(out, "pixie_store_written_total", "counter", "Events of history on disk.",
		health.written);
	single(out, "pixie_store_lost_total", "counter",
		"Events of history that were not written.", health.lost);
}

static void
put_server(FILE *out, struct api *api)
{
	size_t machines, transfers;

	registry_count(api->o.registry, &machines, &transfers);
	family(out, "pixie_build_info", "gauge", "The version, as a label.");
	fprintf(out, "pixie_build_info{version=\"%s\"} 1\n", api->o.version);
	family(out, "pixie_start_time_seconds", "gauge", "When pixie began.");
	fprintf(out, "pixie_start_time_seconds %.3f\n", (double)api->started_ms / 1000);
	single(out, "pixie_machines", "gauge", "Machines known.", machines);
	single(out, "pixie_transfers", "gauge", "Transfers under way.", transfers);
	single(out, "pixie_registry_bytes", "gauge", "Memory of the registry.",
		registry_memory(api->o.registry));
	single(out, "pixie_registry_dropped_total", "counter",
		"Events dropped for want of room.", registry_dropped(api->o.registry));
	single(out, "pixie_event_readers", "gauge", "Readers of /api/v1/events.",
		readers_count(&api->readers));
}

static void
put_all(FILE *out, struct api *api, struct tally_numbers *n)
{
	tally_read(registry_tally(api->o.registry), n);
	put_server(out, api);
	put_transfers(out, n);
	put_offers(out, n);
	put_verdicts(out, n);
	put_events(out, n);
	put_store(out, api->o.store);
}

bool
metrics_call(struct call *call)
{
	struct tally_numbers *n = malloc(sizeof(*n));
	FILE *out = n ? open_memstream(&call->text, &call->len) : NULL;

	if (out != NULL)
		put_all(out, call->api, n);
	free(n);
	if (out == NULL || fclose(out) != 0) {
		call_error(call, 503, "out of memory");
		return true;
	}
	call->status = 200;
	call->type = "text/plain; version=0.0.4; charset=utf-8";
	return true;
}
