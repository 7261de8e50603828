#include "http/readers.h"

void
readers_init(struct readers *r)
{
	pthread_mutex_init(&r->lock, NULL);
	r->n = 0;
}

void
readers_deinit(struct readers *r)
{
	pthread_mutex_destroy(&r->lock);
}

static bool
is_same(const struct netaddr *a, const struct netaddr *b)
{
	return a->sa.sa_family == b->sa.sa_family &&
	       (a->sa.sa_family == AF_UNIX || netaddr_same_host(a, b));
}

static unsigned
count_of(const struct readers *r, const struct netaddr *host)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += is_same(&r->of[i], host);
	return n;
}

enum readers_room
readers_join(struct readers *r, const struct netaddr *host)
{
	enum readers_room room = READERS_ROOM;

	pthread_mutex_lock(&r->lock);
	if (r->n == READERS_MAX)
		room = READERS_FULL;
	else if (host->sa.sa_family != AF_UNIX && count_of(r, host) >= READERS_PER_ADDRESS)
		room = READERS_TOO_MANY_THERE;
	else
		r->of[r->n++] = *host;
	pthread_mutex_unlock(&r->lock);
	return room;
}

void
readers_leave(struct readers *r, const struct netaddr *host)
{
	unsigned i = 0;

	pthread_mutex_lock(&r->lock);
	while (i < r->n && !is_same(&r->of[i], host))
		i++;
	if (i < r->n)
		r->of[i] = r->of[--r->n];
	pthread_mutex_unlock(&r->lock);
}

unsigned
readers_count(struct readers *r)
{
	unsigned n;

	pthread_mutex_lock(&r->lock);
	n = r->n;
	pthread_mutex_unlock(&r->lock);
	return n;
}
