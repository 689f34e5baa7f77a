# Tests mirror the tree: tests/engine, tests/device, tests/server, tests/cli; one Check program per subject.
# A program's source is its own name with .c (automake's default) unless a _SOURCES line says otherwise;
# programs without lines of their own are compiled and linked with the next two.
AM_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine $(CHECK_CFLAGS)
LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)

# Tests find the source tree by OFA_SRCDIR and, from it or by OFA_SHARED, the shared reference data.
AM_TESTS_ENVIRONMENT = OFA_SRCDIR='$(abs_top_srcdir)'; OFA_BUILDDIR='$(abs_top_builddir)'; export OFA_SRCDIR OFA_BUILDDIR;

# What takes longest begins first, so that nothing is left to run alone at the end.  Neither the rules of the tree nor
# what is compiled for other machines sees a sanitizer.
PLAIN_TESTS = \
	tests/firmware/test-firmware \
	tests/device/test-web \
	scripts/check-headers \
	scripts/check-layers \
	scripts/check-style \
	tests/device/test-c99
if !SANITIZED
TESTS += $(PLAIN_TESTS)
endif
# What goes wrong around the daemon.
FAULT_TESTS = \
	tests/faults/test-soak \
	tests/faults/test-slow \
	tests/faults/test-faults \
	tests/faults/test-kill
TESTS += $(FAULT_TESTS)
EXTRA_DIST += $(PLAIN_TESTS) $(FAULT_TESTS) tests/faults/lib.sh
# Servers that tests start for themselves.
EXTRA_DIST += tests/services/s3 tests/services/s3-server/package.json tests/services/s3-server/package-lock.json \
	tests/services/s3-server/server.mjs
EXTRA_DIST += tests/services/lib.sh tests/services/nginx tests/services/postgresql

ENGINE_TESTS = \
	tests/engine/test_arch \
	tests/engine/test_base \
	tests/engine/test_breakdown \
	tests/engine/test_calibration \
	tests/engine/test_card \
	tests/engine/test_checkpoint \
	tests/engine/test_dataset \
	tests/engine/test_kernels \
	tests/engine/test_gradient \
	tests/engine/test_forward \
	tests/engine/test_golden \
	tests/engine/test_import \
	tests/engine/test_inference_kernels \
	tests/engine/test_plan \
	tests/engine/test_pool \
	tests/engine/test_quantise \
	tests/engine/test_quantise_weights \
	tests/engine/test_ranks \
	tests/engine/test_recipe \
	tests/engine/test_rng \
	tests/engine/test_safetensors \
	tests/engine/test_same_digest \
	tests/engine/test_shrink \
	tests/engine/test_space \
	tests/engine/test_step \
	tests/engine/test_stripes \
	tests/engine/test_supernet
tests_engine_test_calibration_CPPFLAGS = $(AM_CPPFLAGS) $(JPEG_CFLAGS) $(PNG_CFLAGS)
# The engine's choice of kernels is the test's.
tests_engine_test_same_digest_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ofa_kernels -Wl,--wrap=ofa_quantised_kernels
EXTRA_DIST += tests/engine/quantise_oracle.h
EXTRA_DIST += tests/engine/shared.h tests/engine/runner.h tests/engine/spaces.h tests/engine/zip_writer.h \
	tests/engine/thread_ranks.h tests/engine/tiny_training.h

SEARCH_TESTS = \
	tests/engine/test_front \
	tests/engine/test_int8 \
	tests/engine/test_latency \
	tests/engine/test_predict \
	tests/engine/test_pairs \
	tests/engine/test_pairwise \
	tests/engine/test_predictor_import \
	tests/engine/test_promise \
	tests/engine/test_profile \
	tests/engine/test_samples \
	tests/engine/test_search \
	tests/engine/test_table \
	tests/engine/test_table_files
tests_engine_test_latency_SOURCES = tests/engine/test_latency.c tests/engine/released.h tests/engine/released.c
tests_engine_test_predict_SOURCES = tests/engine/test_predict.c tests/engine/released.h tests/engine/released.c
tests_engine_test_front_SOURCES = tests/engine/test_front.c tests/engine/search_fixture.h \
	tests/engine/released.h tests/engine/released.c
