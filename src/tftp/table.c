#include "tftp/table.h"

#include <errno.h>
#include <stdlib.h>

#include "tftp/ports.h"
#include "tftp/transfer.h"

#define FIRST_BUCKETS 1024
#define CACHE_LINE 64

int
table_init(struct table *table)
{
	table->n = FIRST_BUCKETS;
	table->buckets = calloc(table->n, sizeof(*table->buckets));
	return table->buckets ? 0 : -ENOMEM;
}

void
table_free(struct table *table)
{
	free(table->buckets);
	table->buckets = NULL;
}

static struct transfer **
bucket_of(const struct table *table, const struct netaddr *peer)
{
	return &table->buckets[netaddr_hash(peer) & (table->n - 1)];
}

struct transfer *
table_find(const struct table *table, const struct netaddr *peer, const struct port *port)
{
	struct transfer *t = *bucket_of(table, peer);

	while (t != NULL && (t->port != port || !netaddr_equal(&t->path.peer, peer)))
		t = t->chain;
	return t;
}

struct transfer *
table_find_running(
	const struct table *table, const struct netaddr *peer, const struct listener *l)
{
	struct transfer *t = *bucket_of(table, peer);

	while (t != NULL &&
		(t->session.outcome != TFTP_RUNNING || t->port->listener != l ||
			!netaddr_equal(&t->path.peer, peer)))
		t = t->chain;
	return t;
}

void
table_expect_way(const struct table *table, const struct netaddr *peer)
{
	__builtin_prefetch(bucket_of(table, peer));
}

void
table_expect(const struct table *table, const struct netaddr *peer)
{
	const char *t = (const char *)*bucket_of(table, peer);

	for (size_t at = 0; t != NULL && at < TRANSFER_HOT; at += CACHE_LINE)
		__builtin_prefetch(t + at);
}

static void
rehash(struct table *table, size_t n)
{
	struct transfer **old = table->buckets, **grown = calloc(n, sizeof(*grown)), *t;
	size_t before = table->n;

	if (grown == NULL) /* longer chains, then */
		return;
	table->buckets = grown;
	table->n = n;
	for (size_t i = 0; i < before; i++)
		while ((t = old[i]) != NULL) {
			struct transfer **to = bucket_of(table, &t->path.peer);

			old[i] = t->chain;
			t->chain = *to;
			*to = t;
		}
	free(old);
}

void
table_put(struct table *table, struct transfer *t)
{
	struct transfer **bucket;

	if (2 * table->held >= table->n)
		rehash(table, 2 * table->n);
	bucket = bucket_of(table, &t->path.peer);
	t->chain = *bucket;
	*bucket = t;
	table->held++;
}

void
table_remove(struct table *table, struct transfer *t)
{
	struct transfer **at = bucket_of(table, &t->path.peer);

	while (*at != t)
		at = &(*at)->chain;
	*at = t->chain;
	table->held--;
}

unsigned *
table_host(struct table *table, const struct netaddr *peer)
{
	struct netaddr host = *peer;

	netaddr_set_port(&host, 0);
	return &table->per_host[netaddr_hash(&host) % TABLE_HOSTS];
}
