# The engine: one static library; ops/kernels.c is compiled once per instruction set.
noinst_LIBRARIES += engine/libofaengine.a
engine_libofaengine_a_CPPFLAGS = $(ENGINE_CPPFLAGS) $(OPENBLAS_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS) \
	$(ZIP_CFLAGS) $(YAML_CFLAGS) $(JPEG_CFLAGS) $(PNG_CFLAGS)
engine_libofaengine_a_SOURCES = \
	engine/base/status.h engine/base/status.c \
	engine/base/buf.h engine/base/buf.c engine/base/precision.h engine/base/precision.c \
	engine/base/file.h engine/base/file.c \
	engine/base/rng.h engine/base/rng.c \
	engine/base/pool.h engine/base/pool.c engine/base/cpu.c engine/base/comm.h engine/base/comm.c \
	engine/base/sha256.h engine/base/sha256.c engine/base/sha256_ni.h engine/base/sha256_many.c \
	engine/tensor/gemm.h engine/tensor/gemm.c engine/tensor/solve.h engine/tensor/solve.c \
	engine/tensor/safetensors.h engine/tensor/safetensors.c engine/tensor/safetensors_save.c \
	engine/tensor/resize.h engine/tensor/resize.c \
	engine/ops/act.h engine/ops/kernels.h engine/ops/dispatch.c \
	engine/ops/int8.h engine/ops/int8_dispatch.c \
	engine/ops/im2col.h engine/ops/im2col.c engine/ops/pool.h engine/ops/pool.c \
	engine/ops/depthwise.h engine/ops/depthwise.c \
	engine/ops/ref.h engine/ops/ref.c \
	engine/space/space.h engine/space/space.c engine/space/fields.h engine/space/fields.c engine/space/family.h \
	engine/space/space_json.c engine/space/space_mbconv.c engine/space/space_resnet.c engine/space/preset.c \
	engine/space/arch.h engine/space/arch.c engine/space/arch_json.c \
	engine/space/params.h engine/space/params.c \
	engine/net/plan.h engine/net/plan.c \
	engine/net/supernet.h engine/net/supernet.c engine/net/supernet_save.c \
	engine/net/prepare.h engine/net/prepare.c \
	engine/net/batch.h engine/net/batch.c engine/net/batch_store.h engine/net/batch_store.c \
	engine/net/subnet.h engine/net/calibrate.c engine/net/subnet.c engine/net/layer.h engine/net/layer.c \
	engine/net/forward.c \
	engine/cost/costs.h engine/cost/costs.c engine/cost/memory.h engine/cost/memory.c engine/cost/memory_trace.c \
	engine/cost/stripes.h engine/cost/stripes.c \
	engine/cost/coverage.h engine/cost/coverage.c \
	engine/cost/members.h engine/cost/members.c engine/cost/history.h engine/cost/history.c \
	engine/cost/references.h engine/cost/references.c \
	engine/cost/profile.h engine/cost/profile.c engine/cost/pointer.h engine/cost/pointer.c engine/cost/limits.c \
	engine/cost/uniform.h engine/cost/uniform.c engine/cost/latency.c engine/cost/latency_key.c \
	engine/quantise/quantised.h engine/quantise/quantise.h engine/quantise/quantise.c \
	engine/quantise/layout.h engine/quantise/layout.c engine/quantise/rescale.h engine/quantise/rescale.c \
	engine/quantise/weights.h engine/quantise/weights.c \
	engine/quantise/histogram.h engine/quantise/histogram.c \
	engine/quantise/observe.h engine/quantise/observe.c \
	engine/quantise/equalise.h engine/quantise/equalise.c \
	engine/quantise/kernels.h engine/quantise/dispatch.c engine/quantise/forward.c \
	engine/quantise/measure.h engine/quantise/measure.c \
	engine/predict/predictor.h engine/predict/predictor.c engine/predict/predictor_file.c \
	engine/predict/promise.h engine/predict/promise.c \
	engine/predict/scorer.h engine/predict/scorer.c \
	engine/predict/features.h engine/predict/features.c engine/predict/predict.c engine/predict/metrics.c \
	engine/predict/mlp.h engine/predict/mlp.c engine/predict/fit.c \
	engine/predict/genes.h engine/predict/genes.c engine/predict/pairwise.h engine/predict/pairwise.c \
	engine/predict/pairwise_fit.h engine/predict/pairwise_fit.c \
	engine/predict/covariance.h engine/predict/covariance.c engine/predict/holdout.h engine/predict/holdout.c \
	engine/import/predictor.h engine/import/predictor.c engine/import/pairs.h engine/import/pairs.c \
	engine/import/yaml.h engine/import/yaml.c engine/import/table.h engine/import/table.c \
	engine/import/table_build.h engine/import/table_build.c engine/import/table_key.h engine/import/table_key.c \
	engine/import/table_reach.h engine/import/table_reach.c engine/import/table_rows.h engine/import/table_rows.c \
	engine/search/search.h engine/search/search.c engine/search/problem.h engine/search/problem.c \
	engine/search/feasible.c engine/search/seed.c engine/search/run.h engine/search/population.c \
	engine/search/anneal.c engine/search/front.h engine/search/front.c engine/search/samples.h engine/search/samples.c engine/search/answer.c engine/search/propose.c engine/search/knapsack.h engine/search/knapsack.c \
	engine/search/memo.h engine/search/memo.c \
	engine/pack/pack.h engine/pack/layout.h engine/pack/layout.c engine/pack/bytes.h \
	engine/pack/half.h engine/pack/half.c engine/pack/stored.h engine/pack/stored.c \
	engine/pack/hashes.h engine/pack/hashes.c engine/pack/head.h engine/pack/head.c \
	engine/pack/meta.h engine/pack/meta.c engine/pack/selftest.h engine/pack/selftest.c \
	engine/pack/writer.c engine/pack/build.c engine/pack/read.c \
	engine/export/export.h engine/export/export.c engine/export/formats.h \
	engine/export/graph.h engine/export/graph.c engine/export/layer.c \
	engine/export/proto.h engine/export/proto.c engine/export/onnx_write.h engine/export/onnx_write.c \
	engine/export/onnx.c engine/export/flat.h engine/export/flat.c \
	engine/export/tflite_write.h engine/export/tflite_write.c engine/export/tflite.c \
	engine/export/safetensors.c engine/export/c_array.c \
	engine/import/checkpoint.h engine/import/checkpoint.c \
	engine/import/unpickle.h engine/import/unpickle.c engine/import/unpickle_torch.c \
	engine/import/unpickle_machine.h engine/import/unpickle_machine.c \
	engine/import/torch.h engine/import/torch.c engine/import/torch_legacy.c engine/import/torch_zip.c \
	engine/import/zip.h engine/import/zip.c \
	engine/import/names.h engine/import/names.c engine/import/family.h engine/import/family.c \
	engine/import/family_mbconv.c engine/import/family_resnet.c \
	engine/import/import.h engine/import/import.c engine/import/floats.c \
	engine/import/image.h engine/import/image.c engine/import/image_jpeg.c engine/import/image_png.c \
	engine/import/calibration.h engine/import/calibration.c engine/import/calibration_dir.c \
	engine/train/step.h engine/train/trainer.c \
	engine/train/params.c engine/train/sgd.c engine/train/loss.c engine/train/sort.c \
	engine/train/dataset.h engine/train/dataset_files.h engine/train/dataset.c \
	engine/train/dataset_idx.c engine/train/dataset_cifar.c engine/train/augment.c \
	engine/train/shrink.h engine/train/recipe.c engine/train/schedule.h engine/train/schedule.c \
	engine/train/run.h engine/train/shrink.c engine/train/run_setup.c engine/train/run_from.c engine/train/run_report.c \
	engine/train/run_save.c engine/train/run_ranks.c \
	engine/train/checkpoint.h engine/train/checkpoint.c engine/train/evaluate.h engine/train/evaluate.c \
	engine/train/log.h engine/train/log.c engine/train/history.h engine/train/history.c \
	engine/train/backward.h engine/train/backward.c engine/train/backward_store.c