tests_engine_test_int8_SOURCES = tests/engine/test_int8.c tests/engine/released.h tests/engine/released.c
tests_engine_test_samples_SOURCES = tests/engine/test_samples.c tests/engine/search_fixture.h \
	tests/engine/released.h tests/engine/released.c
tests_engine_test_search_SOURCES = tests/engine/test_search.c tests/engine/search_fixture.h \
	tests/engine/released.h tests/engine/released.c

if HAVE_CHECK
check_PROGRAMS += $(ENGINE_TESTS) $(SEARCH_TESTS)
TESTS += $(ENGINE_TESTS) $(SEARCH_TESTS)
endif

# The package format and the device runtime.
DEVICE_TESTS = \
	tests/device/test_device_kernels \
	tests/device/test_golden_package \
	tests/device/test_hostile \
	tests/device/test_int8 \
	tests/device/test_int8_kernels \
	tests/device/test_int8_places \
	tests/device/test_manifest \
	tests/device/test_runtime \
	tests/engine/test_half \
	tests/engine/test_pack \
	tests/engine/test_pack_types
tests_device_test_device_kernels_SOURCES = tests/device/test_device_kernels.c tests/device/portable_half.c
tests_device_test_manifest_CPPFLAGS = $(AM_CPPFLAGS) $(SODIUM_CFLAGS)
tests_device_test_manifest_LDADD = $(LDADD) $(SODIUM_LIBS)
EXTRA_DIST += tests/device/golden_package.h tests/device/golden.ofa tests/device/golden.manifest \
	tests/device/golden_resnet.ofa tests/device/golden_int8.ofa tests/device/golden_resnet_int8.ofa \
	tests/device/golden_float16.ofa tests/device/int8_only.c tests/device/int8_package.h \
	tests/engine/random_net.h tests/engine/half_value.h
if HAVE_CHECK
check_PROGRAMS += $(DEVICE_TESTS)
TESTS += $(DEVICE_TESTS)
endif

# Fuzz targets replay their corpus with damaged copies; each source says how libFuzzer runs it.
FUZZ_TESTS = \
	tests/fuzz/fuzz_card \
	tests/fuzz/fuzz_export \
	tests/fuzz/fuzz_image \
	tests/fuzz/fuzz_manifest \
	tests/fuzz/fuzz_package \
	tests/fuzz/fuzz_pairs \
	tests/fuzz/fuzz_safetensors \
	tests/fuzz/fuzz_serial \
	tests/fuzz/fuzz_stripes \
	tests/fuzz/fuzz_trust \
	tests/fuzz/fuzz_unpickle \
	tests/fuzz/fuzz_yaml \
	tests/fuzz/fuzz_zip
tests_fuzz_fuzz_card_SOURCES = tests/fuzz/fuzz_card.c tests/fuzz/replay.c
tests_fuzz_fuzz_export_SOURCES = tests/fuzz/fuzz_export.c tests/fuzz/replay.c
tests_fuzz_fuzz_pairs_SOURCES = tests/fuzz/fuzz_pairs.c tests/fuzz/replay.c
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c tests/fuzz/replay.c
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c tests/fuzz/replay.c
tests_fuzz_fuzz_package_SOURCES = tests/fuzz/fuzz_package.c tests/fuzz/replay.c
tests_fuzz_fuzz_safetensors_SOURCES = tests/fuzz/fuzz_safetensors.c tests/fuzz/replay.c
tests_fuzz_fuzz_serial_SOURCES = tests/fuzz/fuzz_serial.c tests/fuzz/replay.c tests/cli/serial_frame.h \
	cli/serial_probe.h cli/serial_probe.c cli/timing.h cli/timing.c
tests_fuzz_fuzz_serial_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/cli -I$(top_srcdir)/tests/cli -I$(top_srcdir)/tests/device
tests_fuzz_fuzz_stripes_SOURCES = tests/fuzz/fuzz_stripes.c tests/fuzz/replay.c
tests_fuzz_fuzz_stripes_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/device
tests_fuzz_fuzz_trust_SOURCES = tests/fuzz/fuzz_trust.c tests/fuzz/replay.c cli/trust.h cli/trust.c
tests_fuzz_fuzz_trust_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/cli
tests_fuzz_fuzz_unpickle_SOURCES = tests/fuzz/fuzz_unpickle.c tests/fuzz/replay.c
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c tests/fuzz/replay.c
tests_fuzz_fuzz_zip_SOURCES = tests/fuzz/fuzz_zip.c tests/fuzz/replay.c
EXTRA_DIST += tests/fuzz/corpus
check_PROGRAMS += $(FUZZ_TESTS)
TESTS += $(FUZZ_TESTS)

