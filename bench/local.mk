# sources of bench/
noinst_PROGRAMS += bench/train
bench_train_SOURCES = bench/train.c
bench_train_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_train_LDADD = $(ENGINE_LIBS)
