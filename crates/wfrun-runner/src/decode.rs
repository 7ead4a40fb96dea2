//! The text of a file, as .NET reads it.
//!
//! Source: .NET, `File.ReadAllText` and `StreamReader`, by which actions/runner reads file commands and problem matchers: the
//! bytes at the beginning say which encoding it is, and are no part of the text; without them it is UTF-8.

/// Which bytes at the beginning stand for which encoding; the longer ones first.
const MARKS: [(&[u8], Encoding); 5] = [
    (&[0xff, 0xfe, 0, 0], Encoding::Utf32 { is_little: true }),
    (&[0, 0, 0xfe, 0xff], Encoding::Utf32 { is_little: false }),
    (&[0xef, 0xbb, 0xbf], Encoding::Utf8),
    (&[0xff, 0xfe], Encoding::Utf16 { is_little: true }),
    (&[0xfe, 0xff], Encoding::Utf16 { is_little: false }),
];

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16 { is_little: bool },
    Utf32 { is_little: bool },
}

/// What the bytes say; what is no text becomes U+FFFD.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let marked = MARKS.iter().find_map(|(mark, encoding)| Some((bytes.strip_prefix(*mark)?, *encoding)));
    let (rest, encoding) = marked.unwrap_or((bytes, Encoding::Utf8));
    match encoding {
        Encoding::Utf8 => String::from_utf8_lossy(rest).into_owned(),
        Encoding::Utf16 { is_little } => {
            let (units, left) = rest.as_chunks::<2>();
            let read = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
            let mut text = String::from_utf16_lossy(&units.iter().map(|it| read(*it)).collect::<Vec<_>>());
            text.extend((!left.is_empty()).then_some(char::REPLACEMENT_CHARACTER));
            text
        }
        Encoding::Utf32 { is_little } => {
            let (units, left) = rest.as_chunks::<4>();
            let read = if is_little { u32::from_le_bytes } else { u32::from_be_bytes };
            let letters = units.iter().map(|it| char::from_u32(read(*it)).unwrap_or(char::REPLACEMENT_CHARACTER));
            letters.chain((!left.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn marks_are_read_and_taken_off() {
        for (bytes, text) in [
            (&b"A=\xc3\xa9\n"[..], "A=é\n"),
            (b"", ""),
            (b"\xef\xbb\xbfA=1\n", "A=1\n"),
            (b"\xef\xbb\xbf\xef\xbb\xbfA", "\u{feff}A"),
            (b"\xff\xfeA\0=\0\xe9\0\n\0", "A=é\n"),
            (b"\xfe\xff\0A\0=\xd8\x3d\xde\0", "A=😀"),
            (b"\xff\xfeA\0\x3d\xd8", "A\u{fffd}"),
            (b"\xff\xfeA\0B", "A\u{fffd}"),
            (b"\xff\xfe\0\0A\0\0\0", "A"),
            (b"\0\0\xfe\xff\0\0\0A\0", "A\u{fffd}"),
            (b"A\xff\xfe", "A\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(decode(bytes), text, "{bytes:?}");
        }
    }
}