# The tool and the service from outside: shell programs that need jq.
SHELL_TESTS = \
	tests/cli/test-card \
	tests/cli/test-export \
	tests/cli/test-golden \
	tests/cli/test-import \
	tests/cli/test-init \
	tests/cli/test-network \
	tests/cli/test-predictor \
	tests/cli/test-promise \
	tests/cli/test-profile-import \
	tests/cli/test-train-mpi \
	tests/cli/test-types \
	tests/cli/test-usage \
	tests/e2e/test-access \
	tests/e2e/test-delivery \
	tests/e2e/test-networks \
	tests/e2e/test-service \
	tests/e2e/test-signed \
	tests/e2e/test-types \
	tests/server/test-unit
TESTS += $(SHELL_TESTS)
EXTRA_DIST += $(SHELL_TESTS) tests/cli/lib.sh tests/cli/tiny-network.sh tests/cli/tiny-recipe.json \
	tests/cli/distance.py \
	tests/e2e/altering-proxy.py tests/e2e/cutting-proxy.py

# The daemon: its parts, then a real one on a loopback port.
SERVER_TESTS = \
	tests/server/test_access \
	tests/server/test_api \
	tests/server/test_audit \
	tests/server/test_conditional \
	tests/server/test_daemon_parts \
	tests/server/test_jobs \
	tests/server/test_memo \
	tests/server/test_metrics \
	tests/server/test_calibration \
	tests/server/test_card \
	tests/server/test_calibrations \
	tests/server/test_drag \
	tests/server/test_dtypes \
	tests/server/test_exports \
	tests/server/test_measurements \
	tests/server/test_negotiate \
	tests/server/test_package_keeper \
	tests/server/test_packages_bounds \
	tests/server/test_page \
	tests/server/test_parking \
	tests/server/test_precondition \
	tests/server/test_plans \
	tests/server/test_profiles \
	tests/server/test_profiles_cache \
	tests/server/test_prefer \
	tests/server/test_probe \
	tests/server/test_request \
	tests/server/test_route \
	tests/server/test_samples \
	tests/server/test_replicas \
	tests/server/test_contact \
	tests/server/test_settings \
	tests/server/test_sharing \
	tests/server/test_static \
	tests/server/test_package_store \
	tests/server/test_s3 \
	tests/server/test_s3_parts \
	tests/server/test_store \
	tests/server/test_store_daemon \
	tests/server/test_store_location \
	tests/server/test_store_outage \
	tests/server/test_store_postgresql \
	tests/server/test_store_sqlite \
	tests/server/test_store_packages \
	tests/server/test_store_writers \
	tests/server/test_store_jobs \
	tests/server/test_timers \
	tests/server/test_async \
	tests/server/test_crowd \
	tests/server/test_events \
	tests/server/test_idempotency \
	tests/server/test_jobs_shared \
	tests/server/test_jobs_table \
	tests/server/test_hostile \
	tests/server/test_front_page \
	tests/server/test_ledger \
	tests/server/test_observe \
	tests/server/test_lifecycle \
	tests/server/test_shared_packages \
	tests/server/test_signer \
	tests/server/test_signing \
	tests/server/test_operations \
	tests/server/test_tables \
	tests/server/test_tokens \
	tests/server/test_searches \
	tests/server/test_service
