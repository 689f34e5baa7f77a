/* What replicas tell each other, as it is on the way: "TOPIC" or "TOPIC TEXT", in printable ASCII. */
#ifndef OFAD_STORE_NOTIFICATION_H
#define OFAD_STORE_NOTIFICATION_H

#include "store/store.h"

#define NOTIFICATION_MAX (32 + STORE_TEXT_MAX)

/* False: the text is longer than STORE_TEXT_MAX, has characters that are not printable, or is not what the topic
 * wants. */
bool notification_format(enum store_topic topic, const char *text, char out[NOTIFICATION_MAX]);
/* *ret_text: the part of `payload` behind the topic, or "".  False: it is malformed, or of a later version's topic. */
bool notification_parse(const char *payload, enum store_topic *ret_topic, const char **ret_text);

#endif
