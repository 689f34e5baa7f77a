#include <math.h>
#include <stdio.h>
#include <string.h>
#include "metrics/text.h"

#define NUMBER_MAX 32

void metrics_text_init(struct metrics_text *t, struct ofa_buf *buf)
{
	*t = (struct metrics_text){.buf = buf};
}

static void put(struct metrics_text *t, const char *text, size_t n)
{
	if (t->status == OFA_OK)
		t->status = ofa_buf_append(t->buf, text, n);
}

static void put_string(struct metrics_text *t, const char *text)
{
	put(t, text, strlen(text));
}

/* Bytes of the UTF-8 sequence at s, 0 when it is none. */
static size_t sequence(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (n == 4 && s[0] < 0xf0)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, past U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void put_value(struct metrics_text *t, const char *value)
{
	const char *s = value;

	while (*s) {
		size_t plain = strcspn(s, "\\\"\n"), n = 0, one;

		/* as far as it is UTF-8 */
		while (n < plain && (one = sequence((const unsigned char *)s + n)) > 0)
			n += one;
		put(t, s, n);
		s += n;
		if (*s == '\0')
			break;
		put_string(t, *s == '\\' ? "\\\\" : *s == '"' ? "\\\"" : *s == '\n' ? "\\n" : "?");
		s++;
	}
}

/* The text format has its own words for what is no number. */
static const char *format_number(double v, char out[NUMBER_MAX])
{
	if (isnan(v))
		return "NaN";
	if (isinf(v))
		return v > 0 ? "+Inf" : "-Inf";
	snprintf(out, NUMBER_MAX, v == floor(v) && fabs(v) < 9e15 ? "%.0f" : "%.9g", v);
	return out;
}

static void put_sample(struct metrics_text *t, const char *suffix, const struct metrics_label *labels, double value)
{
	char number[NUMBER_MAX];
	int n = 0;

	put_string(t, t->family);
	put_string(t, suffix);
	for (; labels && n < METRICS_LABELS_MAX && labels[n].name; n++) {
		put_string(t, n ? "," : "{");
		put_string(t, labels[n].name);
		put_string(t, "=\"");
		put_value(t, labels[n].value ? labels[n].value : "");
		put_string(t, "\"");
	}
	put_string(t, n ? "} " : " ");
	put_string(t, format_number(value, number));
	put_string(t, "\n");
}

void metrics_text_family(struct metrics_text *t, const char *name, const char *type, const char *help)
{
	t->family = name;
	if (t->status == OFA_OK)
		t->status = ofa_buf_printf(t->buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_text_sample(struct metrics_text *t, const struct metrics_label *labels, double value)
{
	put_sample(t, "", labels, value);
}

void metrics_text_histogram(struct metrics_text *t, const struct metrics_label *labels,
			    const struct metrics_histogram_reading *h)
{
	struct metrics_label with[METRICS_LABELS_MAX + 1] = {{0}};
	uint64_t up_to = 0;
	int n = 0;

	for (; labels && labels[n].name && n < METRICS_LABELS_MAX - 1; n++)
		with[n] = labels[n];
	with[n].name = "le";
	for (int b = 0; b <= METRICS_BOUNDS; b++) {
		char bound[NUMBER_MAX];

		up_to += h->bucket[b];
		with[n].value = format_number(b < METRICS_BOUNDS ? metrics_bounds[b] : INFINITY, bound);
		put_sample(t, "_bucket", with, (double)up_to);
	}
	put_sample(t, "_sum", labels, h->sum);
	put_sample(t, "_count", labels, (double)h->count);
}

void metrics_text_single(struct metrics_text *t, const char *name, const char *type, const char *help, double value)
{
	metrics_text_family(t, name, type, help);
	metrics_text_sample(t, NULL, value);
}
