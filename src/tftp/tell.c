#include "tftp/tell.h"

#include "tftp/transfer.h"

#define PROGRESS_BLOCKS 8

void
tftp_tell_begun(struct transfer *t, struct registry *r, const struct who *who)
{
	struct teller teller;

	if (r == NULL)
		return;
	teller_init(&teller, who, &t->path.peer);
	t->progress = registry_transfer_begin(r, &teller.who,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_TFTP,
			.arch = -1,
			.name = transfer_name(t),
			.total = t->session.size});
}

/* Every few blocks is often enough for who looks once a second. */
void
tftp_tell_progress(const struct transfer *t)
{
	if (t->progress != NULL && t->session.acked % PROGRESS_BLOCKS == 0)
		progress_set(t->progress, tftp_session_bytes(&t->session));
}

/*
 * EDK2 asks for the size, ends that with ERROR 8, and asks again; iPXE with ERROR 0: a
 * client that leaves before it has a byte only wanted to know.
 */
static enum event_kind
kind_of(enum tftp_outcome outcome, uint64_t bytes)
{
	if (outcome == TFTP_DONE || outcome == TFTP_DONE_UNCONFIRMED)
		return EV_SENT;
	return outcome == TFTP_ABORTED && bytes == 0 ? EV_PROBED : EV_FAILED;
}

void
tftp_tell_ended(struct transfer *t, struct registry *r)
{
	const struct tftp_session *s = &t->session;
	uint64_t bytes = tftp_session_bytes(s);
	enum event_kind kind = kind_of(s->outcome, bytes);

	registry_transfer_end(r, t->progress,
		&(struct event){.kind = kind,
			.via = VIA_TFTP,
			.arch = -1,
			.bytes = bytes,
			.total = s->size,
			.resent = (uint32_t)s->resent,
			.packets =
				(uint32_t)(bytes / (s->blksize ? s->blksize : 512)) + 1,
			.name = transfer_name(t),
			.text = kind == EV_FAILED ? tftp_outcome_text(s->outcome)
						  : NULL});
	t->progress = NULL;
}

static struct event
refusal(const struct resolution *res)
{
	bool missing = res->kind == RESOLVED_NOT_FOUND;

	return (struct event){.kind = missing ? EV_MISSING : EV_REFUSED,
		.via = VIA_TFTP,
		.arch = -1,
		.status = missing ? TFTP_E_NOT_FOUND : TFTP_E_ACCESS,
		.name = res->name,
		.text = res->note};
}

void
tftp_tell_refused(struct registry *r, const struct who *who, const struct netaddr *peer,
	const struct resolution *res)
{
	struct event e = refusal(res);
	struct teller teller;

	teller_init(&teller, who, peer);
	registry_tell(r, &teller.who, &e);
}
