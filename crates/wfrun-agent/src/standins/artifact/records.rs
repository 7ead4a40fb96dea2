//! The records of a zip archive that is written from its beginning to its end: sums and sizes follow each file.
//!
//! Source: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3

use zip::DateTime;

/// From here on a number stands in an extra field, and this in its place.
const MAX_32: u64 = 0xffff_ffff;
const MAX_16: u64 = 0xffff;

/// Sums and sizes follow the content.
const STREAMED: u16 = 1 << 3;
const UTF_8: u16 = 1 << 11;

/// Made on Unix, as for version 6.3, which is that of the description.
const MADE_BY: u16 = 3 << 8 | 63;
/// A reader must know folders and deflate, or sizes of 64 bits besides.
const NEEDS: u16 = 20;
const NEEDS_64: u16 = 45;

const ZIP64: u16 = 1;
const REGULAR_FILE: u32 = 0o100_000;

/// What is known of a file before its content.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) is_deflated: bool,
    /// Whether its sizes may need more than 32 bits.
    pub(super) is_large: bool,
    pub(super) time: DateTime,
    /// Permissions.
    pub(super) mode: u32,
    /// Where its record begins.
    pub(super) offset: u64,
}

/// How many bytes a file has: as it is, and in the archive.
#[derive(Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) plain: u64,
    pub(super) packed: u64,
}

impl Head {
    /// The record before the content.
    pub(super) fn local(&self) -> Vec<u8> {
        let mut record = b"PK\x03\x04".to_vec();
        self.common(&mut record, self.is_large);
        record.extend([0; 12]);
        put(&mut record, [self.name_length(), if self.is_large { 20 } else { 0 }]);
        record.extend_from_slice(self.name.as_bytes());
        if self.is_large {
            put(&mut record, [ZIP64, 16]);
            record.extend([0; 16]);
        }
        record
    }

    /// What follows the content, and its sum.
    pub(super) fn after(&self, sizes: Sizes) -> Vec<u8> {
        if self.is_large {
            return [sizes.packed.to_le_bytes(), sizes.plain.to_le_bytes()].concat();
        }
        [low(sizes.packed).to_le_bytes(), low(sizes.plain).to_le_bytes()].concat()
    }

    /// The record in the directory, before and after the sum.
    pub(super) fn central(&self, sizes: Sizes) -> (Vec<u8>, Vec<u8>) {
        let mut extra = Vec::new();
        for number in [sizes.plain, sizes.packed, self.offset] {
            if number >= MAX_32 {
                extra.extend(number.to_le_bytes());
            }
        }
        let mut before = b"PK\x01\x02".to_vec();
        put(&mut before, [MADE_BY]);
        self.common(&mut before, self.is_large || !extra.is_empty());
        let mut after = [low(sizes.packed).to_le_bytes(), low(sizes.plain).to_le_bytes()].concat();
        let extra_length = if extra.is_empty() { 0 } else { extra.len() + 4 };
        // No comment, the first disk, and nothing said of the content.
        put(&mut after, [self.name_length(), low_16(extra_length as u64), 0, 0, 0]);
        after.extend(((REGULAR_FILE | self.mode) << 16).to_le_bytes());
        after.extend(low(self.offset).to_le_bytes());
        after.extend_from_slice(self.name.as_bytes());
        if !extra.is_empty() {
            put(&mut after, [ZIP64, low_16(extra.len() as u64)]);
            after.extend(extra);
        }
        (before, after)
    }

    fn common(&self, record: &mut Vec<u8>, needs_64: bool) {
        let flags = STREAMED | if self.name.is_ascii() { 0 } else { UTF_8 };
        let needs = if needs_64 { NEEDS_64 } else { NEEDS };
        let method = if self.is_deflated { 8 } else { 0 };
        put(record, [needs, flags, method, self.time.timepart(), self.time.datepart()]);
    }

    /// Paths of Linux have 4,096 bytes at most.
    fn name_length(&self) -> u16 {
        low_16(self.name.len() as u64)
    }
}

/// What stands before a sum that follows content.
pub(super) const BEFORE_SUM: &[u8] = b"PK\x07\x08";

/// The end of an archive whose directory has so many entries, and begins and ends there.
pub(super) fn end(entries: u64, begin: u64, end: u64) -> Vec<u8> {
    let size = end - begin;
    let mut record = Vec::new();
    if entries >= MAX_16 || size >= MAX_32 || begin >= MAX_32 {
        record.extend_from_slice(b"PK\x06\x06");
        record.extend(44_u64.to_le_bytes());
        put(&mut record, [MADE_BY, NEEDS_64]);
        record.extend([0; 8]);
        for number in [entries, entries, size, begin] {
            record.extend(number.to_le_bytes());
        }
        record.extend_from_slice(b"PK\x06\x07\0\0\0\0");
        record.extend(end.to_le_bytes());
        record.extend(1_u32.to_le_bytes());
    }
    record.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    put(&mut record, [low_16(entries), low_16(entries)]);
    record.extend(low(size).to_le_bytes());
    record.extend(low(begin).to_le_bytes());
    put(&mut record, [0]);
    record
}

fn put<const N: usize>(record: &mut Vec<u8>, numbers: [u16; N]) {
    record.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
}

fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn low_16(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
