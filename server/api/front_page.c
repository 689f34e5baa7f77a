#include <math.h>
#include <stdio.h>
#include <string.h>
#include "api/body.h"
#include "api/html.h"
#include "api/problem.h"
#include "api/query.h"
#include "api/resources.h"

#define PAGE_MAX ((size_t)8 << 20)
/* Profiles that the form offers. */
#define PROFILES_MAX 1000
#define ARCH_MAX 1024

/* Nothing is loaded but the style sheet, and nothing runs. */
#define POLICY "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

static const struct {
	const char *title, *word, *unit; /* word: within a sentence */
} resources[OFA_RESOURCE_COUNT] = {
	[OFA_LATENCY_MS] = {"Latency", "latency", "ms"},
	[OFA_MACS] = {"MACs", "MACs", NULL},
	[OFA_PEAK_MEMORY_BYTES] = {"Peak memory", "peak memory", "bytes"},
	[OFA_STORAGE_BYTES] = {"Package size", "package size", "bytes"},
};

/* What the page says: a front, or an error. */
struct front_page {
	struct app *app;
	struct http_call *call;
	struct html html;
	struct query_front q; /* after an error: what was understood */
	char reference[OFA_PROFILE_NAME_MAX + 16]; /* of the profile, as it was asked for */
	bool listed;          /* is it among those that the form offers? */
	unsigned offered;
	const char *field;    /* the control to blame, or "" */
};

/* ---- the form ---- */

static void add_option(struct html *h, const char *value, const char *title, bool selected)
{
	html_markup(h, "<option value=\"");
	html_text(h, value);
	html_markup(h, selected ? "\" selected=\"selected\">" : "\">");
	html_text(h, title);
	html_markup(h, "</option>\n");
}

static void open_select(struct front_page *p, const char *name, const char *title)
{
	struct html *h = &p->html;

	html_markup(h, "<p><label for=\"");
	html_text(h, name);
	html_markup(h, "\">");
	html_text(h, title);
	html_markup(h, "</label>\n<select id=\"");
	html_text(h, name);
	html_markup(h, "\" name=\"");
	html_text(h, name);
	if (strcmp(p->field, name) == 0)
		html_markup(h, "\" aria-invalid=\"true\" aria-describedby=\"problem");
	html_markup(h, "\">\n");
}

static void close_select(struct front_page *p)
{
	html_markup(&p->html, "</select></p>\n");
}

static void add_networks(struct front_page *p)
{
	open_select(p, "network", "Network");
	for (size_t i = 0; i < p->app->networks->n; i++) {
		const struct network *n = &p->app->networks->list[i];

		add_option(&p->html, n->net->name, n->net->name, n == p->q.network);
	}
	close_select(p);
}

static enum ofa_status add_profile(void *ctx, const struct store_profile_entry *e)
{
	struct front_page *p = ctx;
	bool selected = p->q.profile && strcmp(e->name, p->reference) == 0;

	if (p->offered++ == PROFILES_MAX)
		return OFA_OK;
	p->listed |= selected;
	add_option(&p->html, e->name, e->name, selected);
	return OFA_OK;
}

static void add_profiles(struct front_page *p)
{
	struct ofa_error err = {0};

	open_select(p, "profile", "Device profile");
	add_option(&p->html, "", "none: latency is unknown", !p->q.profile);
	/* a page without the list is better than none */
	(void)!p->app->store->driver->profile_list(p->app->store, "", PROFILES_MAX + 1, add_profile, p, &err);
	if (p->q.profile && !p->listed)
		add_option(&p->html, p->reference, p->reference, true);
	close_select(p);
	if (p->offered > PROFILES_MAX)
		html_markup(&p->html, "<p>There are more profiles: name one in the address, as profile=NAME.</p>\n");
}

static void add_metrics(struct front_page *p)
{
	char asked[32];
	bool known = http_query(p->call->request.query, "metric", asked, sizeof(asked));

	open_select(p, "metric", "Against");
	add_option(&p->html, "", "latency where it is known, else MACs", !known || !*asked);
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		const char *name = ofa_resource_name((enum ofa_resource)r);

		add_option(&p->html, name, resources[r].title, known && strcmp(asked, name) == 0);
	}
	close_select(p);
}