# It writes registers.
if X86_64
SERVER_TESTS += tests/server/test_sandbox
endif
SERVER_TEST_CPPFLAGS = $(server_libofad_a_CPPFLAGS) $(AM_CPPFLAGS) $(CURL_CFLAGS)
SERVER_TEST_LIBS = $(SERVER_LIBS) $(CHECK_LIBS)
SERVER_E2E_LIBS = $(ENGINE_LIBS) $(CURL_LIBS) $(CHECK_LIBS)
DAEMON_SOURCES = tests/server/daemon.h tests/server/daemon.c
tests_server_test_access_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_access_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_api_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_api_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_conditional_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_conditional_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_daemon_parts_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_daemon_parts_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_jobs_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_jobs_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_metrics_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_metrics_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_calibrations_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_calibrations_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_calibration_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_calibration_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_measurements_SOURCES = tests/server/test_measurements.c $(DAEMON_SOURCES)
tests_server_test_measurements_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_measurements_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_negotiate_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_negotiate_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_parking_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_parking_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_profiles_cache_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_profiles_cache_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_jobs_table_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_jobs_table_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_package_keeper_SOURCES = tests/server/test_package_keeper.c $(STORE_FIXTURE)
tests_server_test_package_keeper_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_package_keeper_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_packages_bounds_SOURCES = tests/server/test_packages_bounds.c $(DAEMON_SOURCES)
tests_server_test_packages_bounds_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_packages_bounds_LDADD = $(SERVER_E2E_LIBS) $(SQLITE_LIBS)
tests_server_test_page_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_page_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_precondition_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_precondition_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_card_SOURCES = tests/server/test_card.c $(DAEMON_SOURCES)
tests_server_test_card_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_card_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_plans_SOURCES = tests/server/test_plans.c $(DAEMON_SOURCES)
tests_server_test_plans_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_plans_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_profiles_SOURCES = tests/server/test_profiles.c $(DAEMON_SOURCES)
tests_server_test_profiles_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_profiles_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_prefer_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_prefer_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_probe_SOURCES = tests/server/test_probe.c $(DAEMON_SOURCES)
tests_server_test_probe_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_probe_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_timers_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_timers_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_request_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_request_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_route_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_route_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_settings_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_settings_LDADD = $(SERVER_TEST_LIBS)
CLUSTER_SOURCES = tests/server/cluster.h tests/server/cluster.c
REPLICA_SOURCES = tests/server/replica_set.h tests/server/replica_set.c $(CLUSTER_SOURCES) $(JOB_CLIENT_SOURCES)
tests_server_test_replicas_SOURCES = tests/server/test_replicas.c $(REPLICA_SOURCES)
tests_server_test_replicas_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_replicas_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_contact_SOURCES = tests/server/test_contact.c tests/server/relay.h tests/server/relay.c \
	$(REPLICA_SOURCES)
