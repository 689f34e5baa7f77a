/* The packed subnet: doc/pack-format.md is the specification, device/ofa_format.h the layout.
 * The size is known before the first byte, so a package streams. */
#ifndef OFA_PACK_PACK_H
#define OFA_PACK_PACK_H

#include "base/file.h"
#include "cost/costs.h"
#include "net/subnet.h"

/* What the package says of itself beside the weights. */
struct ofa_pack_info {
	double predicted_accuracy; /* NAN: unknown */
	double latency_ms;         /* NAN: unknown */
	const char *profile;       /* name, or NULL */
	enum ofa_precision precision;
};

/* Exact size in bytes of the package of this plan; needs no weights.  The metadata section has a fixed size per
 * network, so that equal archs give equal sizes whatever the predictions are. */
uint64_t ofa_pack_size(const struct ofa_supernet *net, const struct ofa_plan *plan, enum ofa_precision precision);
/* What one layer adds to it, always the same. */
uint64_t ofa_pack_layer_bytes(const struct ofa_layer *l, enum ofa_precision precision);
uint64_t ofa_pack_unit_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision);

/* A package being written: header, tables, metadata, self-test and tensor hashes are ready; float32 weights are
 * streamed from the subnet, whose storage is the data section, others from a converted copy.  Bytes depend only on
 * (network, arch, stats, info).  net and sub are borrowed and must outlive the packer.  OFA_ERR_INVALID for a profile
 * name that is none; OFA_ERR_LIMIT past the format's largest size, and for a weight past what float16 holds;
 * OFA_ERR_NOT_FOUND for int8 of a network without calibration images.  Writing may be repeated. */
struct ofa_packer;
enum ofa_status ofa_packer_new(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			       const struct ofa_pack_info *info, struct ofa_packer **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
void ofa_packer_free(struct ofa_packer *p);
uint64_t ofa_packer_size(const struct ofa_packer *p);
enum ofa_status ofa_packer_write(struct ofa_packer *p, const struct ofa_sink *sink,
				 struct ofa_error *err) OFA_MUST_CHECK;

/* The same straight into memory, without a packer: the weights go from the mapped network into their place.  dest:
 * ofa_pack_size() bytes at a multiple of 64.  The self-test runs and hashes are taken on the pool (NULL: one thread),
 * which does not show in the bytes; complete false leaves them and the trailer out (to measure what they cost). */
enum ofa_status ofa_pack_into(const struct ofa_supernet *net, const struct ofa_plan *plan,
			      const struct ofa_bn_stats *stats, const struct ofa_pack_info *info, bool complete,
			      struct ofa_pool *pool, uint8_t *dest, struct ofa_error *err) OFA_MUST_CHECK;

/* plan -> calibrate on the network's own images (or sliced statistics when it has none) -> extract -> convert ->
 * write into one malloc'ed buffer (at a multiple of 64; free() it) -> load and self-test by the device
 * runtime, OFA_ERR_MISMATCH if it does not reproduce the engine's logits.  The engine's whole delivery
 * path.  Calibration rounds differently on different numbers of threads, and the bytes with it.
 * ret_timing may be NULL. */
struct ofa_pack_timing {
	double calibrate_ms, pack_ms;
	double helpers_cpu_ms; /* processor time of threads that were started for it; the caller knows its own */
};
enum ofa_status ofa_pack_build(const struct ofa_supernet *net, const struct ofa_arch *arch,
			       const struct ofa_pack_info *info, struct ofa_pool *pool, uint8_t **ret_data,
			       size_t *ret_size, struct ofa_pack_timing *ret_timing,
			       struct ofa_error *err) OFA_MUST_CHECK;

/* Reader for tools and server: checks everything the device checks (it calls the device loader), all
 * digests, that nothing follows the package, and that the metadata repeats the tables; hands out the
 * metadata.  OFA_ERR_FORMAT with the byte, tensor or member, OFA_ERR_UNSUPPORTED for a later format.
 * data lies at a multiple of 4. */
struct ofa_package_summary {
	json_t *meta;   /* the UTF-8 JSON object: arch, predictions, classes, normalisation; owned */
	char dtype[16]; /* name of the precision */
	enum ofa_precision precision;
	uint64_t size_bytes, arena_bytes, macs, params;
	int image_size, channels, classes;
	uint8_t sha256[32]; /* of the whole file */
};
enum ofa_status ofa_package_read(const uint8_t *data, size_t size, struct ofa_package_summary *ret,
				 struct ofa_error *err) OFA_MUST_CHECK;
void ofa_package_summary_release(struct ofa_package_summary *s);

#endif
