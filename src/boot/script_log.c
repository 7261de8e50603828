#include "boot/script_log.h"

#include <pthread.h>

#include "base/quota.h"

#define FLOOD "script-flood"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct quota lines;

enum log_level
script_log_level(void)
{
	enum log_level level;

	pthread_mutex_lock(&lock);
	level = quota_level(&lines, FLOOD, LEVEL_WARNING, mono_now());
	pthread_mutex_unlock(&lock);
	return level;
}

void
script_log_end(void)
{
	pthread_mutex_lock(&lock);
	quota_end(&lines, FLOOD);
	pthread_mutex_unlock(&lock);
}
