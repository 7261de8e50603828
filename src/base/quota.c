#include "base/quota.h"

static void
fill(struct quota *q, struct mono now)
{
	if (!q->begun)
		q->left = QUOTA_BURST;
	else
		q->left += (double)mono_since(now, q->at) / 1e6 * QUOTA_PER_SECOND;
	if (q->left > QUOTA_BURST)
		q->left = QUOTA_BURST;
	q->begun = true;
	q->at = now;
}

void
quota_end(struct quota *q, const char *event)
{
	if (q->left_out > 0)
		log_warning(NULL, event, NUM("lines-left-out", q->left_out));
	q->left_out = 0;
}

enum log_level
quota_level(struct quota *q, const char *event, enum log_level level, struct mono now)
{
	if (!log_on(level) || level == LEVEL_DEBUG)
		return level; /* costs no disk, or is asked for */
	fill(q, now);
	if (q->left < 1) {
		if (q->left_out++ == 0)
			q->told = now;
		return LEVEL_DEBUG;
	}
	q->left--;
	if (q->left_out > 0 && mono_since(now, q->told) >= QUOTA_TELL)
		quota_end(q, event);
	return level;
}