tests_server_test_contact_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_contact_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_sharing_SOURCES = tests/server/test_sharing.c $(CLUSTER_SOURCES)
tests_server_test_sharing_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_sharing_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_jobs_SOURCES = tests/server/test_store_jobs.c $(CLUSTER_SOURCES)
tests_server_test_store_jobs_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_jobs_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_static_SOURCES = tests/server/test_static.c $(DAEMON_SOURCES)
tests_server_test_static_CPPFLAGS = $(SERVER_TEST_CPPFLAGS) $(ZLIB_CFLAGS)
tests_server_test_static_LDADD = $(SERVER_LIBS) $(CURL_LIBS) $(ZLIB_LIBS) $(CHECK_LIBS)
tests_server_test_s3_SOURCES = tests/server/test_s3.c $(S3_SERVER_SOURCES)
tests_server_test_s3_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_s3_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_s3_parts_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_s3_parts_LDADD = $(SERVER_TEST_LIBS)
S3_SERVER_SOURCES = tests/server/s3_server.h tests/server/s3_server.c
tests_server_test_package_store_SOURCES = tests/server/test_package_store.c $(CLUSTER_SOURCES) $(S3_SERVER_SOURCES)
tests_server_test_package_store_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_package_store_LDADD = $(SERVER_TEST_LIBS)
STORE_FIXTURE = tests/server/store_fixture.h tests/server/store_fixture.c
tests_server_test_store_SOURCES = tests/server/test_store.c $(STORE_FIXTURE)
tests_server_test_store_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_sqlite_SOURCES = tests/server/test_store_sqlite.c $(STORE_FIXTURE)
tests_server_test_store_sqlite_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_sqlite_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_packages_SOURCES = tests/server/test_store_packages.c $(STORE_FIXTURE)
tests_server_test_store_packages_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_packages_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_writers_SOURCES = tests/server/test_store_writers.c $(STORE_FIXTURE)
tests_server_test_store_writers_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_writers_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_daemon_SOURCES = tests/server/test_store_daemon.c $(STORE_FIXTURE) $(DAEMON_SOURCES)
tests_server_test_store_daemon_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_daemon_LDADD = $(SERVER_LIBS) $(CURL_LIBS) $(CHECK_LIBS)
tests_server_test_store_location_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_location_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_outage_SOURCES = tests/server/test_store_outage.c $(STORE_FIXTURE)
tests_server_test_store_outage_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_outage_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_store_postgresql_SOURCES = tests/server/test_store_postgresql.c $(STORE_FIXTURE)
tests_server_test_store_postgresql_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_store_postgresql_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_memo_SOURCES = tests/server/test_memo.c $(DAEMON_SOURCES)
tests_server_test_memo_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_memo_LDADD = $(SERVER_LIBS) $(CURL_LIBS) $(CHECK_LIBS)
JOB_CLIENT_SOURCES = tests/server/job_client.h tests/server/job_client.c $(DAEMON_SOURCES)
tests_server_test_async_SOURCES = tests/server/test_async.c $(JOB_CLIENT_SOURCES)
tests_server_test_async_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_async_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_jobs_shared_SOURCES = tests/server/test_jobs_shared.c $(CLUSTER_SOURCES) $(JOB_CLIENT_SOURCES)
tests_server_test_jobs_shared_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_jobs_shared_LDADD = $(SERVER_LIBS) $(CURL_LIBS) $(CHECK_LIBS)
tests_server_test_idempotency_SOURCES = tests/server/test_idempotency.c $(JOB_CLIENT_SOURCES)
tests_server_test_idempotency_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_idempotency_LDADD = $(SERVER_LIBS) $(CURL_LIBS) $(CHECK_LIBS)
tests_server_test_crowd_SOURCES = tests/server/test_crowd.c $(JOB_CLIENT_SOURCES)
tests_server_test_crowd_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_crowd_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_events_SOURCES = tests/server/test_events.c $(JOB_CLIENT_SOURCES)
tests_server_test_events_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_events_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_hostile_SOURCES = tests/server/test_hostile.c $(DAEMON_SOURCES)
tests_server_test_hostile_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_hostile_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_shared_packages_SOURCES = tests/server/test_shared_packages.c $(DAEMON_SOURCES) $(CLUSTER_SOURCES) \
	$(S3_SERVER_SOURCES)
tests_server_test_shared_packages_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_shared_packages_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_lifecycle_SOURCES = tests/server/test_lifecycle.c $(DAEMON_SOURCES)
tests_server_test_lifecycle_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_lifecycle_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_ledger_SOURCES = tests/server/test_ledger.c $(DAEMON_SOURCES)
tests_server_test_ledger_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_ledger_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_observe_SOURCES = tests/server/test_observe.c $(DAEMON_SOURCES)
tests_server_test_observe_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_observe_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_signer_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_signer_LDADD = $(SERVER_TEST_LIBS)
tests_server_test_signing_SOURCES = tests/server/test_signing.c $(DAEMON_SOURCES)
tests_server_test_signing_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_signing_LDADD = $(SERVER_E2E_LIBS) $(SODIUM_LIBS)
tests_server_test_operations_SOURCES = tests/server/test_operations.c $(DAEMON_SOURCES)
tests_server_test_operations_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_operations_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_sandbox_SOURCES = tests/server/test_sandbox.c $(DAEMON_SOURCES)
tests_server_test_sandbox_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_sandbox_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_tables_SOURCES = tests/server/test_tables.c $(DAEMON_SOURCES)
tests_server_test_tables_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_tables_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_audit_SOURCES = tests/server/test_audit.c $(DAEMON_SOURCES)
tests_server_test_audit_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_audit_LDADD = $(SERVER_TEST_LIBS) $(CURL_LIBS)
tests_server_test_tokens_SOURCES = tests/server/test_tokens.c $(DAEMON_SOURCES)
tests_server_test_tokens_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_tokens_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_drag_SOURCES = tests/server/test_drag.c $(JOB_CLIENT_SOURCES)
tests_server_test_drag_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_drag_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_dtypes_SOURCES = tests/server/test_dtypes.c $(DAEMON_SOURCES)
tests_server_test_dtypes_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_dtypes_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_samples_SOURCES = tests/server/test_samples.c $(DAEMON_SOURCES)
tests_server_test_samples_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_samples_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_front_page_SOURCES = tests/server/test_front_page.c $(DAEMON_SOURCES)
tests_server_test_front_page_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_front_page_LDADD = $(SERVER_TEST_LIBS) $(CURL_LIBS)
tests_server_test_exports_SOURCES = tests/server/test_exports.c $(DAEMON_SOURCES)
tests_server_test_exports_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_exports_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_searches_SOURCES = tests/server/test_searches.c $(DAEMON_SOURCES)
tests_server_test_searches_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_searches_LDADD = $(SERVER_E2E_LIBS)
tests_server_test_service_SOURCES = tests/server/test_service.c $(DAEMON_SOURCES)
tests_server_test_service_CPPFLAGS = $(SERVER_TEST_CPPFLAGS)
tests_server_test_service_LDADD = $(SERVER_E2E_LIBS)
tests_export_make_cases_SOURCES = tests/export/make_cases.c tests/export/layer_cases.c tests/export/cases.h
tests_export_make_cases_CPPFLAGS = -D_GNU_SOURCE $(AM_CPPFLAGS)
tests_server_make_network_CPPFLAGS = -D_GNU_SOURCE $(AM_CPPFLAGS)
if HAVE_CHECK
check_PROGRAMS += $(SERVER_TESTS) tests/server/make_network tests/export/make_cases
TESTS += $(SERVER_TESTS)
endif