OFA_OPS_SOURCES = engine/ops/kernels.h engine/ops/kernels_vec.h engine/ops/conv_vec.h engine/ops/panels_vec.h \
	engine/ops/depthwise_vec.h engine/ops/dense_vec.h \
	engine/ops/kernels.c
noinst_LIBRARIES += engine/libofaops_generic.a
engine_libofaops_generic_a_SOURCES = $(OFA_OPS_SOURCES)
engine_libofaops_generic_a_CPPFLAGS = $(ENGINE_CPPFLAGS) -DOFA_ISA=generic -DOFA_VL=4
OPS_LIBS = engine/libofaops_generic.a
OFA_QUANTISED_SOURCES = engine/quantise/kernels.h engine/quantise/rescale.h engine/quantise/product_vec.h \
	engine/quantise/kernels.c
noinst_LIBRARIES += engine/libofaquantised_generic.a
engine_libofaquantised_generic_a_SOURCES = $(OFA_QUANTISED_SOURCES)
engine_libofaquantised_generic_a_CPPFLAGS = $(ENGINE_CPPFLAGS) -DOFA_ISA=generic
# Vectors wider than the processor's have no calling convention of their own; nothing passes one.
engine_libofaquantised_generic_a_CFLAGS = $(AM_CFLAGS) -Wno-psabi
OPS_LIBS += engine/libofaquantised_generic.a
if X86_64
noinst_LIBRARIES += engine/libofaops_avx2.a engine/libofaops_avx512.a
engine_libofaops_avx2_a_SOURCES = $(OFA_OPS_SOURCES)
engine_libofaops_avx2_a_CPPFLAGS = $(ENGINE_CPPFLAGS) -DOFA_ISA=avx2 -DOFA_VL=8
engine_libofaops_avx2_a_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma
engine_libofaops_avx512_a_SOURCES = $(OFA_OPS_SOURCES)
engine_libofaops_avx512_a_CPPFLAGS = $(ENGINE_CPPFLAGS) -DOFA_ISA=avx512 -DOFA_VL=16
engine_libofaops_avx512_a_CFLAGS = $(AM_CFLAGS) -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512
engine_libofaengine_a_CPPFLAGS += -DOFA_X86_64
OPS_LIBS += engine/libofaops_avx2.a engine/libofaops_avx512.a
noinst_LIBRARIES += engine/libofaint8_avxvnni.a engine/libofaint8_avx512vnni.a engine/libofaint8_amx.a
engine_libofaint8_avxvnni_a_SOURCES = engine/ops/int8.h engine/ops/int8_avxvnni.c
engine_libofaint8_avxvnni_a_CPPFLAGS = $(ENGINE_CPPFLAGS)
engine_libofaint8_avxvnni_a_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma -mavxvnni
OFA_AVX512VNNI_FLAGS = -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx512vnni -mfma
engine_libofaint8_avx512vnni_a_SOURCES = engine/ops/int8.h engine/ops/int8_avx512_vec.h engine/ops/int8_avx512vnni.c
engine_libofaint8_avx512vnni_a_CPPFLAGS = $(ENGINE_CPPFLAGS)
engine_libofaint8_avx512vnni_a_CFLAGS = $(AM_CFLAGS) $(OFA_AVX512VNNI_FLAGS)
engine_libofaint8_amx_a_SOURCES = engine/ops/int8.h engine/ops/int8_avx512_vec.h engine/ops/int8_amx.c
engine_libofaint8_amx_a_CPPFLAGS = $(ENGINE_CPPFLAGS)
engine_libofaint8_amx_a_CFLAGS = $(AM_CFLAGS) $(OFA_AVX512VNNI_FLAGS) -mamx-tile -mamx-int8
noinst_LIBRARIES += engine/libofaquantised_avx2.a engine/libofaquantised_avx512vnni.a
engine_libofaquantised_avx2_a_SOURCES = $(OFA_QUANTISED_SOURCES)
engine_libofaquantised_avx2_a_CPPFLAGS = $(ENGINE_CPPFLAGS) -DOFA_ISA=avx2
engine_libofaquantised_avx2_a_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma -Wno-psabi
engine_libofaquantised_avx512vnni_a_SOURCES = $(OFA_QUANTISED_SOURCES)
engine_libofaquantised_avx512vnni_a_CPPFLAGS = $(ENGINE_CPPFLAGS) -DOFA_ISA=avx512vnni
engine_libofaquantised_avx512vnni_a_CFLAGS = $(AM_CFLAGS) $(OFA_AVX512VNNI_FLAGS)
OPS_LIBS += engine/libofaquantised_avx2.a engine/libofaquantised_avx512vnni.a
noinst_LIBRARIES += engine/libofasha256_ni.a
engine_libofasha256_ni_a_SOURCES = engine/base/sha256_ni.h engine/base/sha256_ni.c
engine_libofasha256_ni_a_CPPFLAGS = $(ENGINE_CPPFLAGS)
engine_libofasha256_ni_a_CFLAGS = $(AM_CFLAGS) -msha -msse4.1
OPS_LIBS += engine/libofasha256_ni.a
OPS_LIBS += engine/libofaint8_avxvnni.a engine/libofaint8_avx512vnni.a engine/libofaint8_amx.a
endif

ENGINE_LIBS = engine/libofaengine.a device/libofa-device.a $(OPS_LIBS) \
	$(JANSSON_LIBS) $(OPENBLAS_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(ZIP_LIBS) $(YAML_LIBS) $(JPEG_LIBS) \
	$(PNG_LIBS)
