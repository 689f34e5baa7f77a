/* Numbers of the packed subnet format, version 1.2.  doc/pack-format.md is the specification; this
 * header only repeats its tables for readers and writers.  Names: OFA_FMT_<record>_<field> is the
 * byte offset of a field inside its record. */
#ifndef OFA_FORMAT_H
#define OFA_FORMAT_H

#define OFA_FMT_MAGIC                                                                                                  \
	"\x89"                                                                                                         \
	"OFA\r\n\x1a\n" /* 8 bytes */
#define OFA_FMT_MAJOR 1
#define OFA_FMT_MINOR 0       /* of packages with kinds up to linear alone, */
#define OFA_FMT_MINOR_POOLS 1 /* of float32 packages with others, */
#define OFA_FMT_MINOR_TYPES 2 /* and of float16 and int8 packages */

#define OFA_FMT_ALIGN 64
#define OFA_FMT_HEADER_BYTES 64
#define OFA_FMT_OP_BYTES 64
#define OFA_FMT_TENSOR_BYTES 64
#define OFA_FMT_QUANT_BYTES 64
#define OFA_FMT_IO_BYTES 128
#define OFA_FMT_TRAILER_BYTES 32
#define OFA_FMT_HASH_BYTES 16    /* of a tensor */
#define OFA_FMT_PANEL 8          /* outputs side by side in a weight panel */
#define OFA_FMT_NONE 0xffffffffu /* arena offset: absent */

#define OFA_FMT_MAX_BYTES 0x7fffffffu
#define OFA_FMT_MAX_OPS 1024
#define OFA_FMT_MAX_TENSORS 8192
#define OFA_FMT_MAX_SIDE 4096
#define OFA_FMT_MAX_CHANNELS 65536
#define OFA_FMT_MAX_KERNEL 7
#define OFA_FMT_MAX_STRIDE 2
#define OFA_FMT_MAX_RANK 4
#define OFA_FMT_MAX_INPUT_CHANNELS 4
#define OFA_FMT_MAX_OP_TENSORS 8
#define OFA_FMT_MAX_INT8_TAPS 65536 /* products in one int8 sum */
#define OFA_FMT_INT8_ALIGN 16       /* of values in the arena of an int8 package */
#define OFA_FMT_QUAD 4              /* inputs side by side in an int8 weight panel */
#define OFA_FMT_LOOKUP_BYTES 256
#define OFA_FMT_MAX_GROUP 8 /* operations that run in turns */

enum ofa_fmt_header {
	OFA_FMT_HEADER_MAGIC = 0,
	OFA_FMT_HEADER_MAJOR = 8,          /* u16 */
	OFA_FMT_HEADER_MINOR = 10,         /* u16 */
	OFA_FMT_HEADER_FLAGS = 12,         /* u32 */
	OFA_FMT_HEADER_SIZE = 16,          /* u32 */
	OFA_FMT_HEADER_ARENA = 20,         /* u32 */
	OFA_FMT_HEADER_OPS = 24,           /* u16 */
	OFA_FMT_HEADER_TENSORS = 26,       /* u16 */
	OFA_FMT_HEADER_QUANTS = 28,        /* u16 */
	OFA_FMT_HEADER_RESERVED = 30,      /* 2 bytes */
	OFA_FMT_HEADER_OP_OFFSET = 32,     /* u32 */
	OFA_FMT_HEADER_TENSOR_OFFSET = 36, /* u32 */
	OFA_FMT_HEADER_QUANT_OFFSET = 40,  /* u32 */
	OFA_FMT_HEADER_IO_OFFSET = 44,     /* u32 */
	OFA_FMT_HEADER_META_OFFSET = 48,   /* u32 */
	OFA_FMT_HEADER_DATA_OFFSET = 52,   /* u32 */
	OFA_FMT_HEADER_RESERVED2 = 56      /* 8 bytes */
};

enum ofa_fmt_op {
	OFA_FMT_OP_KIND = 0,         /* u8, enum ofa_fmt_kind */
	OFA_FMT_OP_ACT = 1,          /* u8, enum ofa_fmt_act */
	OFA_FMT_OP_KERNEL = 2,       /* u8 */
	OFA_FMT_OP_STRIDE = 3,       /* u8 */
	OFA_FMT_OP_PAD = 4,          /* u8 */
	OFA_FMT_OP_TENSORS = 5,      /* u8 */
	OFA_FMT_OP_FIRST_TENSOR = 6, /* u16 */
	OFA_FMT_OP_H_IN = 8,         /* u16 */
	OFA_FMT_OP_W_IN = 10,        /* u16 */
	OFA_FMT_OP_H_OUT = 12,       /* u16 */
	OFA_FMT_OP_W_OUT = 14,       /* u16 */
	OFA_FMT_OP_C_IN = 16,        /* u32 */
	OFA_FMT_OP_C_OUT = 20,       /* u32 */
	OFA_FMT_OP_HIDDEN = 24,      /* u32 */
	OFA_FMT_OP_IN = 28,          /* u32 */
	OFA_FMT_OP_OUT = 32,         /* u32 */
	OFA_FMT_OP_RESIDUAL = 36,    /* u32 */
	OFA_FMT_OP_SCRATCH = 40,     /* u32 */
	OFA_FMT_OP_ROWS = 44,        /* u16; this and the next in int8 packages, else reserved */
	OFA_FMT_OP_RESERVED = 46,    /* 2 bytes */
	OFA_FMT_OP_FROM = 48,        /* u32 */
	OFA_FMT_OP_RESERVED2 = 52    /* 12 bytes */
};

