# The daemon: a library that the tests link too, and main().
noinst_LIBRARIES += server/libofad.a
server_libofad_a_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/server $(ENGINE_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS) $(SECCOMP_CFLAGS) $(SODIUM_CFLAGS) $(SQLITE_CFLAGS) $(PQ_CFLAGS) $(CURL_CFLAGS) \
	-DOFAD_VERSION='"$(PACKAGE_VERSION)"'
server_libofad_a_SOURCES = \
	server/access_log.h server/access_log.c \
	server/app.h server/app.c \
	server/app_access.h server/app_access.c \
	server/app_packages.h server/app_packages.c \
	server/audit.h server/audit.c \
	server/clock.h server/clock.c \
	server/command_token.h server/command_token.c \
	server/data_dir.h server/data_dir.c \
	server/embedded.h \
	server/line_file.h server/line_file.c \
	server/listen.h server/listen.c \
	server/log.h server/log.c \
	server/notify.h server/notify.c \
	server/preflight.h server/preflight.c \
	server/replicas.h server/replicas.c \
	server/settings.h server/settings_table.h server/settings.c server/settings_environment.c \
	server/settings_file.c server/settings_print.c server/settings_value.c \
	server/reach.h server/reach.c \
	server/shared.h server/shared.c \
	server/access/address.h server/access/address.c \
	server/access/forwarded.h server/access/forwarded.c \
	server/access/generation.h server/access/generation.c \
	server/access/limits.h server/access/limits.c \
	server/watch.h server/watch.c \
	server/access/principal.h server/access/principal.c \
	server/access/scopes.h server/access/scopes.c \
	server/access/token.h server/access/token.c \
	server/access/tokens.h server/access/tokens.c \
	server/api/admission.h server/api/admission.c \
	server/api/body.h server/api/body.c \
	server/api/calibration.c \
	server/api/documents.c \
	server/api/health.c \
	server/api/failure.h server/api/failure.c \
	server/api/front_page.c \
	server/api/html.h server/api/html.c \
	server/api/idempotent.h server/api/idempotent.c \
	server/api/jobs.c \
	server/api/job_events.c \
	server/api/json_job.h server/api/json_job.c \
	server/api/json_measurement.h server/api/json_measurement.c \
	server/api/json_network.h server/api/json_network.c \
	server/api/json_plan.h server/api/json_plan.c \
	server/api/json_subnet_request.h server/api/json_subnet_request.c \
	server/api/ledger.c \
	server/api/metrics.c \
	server/api/latency_keys.c \
	server/api/measurements.c \
	server/api/networks.c \
	server/api/pareto.c \
	server/api/plans.c \
	server/api/page.h server/api/page.c \
	server/api/problem.h server/api/problem.c \
	server/api/profile_call.h server/api/profile_call.c \
	server/api/profile_put.c \
	server/api/profiles.c \
	server/api/query.h server/api/query.c \
	server/api/question_body.h server/api/question_body.c \
	server/api/resources.h \
	server/api/routes.h server/api/routes.c \
	server/api/samples.c \
	server/api/searches.c \
	server/api/signatures.c \
	server/api/static.c \
	server/api/subnet_get.c \
	server/api/subnet_package.h server/api/subnet_package.c \
	server/api/subnet_reply.h \
	server/api/subnets.c \
	server/http/authorization.h server/http/authorization.c \
	server/http/call.h \
	server/http/calls.h server/http/calls.c \
	server/http/conditional.h server/http/conditional.c \
	server/http/connections.h server/http/connections.c \
	server/http/idempotency_key.h server/http/idempotency_key.c \
	server/http/negotiate.h server/http/negotiate.c \
	server/http/precondition.h server/http/precondition.c \
	server/http/probe.h server/http/probe.c \
	server/http/prefer.h server/http/prefer.c \
	server/http/reply.h server/http/reply.c \
	server/http/request.h server/http/request.c \
	server/http/route.h server/http/route.c \
	server/http/send.h server/http/send.c \
	server/http/stream.h server/http/stream.c \
	server/http/server.h server/http/server.c \
	server/http/tls.h server/http/tls.c \
	server/jobs/flight.h server/jobs/flight.c \
	server/jobs/key.h \
	server/jobs/lru.h server/jobs/lru.c \
	server/jobs/timers.h server/jobs/timers.c \
	server/jobs/workers.h server/jobs/workers.c \
	server/metrics/metrics.h server/metrics/metrics.c \
	server/metrics/process.h server/metrics/process.c \
	server/metrics/requests.h server/metrics/requests.c \
	server/metrics/text.h server/metrics/text.c \
	server/packages/package_location.h server/packages/package_location.c \
	server/packages/package_store.h server/packages/package_store.c \
	server/packages/dir.c \
	server/packages/in_store.c \
	server/packages/s3.c \
	server/packages/s3_account.h server/packages/s3_account.c \
	server/packages/s3_error.h server/packages/s3_error.c \
	server/packages/s3_http.h server/packages/s3_http.c \
	server/packages/sigv4.h server/packages/sigv4.c \
	server/packages/spool.h server/packages/spool.c \
	server/sandbox/sandbox.h server/sandbox/sandbox.c \
	server/sandbox/landlock.c server/sandbox/seccomp.c \
	server/service/answering.h server/service/answering.c \
	server/service/bindings.h server/service/bindings.c \
	server/service/calibration.h server/service/calibration.c \
	server/service/calibration_gauges.h server/service/calibration_gauges.c \
	server/service/calibrations.h server/service/calibrations.c \
	server/service/deliveries.h server/service/deliveries.c \
	server/service/exports.h server/service/exports.c \
	server/service/idempotency.h server/service/idempotency.c \
	server/service/job_text.h server/service/job_text.c \
	server/service/jobs.h server/service/jobs_table.h server/service/jobs.c server/service/jobs_clerk.c \
	server/service/jobs_rows.c server/service/jobs_mirror.c server/service/jobs_take.c \
	server/service/ledger.h server/service/ledger.c \
	server/service/manifest.h server/service/manifest.c \
	server/service/networks.h server/service/networks.c \
	server/service/package_keeper.h server/service/package_keeper.c \
	server/service/package_uses.h server/service/package_uses.c \
	server/service/packages.h server/service/packages.c \
	server/service/parking.h server/service/parking.c \
	server/service/profiles.h server/service/profiles.c \
	server/service/progress.h server/service/progress.c \
	server/service/question.h server/service/question.c \
	server/service/question_memo.h server/service/question_memo.c \
	server/service/rebuilding.h server/service/rebuilding.c \
	server/service/samples.h server/service/samples.c \
	server/service/suspects.h server/service/suspects.c \
	server/sign/envelope.h server/sign/envelope.c \
	server/sign/keys.h server/sign/keys.c \
	server/sign/manifest_line.h server/sign/manifest_line.c \
	server/sign/signer.h server/sign/signer.c \
	server/store/store.h server/store/store.c \
	server/store/location.h server/store/location.c \
	server/store/pg.h server/store/pg.c \
	server/store/pg_driver.h \
	server/store/pg_counters.c \
	server/store/pg_deliveries.c \
	server/store/pg_ledger.c \
	server/store/pg_measurements.c \
	server/store/pg_migrate.c \
	server/store/pg_jobs.c server/store/pg_keys.c \
	server/store/pg_pool.c \
	server/store/pg_profiles.c \
	server/store/pg_revisions.c \
	server/store/pg_answer.c server/store/pg_run.c \
	server/store/pg_listener.c server/store/pg_locks.c \
	server/store/pg_session.h server/store/pg_session.c \
	server/store/notification.h server/store/notification.c \
	server/store/pg_package_index.c \
	server/store/pg_packages.c \
	server/store/pg_schema.c \
	server/store/pg_tokens.c \
	server/store/pg_url.c \
	server/store/sqlite.c \
	server/store/sqlite_conn.h server/store/sqlite_statements.c \
	server/store/sqlite_counters.c \
	server/store/sqlite_deliveries.c \
	server/store/sqlite_ledger.c \
	server/store/sqlite_measurements.c \
	server/store/sqlite_migrate.c \
	server/store/sqlite_package_index.c \
	server/store/sqlite_profiles.c \
	server/store/sqlite_revisions.c \
	server/store/sqlite_tokens.c
