/* Ed25519 after RFC 8032.  The formulas for points are those of its section 5.1.4 (Hisil, Wong, Carter, Dawson 2008);
 * the rest is plain schoolbook arithmetic on 32-bit digits: no tables, little code, and what a Cortex-M's multiplier
 * likes.  Nothing here is secret, so nothing takes care to take constant time. */
#include <string.h>
#include "ed25519.h"

/* ---- numbers modulo p = 2^255 - 19 ---- */

/* Digits to the base 2^32, the least first.  Any number below 2^256 stands for its residue. */
struct field {
	uint32_t d[8];
};

static const struct field one = {{1}};
static const struct field curve_d = {
	{0x135978a3, 0x75eb4dca, 0x4141d8ab, 0x00700a4d, 0x7779e898, 0x8cc74079, 0x2b6ffe73, 0x52036cee}};
static const struct field root_of_minus_1 = {
	{0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806, 0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480}};

/* r += carry * 2^256, which is carry * 38. */
static void fold(struct field *r, uint64_t carry)
{
	unsigned i;

	while (carry > 0) {
		carry *= 38;
		for (i = 0; i < 8; i++) {
			carry += r->d[i];
			r->d[i] = (uint32_t)carry;
			carry >>= 32;
		}
	}
}

static void add(struct field *r, const struct field *a, const struct field *b)
{
	uint64_t carry = 0;
	unsigned i;

	for (i = 0; i < 8; i++) {
		carry += (uint64_t)a->d[i] + b->d[i];
		r->d[i] = (uint32_t)carry;
		carry >>= 32;
	}
	fold(r, carry);
}

static void subtract(struct field *r, const struct field *a, const struct field *b)
{
	uint64_t borrow = 0;
	unsigned i;

	for (i = 0; i < 8; i++) {
		const uint64_t t = (uint64_t)a->d[i] - b->d[i] - borrow;

		r->d[i] = (uint32_t)t;
		borrow = t >> 63;
	}
	/* what was borrowed is 2^256: 38 too many */
	while (borrow) {
		borrow = 38;
		for (i = 0; i < 8; i++) {
			const uint64_t t = (uint64_t)r->d[i] - borrow;

			r->d[i] = (uint32_t)t;
			borrow = t >> 63;
		}
	}
}

static void multiply(struct field *r, const struct field *a, const struct field *b)
{
	uint32_t wide[16] = {0};
	uint64_t carry;
	unsigned i, j;

	for (i = 0; i < 8; i++) {
		carry = 0;
		for (j = 0; j < 8; j++) {
			carry += (uint64_t)a->d[i] * b->d[j] + wide[i + j];
			wide[i + j] = (uint32_t)carry;
			carry >>= 32;
		}
		wide[i + 8] = (uint32_t)carry;
	}
	carry = 0;
	for (i = 0; i < 8; i++) {
		carry += (uint64_t)wide[i + 8] * 38 + wide[i];
		r->d[i] = (uint32_t)carry;
		carry >>= 32;
	}
	fold(r, carry);
}

/* r = a^(2^n), n at least 1. */
static void square_times(struct field *r, const struct field *a, unsigned n)
{
	multiply(r, a, a);
	while (--n > 0)
		multiply(r, r, r);
}

/* r = a^(2^250 - 1); *ret_11 = a^11. */
static void power_2_250_1(struct field *r, const struct field *a, struct field *ret_11)
{
	/* to double the ones in the exponent, from five on; the last of 250 adds 50 to 200 */
	static const uint8_t doubled[] = {5, 10, 20};
	struct field t, fifty;
	unsigned i;

	square_times(&t, a, 1);        /* 2 */
	square_times(r, &t, 2);        /* 8 */
	multiply(r, r, a);             /* 9 */
	multiply(ret_11, r, &t);       /* 11 */
	square_times(&t, ret_11, 1);   /* 22 */
	multiply(r, r, &t);            /* 31 = 2^5 - 1 */
	for (i = 0; i < sizeof(doubled); i++) {
		square_times(&t, r, doubled[i]);
		multiply(&t, &t, r);
		if (doubled[i] == 5)
			fifty = t; /* 2^10 - 1 */
		*r = t;
	}
	square_times(&t, r, 10); /* 2^40 - 1 and ten more */
	multiply(&fifty, &t, &fifty);
	square_times(&t, &fifty, 50);
	multiply(r, &t, &fifty); /* 2^100 - 1 */
	square_times(&t, r, 100);
	multiply(r, &t, r); /* 2^200 - 1 */
	square_times(&t, r, 50);
	multiply(r, &t, &fifty);
}

static void invert(struct field *r, const struct field *a)
{
	struct field eleventh, t;

	power_2_250_1(&t, a, &eleventh);
	square_times(&t, &t, 5);
	multiply(r, &t, &eleventh); /* a^(2^255 - 21) */
}

