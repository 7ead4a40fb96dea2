//! Which entry answers: pure matching.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// A finished cache entry, as its file holds it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) scope: String,
    pub(crate) version: String,
    pub(crate) key: String,
    pub(crate) created_at: Timestamp,
    /// Bytes of the archive.
    pub(crate) size: u64,
    /// Names the archive's blob; hexadecimal.
    #[serde(deserialize_with = "digest")]
    pub(crate) sha256: String,
}

/// A digest, and nothing else: it becomes a path, and an archive that is not what its name says is removed.
fn digest<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_digit = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 64 && text.bytes().all(is_digit) {
        return Ok(text);
    }
    Err(serde::de::Error::custom("sha256 has 64 hexadecimal digits"))
}

/// What a job asks for.
pub(crate) struct Wanted<'a> {
    pub(crate) version: &'a str,
    pub(crate) key: &'a str,
    pub(crate) restore_keys: &'a [String],
    /// Refs in the order they are searched.
    pub(crate) scopes: Vec<&'a str>,
}

/// Returns the entry that answers: all keys in one scope before the next scope; a key first as a whole, then as a
/// prefix, where the newest wins. Versions must be equal.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching#cache-key-matching>; GitHub: execution rules E9.4
pub(crate) fn choose<'a>(entries: &'a [Entry], wanted: &Wanted<'_>) -> Option<&'a Entry> {
    let keys = || std::iter::once(wanted.key).chain(wanted.restore_keys.iter().map(String::as_str));
    wanted.scopes.iter().find_map(|scope| {
        let visible = || entries.iter().filter(|entry| entry.scope == *scope && entry.version == wanted.version);
        keys().find_map(|key| {
            let exact = visible().find(|entry| entry.key == key);
            // The key breaks a tie of two entries made in the same nanosecond, so that the answer never depends on folder order.
            exact.or_else(|| {
                visible().filter(|entry| entry.key.starts_with(key)).max_by_key(|entry| (entry.created_at, &entry.key))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Entry, Wanted, choose};

    const MAIN: &str = "refs/heads/main";
    const DEV: &str = "refs/heads/dev";

    /// Entries as `(scope, version, key)`, each a second younger than the one before.
    fn entries(rows: &[(&str, &str, &str)]) -> Vec<Entry> {
        let row = |(age, (scope, version, key)): (usize, &(&str, &str, &str))| Entry {
            scope: (*scope).to_owned(),
            version: (*version).to_owned(),
            key: (*key).to_owned(),
            created_at: Timestamp::from_second(i64::try_from(age).expect("small")).expect("in range"),
            size: 1,
            sha256: String::new(),
        };
        rows.iter().enumerate().map(row).collect()
    }

    /// One row: what is there, the key, the restore keys, the scopes, the index of the answer.
    type Row = (
        &'static str,
        &'static [(&'static str, &'static str, &'static str)],
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
        Option<usize>,
    );

    #[test]
    fn table() {
        let rows: &[Row] = &[
            ("nothing there", &[], "a", &[], &[MAIN], None),
            ("exact", &[(MAIN, "v", "a")], "a", &[], &[MAIN], Some(0)),
            ("another version", &[(MAIN, "w", "a")], "a", &["a"], &[MAIN], None),
            ("another scope", &[(DEV, "v", "a")], "a", &["a"], &[MAIN], None),
            ("case matters", &[(MAIN, "v", "A")], "a", &["a"], &[MAIN], None),
            ("the key itself is a prefix too", &[(MAIN, "v", "a-1")], "a", &[], &[MAIN], Some(0)),
            ("a prefix, not a part", &[(MAIN, "v", "x-a")], "a", &[], &[MAIN], None),
            ("the newest by prefix", &[(MAIN, "v", "a-9"), (MAIN, "v", "a-1")], "a-", &[], &[MAIN], Some(1)),
            ("exact before a newer prefix", &[(MAIN, "v", "a"), (MAIN, "v", "a-2")], "a", &[], &[MAIN], Some(0)),
            (
                "the key's prefix before a restore key's exact",
                &[(MAIN, "v", "key-1"), (MAIN, "v", "r")],
                "key",
                &["r"],
                &[MAIN],
                Some(0),
            ),
            (
                "restore keys in their order",
                &[(MAIN, "v", "b-1"), (MAIN, "v", "c-1")],
                "a",
                &["b-", "c-"],
                &[MAIN],
                Some(0),
            ),
            ("a later restore key", &[(MAIN, "v", "c-1"), (MAIN, "v", "c-2")], "a", &["b-", "c-"], &[MAIN], Some(1)),
            (
                "restore key exact before newer prefix",
                &[(MAIN, "v", "b"), (MAIN, "v", "b-1")],
                "a",
                &["b"],
                &[MAIN],
                Some(0),
            ),
            (
                "a restore key in the first scope before the exact key in the next",
                &[(DEV, "v", "a-old"), (MAIN, "v", "a-new")],
                "a-new",
                &["a-"],
                &[DEV, MAIN],
                Some(0),
            ),
            ("the next scope", &[(MAIN, "v", "a")], "a", &[], &[DEV, MAIN], Some(0)),
            ("no scopes", &[(MAIN, "v", "a")], "a", &[], &[], None),
        ];
        for (name, present, key, restore_keys, scopes, expected) in rows {
            let present = entries(present);
            let restore_keys: Vec<String> = restore_keys.iter().map(ToString::to_string).collect();
            let wanted = Wanted { version: "v", key, restore_keys: &restore_keys, scopes: scopes.to_vec() };
            assert_eq!(choose(&present, &wanted), expected.map(|index| &present[index]), "{name}");
        }
    }
}
