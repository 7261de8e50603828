#include "http/clients.h"

#include <stdlib.h>
#include <string.h>

static struct client **
bucket_of(struct clients *all, const struct netaddr *host)
{
	return &all->bucket[netaddr_hash(host) % CLIENT_BUCKETS];
}

struct client *
client_join(struct clients *all, const struct netaddr *peer)
{
	struct netaddr host = *peer, control = {.sa.sa_family = AF_UNIX};
	struct client **bucket, *client;

	if (host.sa.sa_family == AF_UNIX)
		host = control; /* one client, however its socket is called */
	netaddr_set_port(&host, 0);
	bucket = bucket_of(all, &host);
	for (client = *bucket; client != NULL; client = client->next)
		if (netaddr_same_host(&client->host, &host)) {
			client->conns++;
			return client;
		}
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return NULL;
	client->host = host;
	if (host.sa.sa_family == AF_UNIX) {
		strcpy(client->who.label, "control");
		client->known = true;
	}
	client->conns = 1;
	client->next = *bucket;
	*bucket = client;
	return client;
}

void
client_leave(struct clients *all, struct client *client)
{
	struct client **at = bucket_of(all, &client->host);

	if (--client->conns > 0)
		return;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	free(client);
}

const struct who *
client_who(struct client *client)
{
	if (!client->known)
		identify(&client->who, &client->host, 0);
	client->known = true;
	return &client->who;
}