static void add_types(struct front_page *p)
{
	open_select(p, "dtype", "Type of packages");
	for (int t = 0; t < OFA_PRECISION_COUNT; t++) {
		const char *name = ofa_precision_name((enum ofa_precision)t);

		add_option(&p->html, name, name, p->q.precision == (enum ofa_precision)t);
	}
	close_select(p);
}

static void add_form(struct front_page *p)
{
	html_markup(&p->html, "<form method=\"get\" action=\"front\">\n");
	add_networks(p);
	add_profiles(p);
	add_metrics(p);
	add_types(p);
	html_markup(&p->html, "<p><button type=\"submit\">Show</button></p>\n</form>\n");
}

/* ---- the table ---- */

/* 1,234,567 */
static void add_grouped(struct html *h, double value)
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits), "%.0f", value);

	for (int i = 0; i < n; i++)
		html_textf(h, "%s%c", i && (n - i) % 3 == 0 ? "," : "", digits[i]);
}

static void add_value(struct html *h, enum ofa_resource r, double value)
{
	if (!isfinite(value))
		html_markup(h, "unknown");
	else if (r == OFA_LATENCY_MS) /* four digits that matter */
		html_textf(h, "%.*f", value > 0 ? (int)fmin(fmax(3 - floor(log10(value)), 0), 9) : 0, value);
	else
		add_grouped(h, value);
}

static void add_head(struct front_page *p)
{
	struct html *h = &p->html;

	html_markup(h, "<thead><tr><th scope=\"col\">Accuracy, %</th>");
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		html_markup(h, r == (int)p->q.metric ? "<th scope=\"col\" aria-sort=\"ascending\">"
						     : "<th scope=\"col\">");
		html_text(h, resources[r].title);
		if (resources[r].unit)
			html_textf(h, ", %s", resources[r].unit);
		html_markup(h, "</th>");
	}
	html_markup(h, "<th scope=\"col\">Image size, px</th><th scope=\"col\">Arch</th></tr></thead>\n");
}

static void add_row(struct front_page *p, const struct ofa_front_point *point)
{
	struct html *h = &p->html;
	char arch[ARCH_MAX];

	html_markup(h, "<tr><th scope=\"row\">");
	if (isfinite(point->predicted_accuracy))
		html_textf(h, "%.2f", 100 * point->predicted_accuracy);
	else
		html_markup(h, "unknown");
	html_markup(h, "</th>");
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		html_markup(h, "<td>");
		add_value(h, (enum ofa_resource)r, point->value[r]);
		html_markup(h, "</td>");
	}
	ofa_arch_snprint(&p->q.network->net->space, &point->arch, arch, sizeof(arch));
	html_markup(h, "<td>");
	html_textf(h, "%d", point->arch.image_size);
	html_markup(h, "</td><td><code>");
	html_text(h, arch);
	html_markup(h, "</code></td></tr>\n");
}

/* Above the table, not its caption: that would scroll with it. */
static void add_title(struct front_page *p, const struct ofa_front *front)
{
	struct html *h = &p->html;

	html_markup(h, "<h2 id=\"title\">");
	html_textf(h, "%s over %s", p->q.network->net->name, resources[p->q.metric].word);
	if (p->q.profile)
		html_textf(h, " on %s", p->reference);
	html_markup(h, "</h2>\n<p>");
	html_textf(h, "%zu subnets in %s, each the most accurate that was found within its %s.", front->n,
		   ofa_precision_name(p->q.precision), resources[p->q.metric].word);
	html_markup(h, "</p>\n");
}

/* The same for programs. */
static void add_links(struct front_page *p)
{
	struct html *h = &p->html;

	html_markup(h, "<p><a href=\"networks/");
	html_text(h, p->q.network->net->name);
	html_markup(h, "/pareto?");
	html_query(h, "metric", ofa_resource_name(p->q.metric));
	html_markup(h, "&amp;");
	html_query(h, "dtype", ofa_precision_name(p->q.precision));
	if (p->q.profile) {
		html_markup(h, "&amp;");
		html_query(h, "profile", p->reference);
	}
	html_markup(h, "\">The same as JSON</a></p>\n");
}

