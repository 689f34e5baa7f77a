/* What the benchmarks at ImageNet size share: a MobileNetV3 w1.2 with random weights, and medians of clocks. */
#ifndef OFA_BENCH_IMAGENET_H
#define OFA_BENCH_IMAGENET_H

#include "net/supernet.h"

#define BENCH_SIZE 224
#define BENCH_CHANNELS 3

/* As `ofa init --family mbv3 --width 1.2 --classes 1000` makes it, with so many random calibration images; its file is
 * gone again. */
enum ofa_status bench_network(int calibration_images, struct ofa_supernet **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The plan of its largest or smallest subnet at 224 pixels; free() it. */
enum ofa_status bench_plan(const struct ofa_supernet *net, bool largest, struct ofa_plan **ret,
                           struct ofa_error *err) OFA_MUST_CHECK;

/* Wall clock, and processor time of all threads together: on a busy machine the latter says more. */
struct bench_time {
	double wall_ms, cpu_ms;
};
typedef enum ofa_status bench_fn(void *ctx, struct ofa_error *err);
/* Medians of `runs` runs (at most BENCH_MAX_RUNS) after one that is not counted: memory is in place, caches are as the
 * run before left them. */
#define BENCH_MAX_RUNS 101
enum ofa_status bench_median(bench_fn *fn, void *ctx, int runs, struct bench_time *ret,
                             struct ofa_error *err) OFA_MUST_CHECK;

#endif
