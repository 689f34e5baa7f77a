# The device runtime: its own library, usable without anything else of this project.
lib_LIBRARIES += device/libofa-device.a
device_libofa_device_a_SOURCES = \
	device/ofa_device.h device/ofa_format.h device/internal.h \
	device/load.c device/io.c device/check.c device/tensors.c device/quant.c device/dataflow.c \
	device/group.h device/group.c device/place.h device/stripes.c device/run_int8.c device/run_float.c \
	device/run.c device/verify.c device/sha256.c device/status.c \
	device/ofa_device_manifest.h device/manifest.c device/ed25519.h device/ed25519.c device/sha512.c \
	device/cpu.h device/cpu.c device/kernels.h device/choose_float.c \
	device/vec.h device/weights.h device/kernels_body.h device/kernels.c device/kernels_avx2.c \
	device/kernels_avx512.c device/kernels_half.c device/kernels_half_avx2.c device/kernels_half_avx512.c \
	device/kernels_int8.h device/choose_int8.c device/int8.c \
	device/int8_vec.h device/int8_lanes_vec.h device/int8_dense_vec.h device/int8_depthwise_vec.h \
	device/int8_x86_vec.h device/int8_avx2.c device/int8_avxvnni.c device/int8_avx512.c \
	device/int8_arm.h device/int8_dsp.c device/int8_mve.c device/int8_wasm_vec.h device/int8_simd128.c
include_HEADERS += device/ofa_device.h device/ofa_device_manifest.h device/ofa_format.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = device/ofa-device.pc

noinst_PROGRAMS += doc/examples/check_package doc/examples/run_package
doc_examples_check_package_SOURCES = doc/examples/check_package.c
doc_examples_check_package_CPPFLAGS = -I$(top_srcdir)/device
doc_examples_check_package_LDADD = device/libofa-device.a
doc_examples_run_package_SOURCES = doc/examples/run_package.c
doc_examples_run_package_CPPFLAGS = -I$(top_srcdir)/device
doc_examples_run_package_LDADD = device/libofa-device.a
EXTRA_DIST += device/ofa-device.pc.in
EXTRA_DIST += doc/pack-format.md
dist_man5_MANS += doc/man/ofa-pack.5

# An example for microcontrollers; built by its own script, for a compiler of theirs.
FIRMWARE = device/firmware/build device/firmware/run device/firmware/images device/firmware/flash.ld \
	device/firmware/payload.S device/firmware/board.h device/firmware/protocol.h device/firmware/firmware.h \
	device/firmware/startup.c device/firmware/serial.c device/firmware/counter.c device/firmware/text.c \
	device/firmware/memory.c device/firmware/classify.c device/firmware/measure.c device/firmware/frame.h \
	device/firmware/frame.c device/firmware/store.h device/firmware/store.c
EXTRA_DIST += $(FIRMWARE)

# For web pages; built by its own script, for a compiler to WebAssembly.
EXTRA_DIST += device/web/build device/web/run.c
