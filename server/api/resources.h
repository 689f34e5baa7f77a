/* The handlers that the route table names, one file per resource. */
#ifndef OFAD_API_RESOURCES_H
#define OFAD_API_RESOURCES_H

#include "app.h"

/* documents.c */
enum http_next root_get(struct app *app, struct http_call *call);
enum http_next openapi_get(struct app *app, struct http_call *call);

/* health.c */
enum http_next health_get(struct app *app, struct http_call *call);
enum http_next ready_get(struct app *app, struct http_call *call);

/* front_page.c */
enum http_next front_page_get(struct app *app, struct http_call *call);

/* jobs.c */
enum http_next job_get(struct app *app, struct http_call *call);
enum http_next job_delete(struct app *app, struct http_call *call);

/* job_events.c */
enum http_next job_events_get(struct app *app, struct http_call *call);

/* ledger.c */
enum http_next ledger_get(struct app *app, struct http_call *call);

/* metrics.c */
enum http_next metrics_get(struct app *app, struct http_call *call);

/* networks.c */
enum http_next networks_list(struct app *app, struct http_call *call);
enum http_next networks_get(struct app *app, struct http_call *call);

/* calibration.c */
enum http_next calibration_get(struct app *app, struct http_call *call);

/* measurements.c */
enum http_next measurements_post(struct app *app, struct http_call *call);
enum http_next measurements_list(struct app *app, struct http_call *call);
enum http_next measurement_get(struct app *app, struct http_call *call);

/* latency_keys.c */
enum http_next latency_keys_get(struct app *app, struct http_call *call);

/* pareto.c */
enum http_next pareto_get(struct app *app, struct http_call *call);

/* samples.c */
enum http_next samples_get(struct app *app, struct http_call *call);

/* plans.c */
enum http_next plans_post(struct app *app, struct http_call *call);

/* profiles.c */
enum http_next profiles_list(struct app *app, struct http_call *call);
enum http_next profile_get(struct app *app, struct http_call *call);
enum http_next profile_delete(struct app *app, struct http_call *call);
enum http_next revisions_list(struct app *app, struct http_call *call);
enum http_next revision_get(struct app *app, struct http_call *call);

/* profile_put.c */
enum http_next profile_put(struct app *app, struct http_call *call);

/* searches.c */
enum http_next searches_post(struct app *app, struct http_call *call);

/* signatures.c */
enum http_next keys_get(struct app *app, struct http_call *call);
enum http_next subnet_signed_manifest_get(struct app *app, struct http_call *call);
enum http_next subnet_minisig_get(struct app *app, struct http_call *call);
/* Tells where the signed manifest of the delivery that answered this question is, if anything is signed here. */
void signed_manifest_link(struct http_call *call, const char *id, const struct job_key *question);

/* static.c */
enum http_next static_get(struct app *app, struct http_call *call);
/* Answers with the dashboard's page. */
void static_reply_page(struct http_call *call);
/* Tells a browser what a page of ours may load, run and tell others. */
void page_policy(struct http_reply *r);
/* The same with a narrower Content-Security-Policy, a constant. */
void page_protect(struct http_reply *r, const char *content_security_policy);

/* subnets.c */
enum http_next subnets_post(struct app *app, struct http_call *call);
enum http_next subnet_get(struct app *app, struct http_call *call);
enum http_next subnet_manifest_get(struct app *app, struct http_call *call);

#endif
