// Answers questions on stdin, one a line, with what this build of mbedTLS computes:
//   gcm KEY IV ADDITIONAL PLAINTEXT     ciphertext and tag
//   x25519 SCALAR POINT                 their product
//   power N E A                         A^E mod N by the code for public exponents
// All in hexadecimal, `-` for nothing. With the argument `self-test` it runs mbedTLS's own tests with published
// vectors. With `count SIZE` it decrypts that many bytes once, so that the instructions can be counted.

#include <mbedtls/aes.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/gcm.h>
#include <mbedtls/rsa.h>
#include <bignum_internal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8192 };

static void fail(const char *what)
{
    printf("wrong: %s\n", what);
    exit(1);
}

static size_t bytes(const char *hex, unsigned char *out)
{
    size_t n = 0;
    unsigned value;
    while (sscanf(hex + 2 * n, "%2x", &value) == 1)
        out[n++] = value;
    return n;
}

static void print(const unsigned char *data, size_t n)
{
    while (n--)
        printf("%02x", *data++);
}

static unsigned pseudo_random(void)
{
    static unsigned long long state = 1;
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return state >> 33;
}

// In pieces whose lengths are not those of blocks.
static void in_pieces(mbedtls_gcm_context *gcm, const unsigned char *in, size_t n, unsigned char *out)
{
    size_t piece, written;
    for (; n; n -= piece, in += piece, out += piece) {
        piece = pseudo_random() % (pseudo_random() % 2 ? 40 : 700) + 1;
        if (piece > n)
            piece = n;
        if (mbedtls_gcm_update(gcm, in, piece, out, piece, &written) || written != piece)
            fail("update");
    }
}

static void gcm(const char *key_hex, const char *iv_hex, const char *more_hex, const char *text_hex)
{
    static unsigned char key[32], iv[MOST], more[MOST], text[MOST], cipher[MOST], room[MOST + 64];
    unsigned char tag[16], other_tag[16];
    size_t key_n = bytes(key_hex, key), iv_n = bytes(iv_hex, iv), more_n = bytes(more_hex, more);
    size_t n = bytes(text_hex, text), written, shift = pseudo_random() % 64;
    mbedtls_gcm_context gcm;

    mbedtls_gcm_init(&gcm);
    if (mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, key_n * 8))
        fail("key");
    if (mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, n, iv, iv_n, more, more_n, text, cipher, 16, tag))
        fail("encryption");
    print(cipher, n);
    printf(" ");
    print(tag, 16);
    printf("\n");

    if (mbedtls_gcm_starts(&gcm, MBEDTLS_GCM_ENCRYPT, iv, iv_n) || mbedtls_gcm_update_ad(&gcm, more, more_n))
        fail("start");
    in_pieces(&gcm, text, n, room);
    if (mbedtls_gcm_finish(&gcm, NULL, 0, &written, other_tag, 16) || memcmp(tag, other_tag, 16) ||
        memcmp(room, cipher, n))
        fail("encryption in pieces");

    // Decryption where the ciphertext is, and to somewhat before it.
    memcpy(room + shift, cipher, n);
    if (mbedtls_gcm_auth_decrypt(&gcm, n, iv, iv_n, more, more_n, tag, 16, room + shift, room) || memcmp(room, text, n))
        fail("decryption to an overlapping place");
    if (mbedtls_gcm_starts(&gcm, MBEDTLS_GCM_DECRYPT, iv, iv_n) || mbedtls_gcm_update_ad(&gcm, more, more_n))
        fail("start");
    memcpy(room, cipher, n);
    in_pieces(&gcm, room, n, room);
    if (mbedtls_gcm_finish(&gcm, NULL, 0, &written, other_tag, 16) || memcmp(tag, other_tag, 16) ||
        memcmp(room, text, n))
        fail("decryption in place, in pieces");

    memcpy(room, cipher, n);
    room[n ? pseudo_random() % n : 0] ^= 1 << pseudo_random() % 8;
    if (n && mbedtls_gcm_auth_decrypt(&gcm, n, iv, iv_n, more, more_n, tag, 16, room, room) !=
                 MBEDTLS_ERR_GCM_AUTH_FAILED)
        fail("a changed ciphertext passed");
    mbedtls_gcm_free(&gcm);
}