# The next version of ofad, as far as its database goes.
check_PROGRAMS += tests/cluster/ofad-next
tests_cluster_ofad_next_SOURCES = $(server_ofad_SOURCES) tests/cluster/next_schema.c
tests_cluster_ofad_next_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_cluster_ofad_next_LDADD = $(SERVER_LIBS)
EXTRA_DIST += tests/cluster/README.md tests/cluster/fetch tests/cluster/killed.mjs tests/cluster/lib.mjs \
	tests/cluster/partitioned.mjs tests/cluster/proxied.mjs tests/cluster/restarted.mjs tests/cluster/run \
	tests/cluster/upgraded.mjs

check_PROGRAMS += tests/fuzz/fuzz_authorization tests/fuzz/fuzz_forwarded tests/fuzz/fuzz_measurement \
	tests/fuzz/fuzz_job tests/fuzz/fuzz_notification tests/fuzz/fuzz_precondition tests/fuzz/fuzz_config tests/fuzz/fuzz_packages_url tests/fuzz/fuzz_prefer \
	tests/fuzz/fuzz_request tests/fuzz/fuzz_s3_error
TESTS += tests/fuzz/fuzz_authorization tests/fuzz/fuzz_forwarded tests/fuzz/fuzz_measurement \
	tests/fuzz/fuzz_job tests/fuzz/fuzz_notification tests/fuzz/fuzz_precondition tests/fuzz/fuzz_config tests/fuzz/fuzz_packages_url tests/fuzz/fuzz_prefer \
	tests/fuzz/fuzz_request tests/fuzz/fuzz_s3_error tests/server/check-openapi
tests_fuzz_fuzz_authorization_SOURCES = tests/fuzz/fuzz_authorization.c tests/fuzz/replay.c
tests_fuzz_fuzz_authorization_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_authorization_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_forwarded_SOURCES = tests/fuzz/fuzz_forwarded.c tests/fuzz/replay.c
tests_fuzz_fuzz_forwarded_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_forwarded_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_measurement_SOURCES = tests/fuzz/fuzz_measurement.c tests/fuzz/replay.c
tests_fuzz_fuzz_measurement_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_measurement_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_job_SOURCES = tests/fuzz/fuzz_job.c tests/fuzz/replay.c
tests_fuzz_fuzz_job_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_job_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_notification_SOURCES = tests/fuzz/fuzz_notification.c tests/fuzz/replay.c
tests_fuzz_fuzz_notification_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_notification_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_precondition_SOURCES = tests/fuzz/fuzz_precondition.c tests/fuzz/replay.c
tests_fuzz_fuzz_precondition_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_precondition_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c
tests_fuzz_fuzz_config_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_config_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_s3_error_SOURCES = tests/fuzz/fuzz_s3_error.c tests/fuzz/replay.c
tests_fuzz_fuzz_s3_error_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_s3_error_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_packages_url_SOURCES = tests/fuzz/fuzz_packages_url.c tests/fuzz/replay.c
tests_fuzz_fuzz_packages_url_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_packages_url_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_prefer_SOURCES = tests/fuzz/fuzz_prefer.c tests/fuzz/replay.c
tests_fuzz_fuzz_prefer_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_prefer_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/replay.c
tests_fuzz_fuzz_request_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_request_LDADD = $(SERVER_LIBS)
EXTRA_DIST += tests/server/check-openapi

