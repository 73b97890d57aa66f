// usage: bundle CHAIN BUNDLE...     CHAIN: what a server sends, PEM
//
// Verifies the chain with each bundle twice: with all of its certificates parsed, as mbedTLS does by itself, and with
// those that are asked for (x509_bundle.h). Prints what came out, a line per bundle, and ends with 1 where they differ.

#include <mbedtls/x509_bundle.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int loaded, verified;
    uint32_t flags;
} verdict;

static verdict with_all(mbedtls_x509_crt *chain, const char *path)
{
    verdict got = {0};
    mbedtls_x509_crt all;

    mbedtls_x509_crt_init(&all);
    got.loaded = mbedtls_x509_crt_parse_file(&all, path);
    // A positive number is that of the certificates that were left out.
    if (got.loaded >= 0) {
        got.loaded = 0;
        got.verified = mbedtls_x509_crt_verify_with_profile(chain, &all, NULL, &mbedtls_x509_crt_profile_default,
                                                            "localhost", &got.flags, NULL, NULL);
    }
    mbedtls_x509_crt_free(&all);
    return got;
}

static verdict with_candidates(mbedtls_x509_crt *chain, const char *path)
{
    verdict got = {0};
    mbedtls_x509_bundle bundle;

    mbedtls_x509_bundle_init(&bundle);
    got.loaded = mbedtls_x509_bundle_read_file(&bundle, path);
    if (got.loaded == 0)
        got.verified = mbedtls_x509_crt_verify_with_ca_cb(chain, mbedtls_x509_bundle_ca_cb, &bundle,
                                                          &mbedtls_x509_crt_profile_default, "localhost", &got.flags,
                                                          NULL, NULL);
    mbedtls_x509_bundle_free(&bundle);
    return got;
}

int main(int argc, char **argv)
{
    mbedtls_x509_crt chain;
    int differ = 0;

    mbedtls_x509_crt_init(&chain);
    if (argc < 3 || mbedtls_x509_crt_parse_file(&chain, argv[1])) {
        fprintf(stderr, "usage: bundle CHAIN BUNDLE...\n");
        return 2;
    }
    for (char **path = argv + 2; *path; path++) {
        verdict all = with_all(&chain, *path), some = with_candidates(&chain, *path);
        int same = !memcmp(&all, &some, sizeof(all));

        printf("load %d verify %d flags %x", all.loaded, all.verified, all.flags);
        if (!same)
            printf(" but with candidates load %d verify %d flags %x", some.loaded, some.verified, some.flags);
        printf("\n");
        differ |= !same;
    }
    mbedtls_x509_crt_free(&chain);
    return differ;
}
