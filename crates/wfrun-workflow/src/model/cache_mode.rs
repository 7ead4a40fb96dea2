use std::fmt;

/// `cache-mode:`: what a job may do with caches.
///
/// Source: <https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheMode {
    /// Neither restore nor save.
    None,
    /// Restore.
    Read,
    /// Restore and save.
    Write,
    /// Save.
    WriteOnly,
}

impl CacheMode {
    /// All of them.
    const ALL: [Self; 4] = [Self::None, Self::Read, Self::Write, Self::WriteOnly];

    /// Reads a word of a workflow; none if it is no mode.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// Whether caches may be restored.
    pub const fn may_read(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    /// Whether caches may be saved.
    pub const fn may_write(self) -> bool {
        matches!(self, Self::Write | Self::WriteOnly)
    }

    /// What is left of it where no more than `most` is allowed.
    #[must_use]
    pub const fn within(self, most: Self) -> Self {
        match (self.may_read() && most.may_read(), self.may_write() && most.may_write()) {
            (false, false) => Self::None,
            (true, false) => Self::Read,
            (true, true) => Self::Write,
            (false, true) => Self::WriteOnly,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
            Self::WriteOnly => "write-only",
        }
    }
}

/// As workflows write it.
impl fmt::Display for CacheMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::CacheMode;

    #[test]
    fn a_call_never_gets_more_than_its_caller() {
        for (asked, most, expected) in [
            ("write", "write", "write"),
            ("write", "read", "read"),
            ("read", "write", "read"),
            ("write-only", "write", "write-only"),
            ("write", "write-only", "write-only"),
            ("read", "write-only", "none"),
            ("write-only", "read", "none"),
            ("write", "none", "none"),
            ("none", "write", "none"),
        ] {
            let mode = |word| CacheMode::parse(word).expect("a mode");
            assert_eq!(mode(asked).within(mode(most)).to_string(), expected, "{asked} within {most}");
        }
        assert_eq!(CacheMode::parse("Read"), None);
    }
}