static void add_front(struct front_page *p, const struct ofa_front *front)
{
	struct html *h = &p->html;

	add_title(p, front);
	html_markup(h, "<div class=\"wide\" role=\"region\" aria-labelledby=\"title\" tabindex=\"0\">\n"
		       "<table aria-labelledby=\"title\">\n");
	add_head(p);
	html_markup(h, "<tbody>\n");
	for (size_t i = 0; i < front->n; i++)
		add_row(p, &front->points[i]);
	html_markup(h, "</tbody>\n</table>\n</div>\n");
	add_links(p);
}

/* ---- the page ---- */

static void open_page(struct front_page *p)
{
	html_markup(&p->html,
		    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
		    "<meta name=\"color-scheme\" content=\"light dark\" />\n<title>");
	html_textf(&p->html, "%s: the front as a table", p->q.network ? p->q.network->net->name : "ofad");
	html_markup(&p->html, "</title>\n<link rel=\"stylesheet\" href=\"static/plain.css\" />\n</head>\n<body>\n"
			      "<header><p><a href=\"./\">ofad</a> shows more where JavaScript runs.</p></header>\n"
			      "<main>\n<h1>Accuracy, and what it costs</h1>\n");
	add_form(p);
}

static void close_page(struct front_page *p, unsigned status)
{
	html_markup(&p->html, "</main>\n</body>\n</html>\n");
	html_reply(&p->html, &p->call->reply, status);
	page_protect(&p->call->reply, POLICY);
}

static void reply_front(struct front_page *p, const struct ofa_front *front)
{
	open_page(p);
	add_front(p, front);
	close_page(p, 200);
	http_reply_header_lasting(&p->call->reply, "Cache-Control", "no-cache");
}

/* What another choice may mend. */
static void reply_problem(struct front_page *p, enum ofa_status status, const struct ofa_error *err)
{
	const struct problem_entry *e = problem_entry(problem_of(status));
	const char *detail = problem_begin_error(p->call, status, err);

	p->field = err->field + strspn(err->field, "/");
	open_page(p);
	html_markup(&p->html, "<section id=\"problem\" class=\"problem\" role=\"alert\">\n<h2>");
	html_text(&p->html, e->title);
	html_markup(&p->html, "</h2>\n<p>");
	html_text(&p->html, detail);
	html_markup(&p->html, "</p>\n<p>");
	html_text(&p->html, e->hint);
	html_markup(&p->html, "</p>\n</section>\n");
	close_page(p, e->status);
}

static enum ofa_status read_query(struct front_page *p, struct ofa_error *err)
{
	const char *query = p->call->request.query;
	char network[HTTP_PARAM_MAX];
	enum ofa_status st;

	if (!http_query(query, "network", network, sizeof(network)))
		return ofa_fail(err, OFA_ERR_INVALID, "network", "network must be the name of one of the networks");
	st = query_front(p->app, p->call, *network ? network : NULL, &p->q, err);
	if (p->q.profile && !http_query(query, "profile", p->reference, sizeof(p->reference)))
		*p->reference = '\0';
	return st;
}

enum http_next front_page_get(struct app *app, struct http_call *call)
{
	static const char *const types[] = {"text/html"};
	struct front_page p = {.app = app, .call = call, .field = ""};
	const struct ofa_front *front;
	struct binding *binding = NULL;
	struct ofa_error err = {0};
	enum ofa_status st;

	if (choose_type(call, types, OFA_ARRAY_LEN(types)) < 0)
		return HTTP_REPLY;
	html_init(&p.html, PAGE_MAX);
	st = read_query(&p, &err);
	if (st == OFA_OK)
		st = bindings_get(app->bindings, p.q.network, p.q.profile, p.q.precision, &binding, &err);
	if (st == OFA_OK)
		st = binding_front(binding, p.q.metric, NULL, &front, &err);
	if (st == OFA_OK)
		reply_front(&p, front);
	else if (problem_entry(problem_of(st))->status < 500)
		reply_problem(&p, st, &err);
	else
		problem_reply_error(call, st, &err);
	html_release(&p.html);
	binding_unref(binding);
	query_front_release(&p.q);
	return HTTP_REPLY;
}
