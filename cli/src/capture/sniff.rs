//! What a file is, from its first bytes: so that "not a capture" can say more.

use std::fmt;

/// What the beginning of a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// pcap in any of its variants.
    Pcap,
    /// pcapng.
    Pcapng,
    /// Compressed or packed; the name of the format.
    Packed(&'static str),
    /// A capture in a format that is not read; its name.
    Foreign(&'static str),
    /// JSON, for example events of one object per line.
    Json,
    /// Printable text.
    Text,
    /// Anything else: its first bytes, and how many of them there are.
    Unknown([u8; 4], usize),
}

/// Looks at the first bytes of a file; 16 or more let it see everything it can.
pub(crate) fn sniff(prefix: &[u8]) -> Content {
    const NAMED: &[(&[u8], Content)] = &[
        (&[0xd4, 0xc3, 0xb2, 0xa1], Content::Pcap),
        (&[0xa1, 0xb2, 0xc3, 0xd4], Content::Pcap),
        (&[0x4d, 0x3c, 0xb2, 0xa1], Content::Pcap),
        (&[0xa1, 0xb2, 0x3c, 0x4d], Content::Pcap),
        (&[0x34, 0xcd, 0xb2, 0xa1], Content::Pcap),
        (&[0xa1, 0xb2, 0xcd, 0x34], Content::Pcap),
        (&[0x1f, 0x8b], Content::Packed("gzip")),
        (&[0x28, 0xb5, 0x2f, 0xfd], Content::Packed("zstd")),
        (&[0x04, 0x22, 0x4d, 0x18], Content::Packed("lz4")),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], Content::Packed("xz")),
        (b"BZh", Content::Packed("bzip2")),
        (b"PK\x03\x04", Content::Packed("zip")),
        (b"snoop\0\0\0", Content::Foreign("snoop")),
        (b"GMBU", Content::Foreign("Microsoft Network Monitor")),
        (b"RTSS", Content::Foreign("Microsoft Network Monitor")),
        (&[0x1c, 0x00, 0x01, 0xac], Content::Foreign("Ixia lcap")),
        (&[0x1c, 0x00, 0x01, 0xab], Content::Foreign("Ixia lcap")),
    ];
    if let [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x1a, 0x2b, 0x3c, 0x4d, ..]
    | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x4d, 0x3c, 0x2b, 0x1a, ..] = prefix
    {
        return Content::Pcapng;
    }
    if let Some((_, content)) = NAMED.iter().find(|(magic, _)| prefix.starts_with(magic)) {
        return *content;
    }
    let text = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix);
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    // A character cut by the end of the prefix has no `error_len`.
    let utf8 = std::str::from_utf8(text).map_or_else(|error| error.error_len().is_none(), |_| true);
    if !text.is_empty() && utf8 && text.iter().all(printable) {
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        return if matches!(first, Some(b'{' | b'[')) { Content::Json } else { Content::Text };
    }
    let mut first = [0; 4];
    for (to, from) in first.iter_mut().zip(prefix) {
        *to = *from;
    }
    Content::Unknown(first, prefix.len().min(4))
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcap => f.write_str("a pcap file"),
            Self::Pcapng => f.write_str("a pcapng file"),
            Self::Packed(name) => write!(f, "it is compressed ({name}); unpack it first"),
            Self::Foreign(name) => write!(f, "it is a {name} capture; convert it to pcap first"),
            Self::Json => f.write_str("it looks like JSON; events are read from files named *.jsonl"),
            Self::Text => f.write_str("it looks like text"),
            Self::Unknown(bytes, length) => {
                f.write_str("it begins with")?;
                bytes.iter().take(*length).try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}