nodist_server_libofad_a_SOURCES = \
	server/embedded_files.c \
	server/embedded_openapi_yaml.c \
	server/embedded_schema_0001.c \
	server/embedded_schema_0002.c \
	server/embedded_schema_0003.c \
	server/embedded_schema_postgresql_0001.c \
	server/embedded_schema_postgresql_0002.c \
	server/embedded_schema_postgresql_0003.c

# Files that are built into the program.
EXTRA_DIST += server/embed.awk server/embed-files openapi/openapi.yaml \
	server/store/schema/0001-profiles-deliveries.sql server/store/schema/0002-fleet.sql \
	server/store/schema/0003-packages.sql \
	server/store/schema/postgresql/0001-state.sql server/store/schema/postgresql/0002-packages.sql \
	server/store/schema/postgresql/0003-replicas.sql
CLEANFILES += $(nodist_server_libofad_a_SOURCES)
EMBED = $(AM_V_GEN)$(MKDIR_P) server && $(AWK) -f $(top_srcdir)/server/embed.awk
server/embedded_openapi_yaml.c: $(top_srcdir)/openapi/openapi.yaml $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_openapi_yaml $(top_srcdir)/openapi/openapi.yaml > $@.tmp && mv $@.tmp $@
server/embedded_schema_0001.c: $(top_srcdir)/server/store/schema/0001-profiles-deliveries.sql $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_schema_0001 $(top_srcdir)/server/store/schema/0001-profiles-deliveries.sql > $@.tmp && mv $@.tmp $@
server/embedded_schema_0002.c: $(top_srcdir)/server/store/schema/0002-fleet.sql $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_schema_0002 $(top_srcdir)/server/store/schema/0002-fleet.sql > $@.tmp && mv $@.tmp $@
server/embedded_schema_0003.c: $(top_srcdir)/server/store/schema/0003-packages.sql $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_schema_0003 $(top_srcdir)/server/store/schema/0003-packages.sql > $@.tmp && mv $@.tmp $@
server/embedded_schema_postgresql_0001.c: $(top_srcdir)/server/store/schema/postgresql/0001-state.sql $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_schema_postgresql_0001 $(top_srcdir)/server/store/schema/postgresql/0001-state.sql > $@.tmp && mv $@.tmp $@
server/embedded_schema_postgresql_0002.c: $(top_srcdir)/server/store/schema/postgresql/0002-packages.sql $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_schema_postgresql_0002 $(top_srcdir)/server/store/schema/postgresql/0002-packages.sql > $@.tmp && mv $@.tmp $@
server/embedded_schema_postgresql_0003.c: $(top_srcdir)/server/store/schema/postgresql/0003-replicas.sql $(top_srcdir)/server/embed.awk
	$(EMBED) -v name=embedded_schema_postgresql_0003 $(top_srcdir)/server/store/schema/postgresql/0003-replicas.sql > $@.tmp && mv $@.tmp $@