/* The digits of the one number below p. */
static void reduce(struct field *a)
{
	struct field t;
	unsigned i, pass;
	uint64_t carry;

	/* what is above 2^255 counts 19 times; a second pass for what the first may have carried there */
	for (pass = 0; pass < 2; pass++) {
		carry = (uint64_t)(a->d[7] >> 31) * 19;
		a->d[7] &= 0x7fffffff;
		for (i = 0; i < 8; i++) {
			carry += a->d[i];
			a->d[i] = (uint32_t)carry;
			carry >>= 32;
		}
	}
	/* at least p: 19 more reach 2^255 */
	carry = 19;
	for (i = 0; i < 8; i++) {
		carry += a->d[i];
		t.d[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (t.d[7] >> 31) {
		t.d[7] &= 0x7fffffff;
		*a = t;
	}
}

static int equal(const struct field *a, const struct field *b)
{
	struct field difference;

	subtract(&difference, a, b);
	reduce(&difference);
	return memcmp(&difference, &(const struct field){{0}}, sizeof(difference)) == 0;
}

static void read_digits(uint32_t *d, unsigned n, const uint8_t *p)
{
	unsigned i;

	for (i = 0; i < n; i++, p += 4)
		d[i] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- points of the curve -x^2 + y^2 = 1 + d x^2 y^2 ---- */

/* x = X / Z, y = Y / Z, x y = T / Z. */
struct point {
	struct field x, y, z, t;
};

static const struct field base_x = {
	{0x8f25d51a, 0xc9562d60, 0x9525a7b2, 0x692cc760, 0xfdd6dc5c, 0xc0a4e231, 0xcd6e53fe, 0x216936d3}};
static const struct field base_y = {
	{0x66666658, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666}};

/* The last step of both formulas below. */
static void finish(struct point *r, const struct field *e, const struct field *f, const struct field *g,
		   const struct field *h)
{
	multiply(&r->x, e, f);
	multiply(&r->y, g, h);
	multiply(&r->t, e, h);
	multiply(&r->z, f, g);
}

/* r may be p or q. */
static void add_points(struct point *r, const struct point *p, const struct point *q)
{
	struct field a, b, c, d, t;

	subtract(&a, &p->y, &p->x);
	subtract(&t, &q->y, &q->x);
	multiply(&a, &a, &t);
	add(&b, &p->y, &p->x);
	add(&t, &q->y, &q->x);
	multiply(&b, &b, &t);
	multiply(&c, &p->t, &q->t);
	multiply(&c, &c, &curve_d);
	add(&c, &c, &c);
	multiply(&d, &p->z, &q->z);
	add(&d, &d, &d);
	subtract(&t, &b, &a); /* E */
	add(&b, &b, &a);      /* H */
	subtract(&a, &d, &c); /* F */
	add(&d, &d, &c);      /* G */
	finish(r, &t, &a, &d, &b);
}

/* r may be p. */
static void double_point(struct point *r, const struct point *p)
{
	struct field a, b, c, h;

	multiply(&a, &p->x, &p->x);
	multiply(&b, &p->y, &p->y);
	multiply(&c, &p->z, &p->z);
	add(&c, &c, &c);
	add(&h, &p->x, &p->y);
	multiply(&h, &h, &h);
	subtract(&h, &h, &a);
	subtract(&h, &h, &b); /* -E */
	subtract(&a, &b, &a); /* -G = B - A */
	add(&b, &b, &b);
	subtract(&b, &b, &a); /* H = B + A = 2 B - (B - A) */
	subtract(&c, &c, &a); /* F = C + G */
	/* with E and G negative all four coordinates are, which is the same point */
	finish(r, &h, &c, &a, &b);
}

static int is_neutral(const struct point *p)
{
	return equal(&p->x, &(const struct field){{0}}) && equal(&p->y, &p->z);
}

/* Is 8 p the neutral element? */
static int has_small_order(const struct point *p)
{
	struct point t;

	double_point(&t, p);
	double_point(&t, &t);
	double_point(&t, &t);
	return is_neutral(&t);
}

/* The negative of an encoded point.  0 when the bytes are no point, or not the one way to write it. */
static int read_negative(struct point *r, const uint8_t bytes[32])
{
	struct field u, v, w, y;

	read_digits(r->y.d, 8, bytes);
	r->y.d[7] &= 0x7fffffff;
	y = r->y;
	reduce(&y);
	if (memcmp(&y, &r->y, sizeof(y)) != 0)
		return 0;
	r->z = one;
	multiply(&u, &y, &y);
	multiply(&v, &u, &curve_d);
	subtract(&u, &u, &one); /* y^2 - 1 */
	add(&v, &v, &one);      /* d y^2 + 1 */
	/* x = u v^3 (u v^7)^((p - 5) / 8) */
	multiply(&w, &v, &v);
	multiply(&r->x, &w, &v);
	multiply(&r->x, &r->x, &u); /* u v^3 */
	multiply(&w, &w, &w);
	multiply(&w, &w, &r->x); /* u v^7 */
	power_2_250_1(&y, &w, &r->t);
	square_times(&y, &y, 2);
	multiply(&y, &y, &w); /* (u v^7)^(2^252 - 3) */
	multiply(&r->x, &r->x, &y);
	multiply(&w, &r->x, &r->x);
	multiply(&w, &w, &v);
	if (!equal(&w, &u)) {
		subtract(&u, &(const struct field){{0}}, &u);
		if (!equal(&w, &u))
			return 0;
		multiply(&r->x, &r->x, &root_of_minus_1);
	}
	reduce(&r->x);
	if ((r->x.d[0] & 1) == (uint32_t)(bytes[31] >> 7))
		subtract(&r->x, &(const struct field){{0}}, &r->x);
	multiply(&r->t, &r->x, &r->y);
	return 1;
}

/* Are the bytes the encoding of p? */
static int is_encoding(const struct point *p, const uint8_t bytes[32])
{
	struct field inverse, x, y, expected;

	invert(&inverse, &p->z);
	multiply(&x, &p->x, &inverse);
	multiply(&y, &p->y, &inverse);
	reduce(&x);
	reduce(&y);
	y.d[7] |= x.d[0] << 31;
	read_digits(expected.d, 8, bytes);
	return memcmp(&y, &expected, sizeof(y)) == 0;
}

/* ---- scalars modulo the order of the base point ---- */

static const uint32_t order[8] = {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000};

static int below_order(const uint32_t s[8])
{
	unsigned i;

	for (i = 8; i-- > 0;)
		if (s[i] != order[i])
			return s[i] < order[i];
	return 0;
}

/* The 64 bytes as a number, modulo the order, bit by bit: a small part of the whole time. */
static void reduce_scalar(uint32_t r[8], const uint8_t bytes[64])
{
	unsigned bit, i;

	memset(r, 0, 8 * sizeof(*r));
	for (bit = 512; bit-- > 0;) {
		uint32_t in = bytes[bit / 8] >> (bit % 8) & 1;
		uint64_t borrow = 0;

		for (i = 0; i < 8; i++) {
			const uint32_t out = r[i] >> 31;

			r[i] = r[i] << 1 | in;
			in = out;
		}
		if (below_order(r))
			continue;
		for (i = 0; i < 8; i++) {
			const uint64_t t = (uint64_t)r[i] - order[i] - borrow;

			r[i] = (uint32_t)t;
			borrow = t >> 63;
		}
	}
}

/* ---- signatures ---- */

/* SHA-512 of R, the key and the message, modulo the order. */
static void challenge(uint32_t r[8], const uint8_t *signature, const uint8_t *message, size_t n,
		      const uint8_t *public_key)
{
	struct ofa_device_sha512 h;
	uint8_t digest[OFA_DEVICE_SHA512_BYTES];

	ofa_device_sha512_init(&h);
	ofa_device_sha512_update(&h, signature, 32);
	ofa_device_sha512_update(&h, public_key, 32);
	ofa_device_sha512_update(&h, message, n);
	ofa_device_sha512_final(&h, digest);
	reduce_scalar(r, digest);
}

/* r = s B + h a; both scalars are below the order. */
static void combine(struct point *r, const uint32_t s[8], const uint32_t h[8], const struct point *a)
{
	struct point base, both;
	unsigned bit;

	base.x = base_x;
	base.y = base_y;
	base.z = one;
	multiply(&base.t, &base.x, &base.y);
	add_points(&both, &base, a);
	memset(r, 0, sizeof(*r));
	r->y = r->z = one;
	for (bit = 253; bit-- > 0;) {
		const uint32_t in_s = s[bit / 32] >> (bit % 32) & 1, in_h = h[bit / 32] >> (bit % 32) & 1;

		double_point(r, r);
		if (in_s && in_h)
			add_points(r, r, &both);
		else if (in_s || in_h)
			add_points(r, r, in_s ? &base : a);
	}
}

int ofa_device_ed25519_verify(const uint8_t signature[64], const uint8_t *message, size_t n,
			      const uint8_t public_key[32])
{
	uint32_t s[8], h[8];
	struct point minus_a, r;

	read_digits(s, 8, signature + 32);
	if (!below_order(s) || !read_negative(&minus_a, public_key) || has_small_order(&minus_a))
		return 0;
	challenge(h, signature, message, n, public_key);
	combine(&r, s, h, &minus_a);
	return is_encoding(&r, signature) && !has_small_order(&r);
}
