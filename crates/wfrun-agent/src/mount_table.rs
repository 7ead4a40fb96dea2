//! The kernel's table of mounts, `/proc/self/mountinfo`.

/// A field as it is meant: blanks, line ends and backslashes stand as `\040` and its like.
///
/// Source: `proc_pid_mountinfo(5)`
pub fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *byte == b'\\').and_then(|it| std::str::from_utf8(it).ok());
        if let Some(code) = code.and_then(|it| u8::from_str_radix(it, 8).ok()) {
            plain.push(code);
            rest = after.get(3..).unwrap_or_default();
        } else {
            plain.push(*byte);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn three_octal_digits_are_a_byte() {
        for (text, expected) in [
            ("/mnt/a\\040b", "/mnt/a b"),
            ("\\011\\012\\134", "\t\n\\"),
            ("\\134040", "\\040"),
            ("\\04", "\\04"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(unescaped(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }
}