static int no_random(void *unused, unsigned char *out, size_t n)
{
    (void)unused;
    memset(out, 42, n);
    return 0;
}

static void x25519(const char *scalar_hex, const char *point_hex)
{
    unsigned char bin[32];
    mbedtls_ecp_group group;
    mbedtls_ecp_point point, product;
    mbedtls_mpi scalar;
    int ret;

    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_ecp_point_init(&product);
    mbedtls_mpi_init(&scalar);
    mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_CURVE25519);
    bytes(scalar_hex, bin);
    bin[0] &= 248;
    bin[31] = (bin[31] & 127) | 64;
    mbedtls_mpi_read_binary_le(&scalar, bin, 32);
    bytes(point_hex, bin);
    mbedtls_ecp_point_read_binary(&group, &point, bin, 32);
    ret = mbedtls_ecp_mul(&group, &product, &scalar, &point, no_random, NULL);
    if (ret) {
        printf("-0x%04x\n", -ret);
    } else {
        mbedtls_mpi_write_binary_le(&product.MBEDTLS_PRIVATE(X), bin, 32);
        print(bin, 32);
        printf("\n");
    }
    mbedtls_mpi_free(&scalar);
    mbedtls_ecp_point_free(&product);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
}

static void power(const char *n_hex, const char *e_hex, const char *a_hex)
{
    static char out[4 * MOST];
    size_t written;
    mbedtls_mpi n, e, a, x;

    mbedtls_mpi_init(&n);
    mbedtls_mpi_init(&e);
    mbedtls_mpi_init(&a);
    mbedtls_mpi_init(&x);
    mbedtls_mpi_read_string(&n, 16, n_hex);
    mbedtls_mpi_read_string(&e, 16, e_hex);
    mbedtls_mpi_read_string(&a, 16, a_hex);
    if (mbedtls_mpi_exp_mod_unsafe(&x, &a, &e, &n, NULL))
        fail("power");
    mbedtls_mpi_write_string(&x, 16, out, sizeof(out), &written);
    printf("%s\n", out);
    mbedtls_mpi_free(&n);
    mbedtls_mpi_free(&e);
    mbedtls_mpi_free(&a);
    mbedtls_mpi_free(&x);
}

static int count(size_t n)
{
    unsigned char *data = calloc(1, n + 1), tag[16], key[16] = {0}, iv[12] = {0};
    mbedtls_gcm_context gcm;

    mbedtls_gcm_init(&gcm);
    if (mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, 128))
        fail("key");
    return mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_DECRYPT, n, iv, 12, NULL, 0, data, data, 16, tag);
}

int main(int argc, char **argv)
{
    static char line[8 * MOST], word[5][4 * MOST];

    if (argc == 3 && !strcmp(argv[1], "count"))
        return count(atol(argv[2]));
    if (argc == 2 && !strcmp(argv[1], "self-test"))
        return mbedtls_aes_self_test(0) | mbedtls_gcm_self_test(0) | mbedtls_mpi_self_test(0) |
               mbedtls_ecp_self_test(0) | mbedtls_rsa_self_test(0);
    while (fgets(line, sizeof(line), stdin)) {
        int words = sscanf(line, "%s %s %s %s %s", word[0], word[1], word[2], word[3], word[4]);
        if (words == 5 && !strcmp(word[0], "gcm"))
            gcm(word[1], word[2], word[3], word[4]);
        else if (words == 3 && !strcmp(word[0], "x25519"))
            x25519(word[1], word[2]);
        else if (words == 4 && !strcmp(word[0], "power"))
            power(word[1], word[2], word[3]);
        else
            fail(line);
    }
    return 0;
}
