//! What the audit holds files against, beyond the targets themselves: names and limits, as data.

use crate::model::{Arch, GlibcVersion, Protection};

/// Bytes of a layer's files, unpacked: AWS Lambda's limit for a function with all its layers.
pub const MAX_UNPACKED: u64 = 262_144_000;

/// Bytes of a layer's zip in a request to AWS Lambda. Its "50 MB" are binary, as its 250 MB above are.
pub const MAX_ZIP: u64 = 50 * 1024 * 1024;

/// The first glibc whose loader knows `DT_RELR`.
pub const PACKED_RELOCATIONS_SINCE: GlibcVersion = GlibcVersion::new(2, 36);

/// The version that a linker makes a file with `DT_RELR` need, so that older loaders refuse it.
pub const PACKED_RELOCATIONS_VERSION: &str = "GLIBC_ABI_DT_RELR";

/// Strings that every static glibc program has, whatever its age: standard output needs character
/// conversion, which reads this variable and this file. No other C library knows either.
pub const STATIC_GLIBC_SIGNS: [&str; 2] = ["GCONV_PATH", "gconv-modules"];

/// How glibc's resolver begins the names of the plug-ins it loads. It is in a static program only
/// if that program looks up host names, users or the like.
pub const STATIC_RESOLVER_SIGN: &str = "libnss_";

/// The folder of a layer in which the runtimes let every program look for libraries, with the
/// slash that ends it.
pub const LIBRARY_FOLDER: &str = "lib/";

/// Libraries that the runtimes' own programs load by these names (`*` stands for anything). One of
/// the same name in `/opt/lib` takes its place for every program there, or is itself displaced.
pub const SYSTEM_LIBRARIES: &[&str] = &[
    // glibc
    "ld-linux*.so*",
    "libc.so*",
    "libm.so*",
    "libmvec.so*",
    "libpthread.so*",
    "libdl.so*",
    "librt.so*",
    "libutil.so*",
    "libresolv.so*",
    "libanl.so*",
    "libnsl.so*",
    "libnss_*.so*",
    "libcrypt.so*",
    "libthread_db.so*",
    "libBrokenLocale.so*",
    // compilers' runtimes
    "libgcc_s.so*",
    "libstdc++.so*",
    "libatomic.so*",
    "libgomp.so*",
    // what Python, Node.js, curl and the cloud's own agents are linked with
    "libbz2.so*",
    "libcom_err.so*",
    "libcrypto.so*",
    "libcurl.so*",
    "libexpat.so*",
    "libffi.so*",
    "libgdbm.so*",
    "libgssapi_krb5.so*",
    "libidn2.so*",
    "libk5crypto.so*",
    "libkrb5.so*",
    "libkrb5support.so*",
    "libldap*.so*",
    "liblber*.so*",
    "liblzma.so*",
    "libncursesw.so*",
    "libncurses.so*",
    "libnghttp2.so*",
    "libpcre*.so*",
    "libpsl.so*",
    "libreadline.so*",
    "libsasl2.so*",
    "libselinux.so*",
    "libsqlite3.so*",
    "libssh2.so*",
    "libssl.so*",
    "libtinfo.so*",
    "libunistring.so*",
    "libuuid.so*",
    "libxml2.so*",
    "libz.so*",
    "libzstd.so*",
];

/// The folder in which a layer of this project has its manifest, in a folder of the layer's name.
pub const OWN_FOLDER: &str = "share/media-layers/";

/// The end of that manifest's path.
pub const OWN_MANIFEST: &str = "/manifest.json";

/// What a protected function calls when its stack was overwritten.
pub const STACK_PROTECTOR_FUNCTION: &str = "__stack_chk_fail";

/// Bits of `GNU_PROPERTY_X86_FEATURE_1_AND`, and what they promise.
pub const X86_MARKS: &[(u32, Protection)] = &[(1, Protection::BranchTargets), (2, Protection::ShadowStack)];

/// Bits of `GNU_PROPERTY_AARCH64_FEATURE_1_AND`, and what they promise: BTI, PAC, GCS.
pub const ARM_MARKS: &[(u32, Protection)] =
    &[(1, Protection::BranchTargets), (2, Protection::SignedReturns), (4, Protection::ShadowStack)];

/// `paciasp` and `pacibsp`, which sign the return address of a function.
pub const SIGNING_INSTRUCTIONS: [u32; 2] = [0xd503_233f, 0xd503_237f];

/// Whether it is one of the functions that `_FORTIFY_SOURCE` puts in the place of others, such as `__memcpy_chk`.
pub fn is_checked_function(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("_chk")
}

/// What a file without that protection is like, beginning with a verb.
pub fn lack(protection: Protection) -> &'static str {
    match protection {
        Protection::StackProtector => "returns from a function whose buffer overflowed (no stack protector)",
        Protection::Fortify => {
            "calls no function of the C library that checks the size of its buffer (no _FORTIFY_SOURCE)"
        }
        Protection::SignedReturns => "does not sign return addresses (no PAC)",
        Protection::BranchTargets => "does not mark the places that calls by address may lead to (no IBT or BTI)",
        Protection::ShadowStack => "does not promise to work with a shadow stack (no SHSTK or GCS)",
    }
}

/// Where the runtimes have their loader.
pub fn loader_path(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "/lib64/ld-linux-x86-64.so.2",
        Arch::Arm64 => "/lib/ld-linux-aarch64.so.1",
    }
}

/// Whether a file of that name could be taken for a library of the system.
pub fn is_system_library(name: &str) -> bool {
    SYSTEM_LIBRARIES.iter().any(|pattern| matches(pattern, name))
}

/// The glibc a symbol version asks for; none for versions of other libraries and for `GLIBC_PRIVATE`.
pub fn glibc_version(version: &str) -> Option<GlibcVersion> {
    if version == PACKED_RELOCATIONS_VERSION {
        return Some(PACKED_RELOCATIONS_SINCE);
    }
    version.strip_prefix("GLIBC_")?.parse().ok()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|tail| tail.char_indices().any(|(at, _)| matches(rest, &tail[at..])) || matches(rest, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_libraries_are_known_by_any_version() {
        for name in
            ["libc.so.6", "libcurl.so.4", "libcrypto.so.1.1", "libnss_dns.so.2", "ld-linux-aarch64.so.1", "libz.so"]
        {
            assert!(is_system_library(name), "{name}");
        }
        for name in ["libmediainfo.so.0", "libzen.so.0", "libcurl-media.so.4", "libc++.so.1", "xlibc.so.6", "libz"] {
            assert!(!is_system_library(name), "{name}");
        }
    }

    #[test]
    fn versions_of_glibc_are_told_from_others() {
        assert_eq!(glibc_version("GLIBC_2.17"), Some(GlibcVersion::new(2, 17)));
        assert_eq!(glibc_version("GLIBC_ABI_DT_RELR"), Some(GlibcVersion::new(2, 36)));
        for version in ["GLIBC_PRIVATE", "GLIBCXX_3.4", "OPENSSL_3.0.0", "GLIBC_", ""] {
            assert_eq!(glibc_version(version), None, "{version}");
        }
    }
}