enum ofa_fmt_kind {
	OFA_FMT_CONV = 1,
	OFA_FMT_DWCONV = 2,
	OFA_FMT_SE = 3,
	OFA_FMT_GLOBAL_POOL = 4,
	OFA_FMT_LINEAR = 5,
	OFA_FMT_MAX_POOL = 6, /* since version 1.1, as are the following */
	OFA_FMT_AVERAGE_POOL = 7,
	OFA_FMT_ADD = 8,
	OFA_FMT_KINDS = 9
};

enum ofa_fmt_act {
	OFA_FMT_ACT_NONE = 0,
	OFA_FMT_ACT_RELU = 1,
	OFA_FMT_ACT_RELU6 = 2,
	OFA_FMT_ACT_HSWISH = 3,
	OFA_FMT_ACT_HSIGMOID = 4,
	OFA_FMT_ACT_COUNT = 5
};

enum ofa_fmt_tensor {
	OFA_FMT_TENSOR_OFFSET = 0,    /* u32 */
	OFA_FMT_TENSOR_SIZE = 4,      /* u32 */
	OFA_FMT_TENSOR_TYPE = 8,      /* u8, enum ofa_fmt_type */
	OFA_FMT_TENSOR_ROLE = 9,      /* u8, enum ofa_fmt_role */
	OFA_FMT_TENSOR_LAYOUT = 10,   /* u8, enum ofa_fmt_layout */
	OFA_FMT_TENSOR_RANK = 11,     /* u8 */
	OFA_FMT_TENSOR_DIMS = 12,     /* 4 x u32 */
	OFA_FMT_TENSOR_RESERVED = 28, /* 4 bytes */
	OFA_FMT_TENSOR_HASH = 32,     /* 16 bytes */
	OFA_FMT_TENSOR_RESERVED2 = 48 /* 16 bytes */
};

enum ofa_fmt_type {
	OFA_FMT_FLOAT32 = 1,
	OFA_FMT_FLOAT16 = 2, /* since version 1.2, as are the following */
	OFA_FMT_INT8 = 3,
	OFA_FMT_INT32 = 4
};

enum ofa_fmt_role {
	OFA_FMT_WEIGHT = 1,
	OFA_FMT_BIAS = 2,
	OFA_FMT_WEIGHT2 = 3,
	OFA_FMT_BIAS2 = 4,
	OFA_FMT_MULTIPLIER = 5, /* since version 1.2, as are the following */
	OFA_FMT_SHIFT = 6,
	OFA_FMT_MULTIPLIER2 = 7,
	OFA_FMT_SHIFT2 = 8,
	OFA_FMT_LOOKUP = 9
};

enum ofa_fmt_layout {
	OFA_FMT_PLAIN = 1,
	OFA_FMT_PANELS = 2,
	OFA_FMT_QUADS = 3 /* since version 1.2 */
};

/* One record per operation of an int8 package. */
enum ofa_fmt_quant {
	OFA_FMT_QUANT_IN_SCALE = 0,     /* f32 */
	OFA_FMT_QUANT_OUT_SCALE = 4,    /* f32 */
	OFA_FMT_QUANT_ADDED_SCALE = 8,  /* f32 */
	OFA_FMT_QUANT_IN_ZERO = 12,     /* i8 */
	OFA_FMT_QUANT_OUT_ZERO = 13,    /* i8 */
	OFA_FMT_QUANT_ADDED_ZERO = 14,  /* i8 */
	OFA_FMT_QUANT_INNER_ZERO = 15,  /* i8 */
	OFA_FMT_QUANT_LOW = 16,         /* i32 */
	OFA_FMT_QUANT_HIGH = 20,        /* i32 */
	OFA_FMT_QUANT_FIRST = 24,       /* i32 multiplier, i32 shift; so the next two */
	OFA_FMT_QUANT_SECOND = 32,
	OFA_FMT_QUANT_RESULT = 40,
	OFA_FMT_QUANT_INNER_SCALE = 48, /* f32 */
	OFA_FMT_QUANT_RESERVED = 52     /* 12 bytes */
};
#define OFA_FMT_MIN_SHIFT (-31)
#define OFA_FMT_MAX_SHIFT 30

enum ofa_fmt_io {
	OFA_FMT_IO_HEIGHT = 0,         /* u16 */
	OFA_FMT_IO_WIDTH = 2,          /* u16 */
	OFA_FMT_IO_CHANNELS = 4,       /* u16 */
	OFA_FMT_IO_RESERVED = 6,       /* 2 bytes */
	OFA_FMT_IO_CLASSES = 8,        /* u32 */
	OFA_FMT_IO_INPUT = 12,         /* u32 */
	OFA_FMT_IO_MEAN = 16,          /* 4 x f32 */
	OFA_FMT_IO_STD = 32,           /* 4 x f32 */
	OFA_FMT_IO_TOLERANCE = 48,     /* f32 */
	OFA_FMT_IO_PIXELS_OFFSET = 52, /* u32 */
	OFA_FMT_IO_LOGITS_OFFSET = 56, /* u32 */
	OFA_FMT_IO_NAMES_OFFSET = 60,  /* u32 */
	OFA_FMT_IO_NAMES_SIZE = 64,    /* u32 */
	OFA_FMT_IO_IN_SCALE = 68,      /* f32; from here on 0 but in int8 packages */
	OFA_FMT_IO_IN_ZERO = 72,       /* i32 */
	OFA_FMT_IO_OUT_SCALE = 76,     /* f32 */
	OFA_FMT_IO_OUT_ZERO = 80,      /* i32 */
	OFA_FMT_IO_GAIN = 84,          /* 4 x i32 */
	OFA_FMT_IO_OFFSET = 100,       /* 4 x i32 */
	OFA_FMT_IO_RESERVED2 = 116     /* 12 bytes */
};

#endif