# Run by scripts/test, as they need packages from the npm registry.
EXTRA_DIST += tests/contract/README.md tests/contract/run tests/contract/package.json tests/contract/package-lock.json \
	tests/contract/redocly.yaml tests/contract/fleet.arazzo.yaml tests/contract/contract.mjs \
	tests/contract/respect.mjs tests/contract/hostile.mjs tests/contract/lib tests/contract/scenarios

EXTRA_DIST += tests/node-packages.sh tests/browser/run tests/browser/package.json tests/browser/package-lock.json \
	tests/browser/cost.mjs tests/browser/devices.mjs tests/browser/front.mjs tests/browser/lib.mjs \
	tests/browser/main.mjs tests/browser/plain.mjs tests/browser/point.mjs tests/browser/shell.mjs \
	tests/browser/take.mjs tests/browser/tokens.mjs tests/browser/try.mjs
EXTRA_DIST += tests/export/run tests/export/package.json tests/export/package-lock.json tests/export/cases.mjs \
	tests/export/onnxruntime.mjs tests/export/litert.mjs tests/export/armnn.mjs tests/export/armnn.cpp \
	tests/export/check-onnx tests/export/run-safetensors tests/export/c_array.c

SERVER_FUZZ_TESTS = \
	tests/fuzz/fuzz_fields \
	tests/fuzz/fuzz_negotiate \
	tests/fuzz/fuzz_profile \
	tests/fuzz/fuzz_target
check_PROGRAMS += $(SERVER_FUZZ_TESTS)
TESTS += $(SERVER_FUZZ_TESTS)
tests_fuzz_fuzz_fields_SOURCES = tests/fuzz/fuzz_fields.c tests/fuzz/replay.c
tests_fuzz_fuzz_fields_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_fields_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_negotiate_SOURCES = tests/fuzz/fuzz_negotiate.c tests/fuzz/replay.c
tests_fuzz_fuzz_negotiate_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_negotiate_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_profile_SOURCES = tests/fuzz/fuzz_profile.c tests/fuzz/replay.c
tests_fuzz_fuzz_profile_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_profile_LDADD = $(SERVER_LIBS)
tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz_target.c tests/fuzz/replay.c
tests_fuzz_fuzz_target_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
tests_fuzz_fuzz_target_LDADD = $(SERVER_LIBS)

# The host's side of the firmware's serial port, and the firmware of device/firmware on emulated boards.
tests_cli_test_serial_SOURCES = tests/cli/test_serial.c tests/cli/serial_frame.h tests/engine/runner.h \
	cli/serial_probe.h cli/serial_probe.c cli/timing.h cli/timing.c
tests_cli_test_serial_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/cli
if HAVE_CHECK
check_PROGRAMS += tests/cli/test_serial
TESTS += tests/cli/test_serial
endif
check_PROGRAMS += tests/firmware/logits tests/firmware/probe
tests_firmware_logits_CPPFLAGS = $(ENGINE_CPPFLAGS)
tests_firmware_logits_LDADD = $(ENGINE_LIBS)
tests_firmware_probe_SOURCES = tests/firmware/probe.c cli/serial_probe.h cli/serial_probe.c cli/timing.h cli/timing.c
tests_firmware_probe_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/cli
tests_firmware_probe_LDADD = $(ENGINE_LIBS)
EXTRA_DIST += tests/device/web.mjs tests/device/web_kernels.c
EXTRA_DIST += tests/firmware/hostile-frames.py tests/firmware/kernels.c