SERVER_LIBS = server/libofad.a $(ENGINE_LIBS) $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(SECCOMP_LIBS) $(SODIUM_LIBS) $(SQLITE_LIBS) $(PQ_LIBS) $(CURL_LIBS)

bin_PROGRAMS += server/ofad
server_ofad_SOURCES = server/main.c server/command_keygen.h server/command_keygen.c \
	server/command_probe.h server/command_probe.c
server_ofad_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
server_ofad_LDADD = $(SERVER_LIBS)

dist_man8_MANS += doc/man/ofad.8

# Units of systemd; the directory is chosen by configure.
EXTRA_DIST += server/systemd/ofad.service.in server/systemd/ofad.socket server/systemd/ofad-admin.socket
CLEANFILES += server/systemd/ofad.service
noinst_DATA += server/systemd/ofad.service
server/systemd/ofad.service: $(top_srcdir)/server/systemd/ofad.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) server/systemd && $(SED) -e 's|@bindir[@]|$(bindir)|' -e 's|@sysconfdir[@]|$(sysconfdir)|' \
		$(top_srcdir)/server/systemd/ofad.service.in > $@.tmp && mv $@.tmp $@
if SYSTEMD_UNITS
nodist_systemdsystemunit_DATA = server/systemd/ofad.service
systemdsystemunit_DATA = server/systemd/ofad.socket server/systemd/ofad-admin.socket
endif
exampledir = $(docdir)/examples
dist_example_DATA = doc/examples/ofad.yaml
