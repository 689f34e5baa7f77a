# sources of bench/
noinst_PROGRAMS += bench/train
bench_train_SOURCES = bench/train.c
bench_train_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_train_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/search
bench_search_SOURCES = bench/search.c tests/engine/released.h tests/engine/released.c
bench_search_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine
bench_search_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/predictor
bench_predictor_SOURCES = bench/predictor.c tests/engine/released.h tests/engine/released.c
bench_predictor_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine
bench_predictor_LDADD = $(ENGINE_LIBS)
