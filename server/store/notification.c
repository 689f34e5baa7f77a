#include <stdio.h>
#include <string.h>
#include "store/notification.h"

static bool printable(const char *text)
{
	size_t n = 0;

	for (; text[n] >= ' ' && text[n] <= '~'; n++)
		;
	return text[n] == '\0' && n <= STORE_TEXT_MAX;
}

static bool is_digest(const char *text)
{
	const size_t n = 2 * OFA_SHA256_BYTES;

	return strspn(text, "0123456789abcdef") == n && text[n] == '\0';
}

static bool fits(enum store_topic topic, const char *text)
{
	switch (topic) {
	case STORE_TOPIC_TOKENS:
		return *text == '\0';
	case STORE_TOPIC_DELIVERY:
		return is_digest(text);
	case STORE_TOPIC_PROFILE:
	case STORE_TOPIC_JOB:
		return *text && printable(text);
	case STORE_TOPIC_COUNT:
		break;
	}
	return false;
}

bool notification_format(enum store_topic topic, const char *text, char out[NOTIFICATION_MAX])
{
	if (!fits(topic, text))
		return false;
	snprintf(out, NOTIFICATION_MAX, "%s%s%s", store_topic_name(topic), *text ? " " : "", text);
	return true;
}

bool notification_parse(const char *payload, enum store_topic *ret_topic, const char **ret_text)
{
	size_t n = strcspn(payload, " ");
	const char *text = payload + n + (payload[n] == ' ');

	if (payload[n] == ' ' && *text == '\0')
		return false;
	for (int i = 0; i < STORE_TOPIC_COUNT; i++) {
		const char *name = store_topic_name((enum store_topic)i);

		if (strlen(name) != n || memcmp(name, payload, n) != 0)
			continue;
		if (!fits((enum store_topic)i, text))
			return false;
		*ret_topic = (enum store_topic)i;
		*ret_text = text;
		return true;
	}
	return false;
}
