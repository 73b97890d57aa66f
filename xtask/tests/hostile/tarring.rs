//! Tar files and Debian packages, written byte by byte.

use std::io::Write as _;

/// One header with its bytes. What is not set is as usual.
pub struct Entry {
    pub name: Vec<u8>,
    pub kind: u8,
    pub target: Vec<u8>,
    pub body: Vec<u8>,
    /// What the size field says, if not the length of the body.
    pub size: Option<[u8; 12]>,
}

/// A file.
pub fn file(name: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Entry {
    entry(b'0', name, body)
}

/// An entry of some kind.
pub fn entry(kind: u8, name: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Entry {
    let (name, body) = (name.as_ref().to_vec(), body.as_ref().to_vec());
    Entry { name, kind, target: Vec::new(), body, size: None }
}

/// A link: `2` symbolic, `1` hard.
pub fn link(kind: u8, name: &str, target: impl AsRef<[u8]>) -> Entry {
    Entry { target: target.as_ref().to_vec(), ..entry(kind, name, "") }
}

/// A name in a header of its own, as GNU tar writes it.
pub fn long_name(name: impl AsRef<[u8]>) -> Entry {
    entry(b'L', "././@LongLink", [name.as_ref(), b"\0"].concat())
}

/// A header of records.
pub fn pax(kind: u8, records: &[(&str, &str)]) -> Entry {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        // The length counts its own digits.
        let length = (rest.len()..).find(|length| length.to_string().len() + rest.len() == *length).expect("a length");
        format!("{length}{rest}")
    };
    entry(kind, "pax", records.iter().map(record).collect::<String>())
}

impl Entry {
    /// The same with another size than that of its body.
    pub fn saying(self, size: u64) -> Entry {
        let mut field = [0; 12];
        // Beyond eight gigabytes sizes are written in binary.
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
        Entry { size: Some(field), ..self }
    }

    /// The header and the body, filled up to whole blocks.
    pub fn bytes(&self) -> Vec<u8> {
        let mut header = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name);
        put(100, b"0000644\0");
        put(
            124,
            &self.size.unwrap_or_else(|| {
                let mut octal = [0; 12];
                octal[..11].copy_from_slice(format!("{:011o}", self.body.len()).as_bytes());
                octal
            }),
        );
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, &self.target);
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut bytes = [&header, &self.body[..]].concat();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// The entries one after another, without the end.
pub fn open(entries: &[Entry]) -> Vec<u8> {
    entries.iter().map(Entry::bytes).collect::<Vec<_>>().concat()
}

/// A whole tar file.
pub fn tar(entries: &[Entry]) -> Vec<u8> {
    [open(entries), vec![0; 1024]].concat()
}

/// Compressed; several results after each other are one stream.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// Compressed.
pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// Compressed.
pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// An xz stream that asks for a dictionary of four gigabytes.
pub fn greedy(mut xz: Vec<u8>) -> Vec<u8> {
    // The first block's header: its size, its flags, the filter LZMA2 with one byte that says the dictionary's size.
    let length = 4 * (usize::from(xz[12]) + 1);
    assert_eq!(xz[14..16], [0x21, 1], "the only filter");
    xz[16] = 40;
    let mut sum = flate2::Crc::new();
    sum.update(&xz[12..12 + length - 4]);
    xz[12 + length - 4..12 + length].copy_from_slice(&sum.sum().to_le_bytes());
    xz
}

/// A member of a Debian package.
pub fn member(name: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", bytes.len());
    let gap = &b"\n"[..bytes.len() % 2];
    [header.as_bytes(), bytes, gap].concat()
}

/// A Debian package of these members.
pub fn deb(members: &[Vec<u8>]) -> Vec<u8> {
    [b"!<arch>\n", &members.concat()[..]].concat()
}
