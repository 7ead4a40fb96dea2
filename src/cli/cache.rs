//! The options of `wfrun cache`.
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::LookArgs;

#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List the entries, the one used last first
    #[command(visible_alias = "list")]
    Ls(CacheLsArgs),
    /// Remove entries
    #[command(visible_alias = "delete")]
    Rm(CacheRmArgs),
    /// Remove what nobody used for a while, what is above a limit, and what is broken
    Prune(CachePruneArgs),
}

impl CacheCommand {
    /// Which entries of which repository it is about.
    pub(crate) fn place(&self) -> &CachePlaceArgs {
        match self {
            Self::Ls(it) => &it.place,
            Self::Rm(it) => &it.place,
            Self::Prune(it) => &it.place,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CacheLsArgs {
    /// Only keys that begin so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) place: CachePlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CacheRmArgs {
    /// Keys, or ids as `wfrun cache ls` shows them
    #[arg(value_name = "KEY_OR_ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) entries: Vec<String>,
    /// All entries
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) place: CachePlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CachePruneArgs {
    /// For how many days an entry may be unused
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub(crate) unused: u16,
    /// What the others may have together (default: 10GB)
    #[arg(long, value_name = "SIZE", value_parser = bytes, conflicts_with = "git_ref")]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) place: CachePlaceArgs,
}

/// Which entries of which repository.
#[derive(Debug, Args)]
pub(crate) struct CachePlaceArgs {
    /// Look for the repository here
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Only entries of this branch, tag or full ref
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) git_ref: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// A number of bytes: `500MB`, `1.5GiB`, `4096`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("KIB", 1 << 10),
        ("MIB", 1 << 20),
        ("GIB", 1 << 30),
        ("TIB", 1 << 40),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
    ];
    let upper = text.trim().to_ascii_uppercase();
    let unit = UNITS.iter().find_map(|(unit, size)| Some((upper.strip_suffix(unit)?, *size)));
    let (number, unit) = unit.unwrap_or((&upper, 1));
    let wrong = || "a size is a number with B, KB, MB, GB or TB behind it".to_owned();
    let (whole, part) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 6 {
        return Err(wrong());
    }
    let fraction = format!("{part:0<6}").parse::<u64>().map_err(|_| wrong())?;
    let whole = whole.parse::<u64>().ok().and_then(|it| it.checked_mul(unit)).ok_or_else(wrong)?;
    let fraction = u128::from(fraction) * u128::from(unit) / 1_000_000;
    u64::try_from(fraction).ok().and_then(|it| whole.checked_add(it)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes() {
        let good = [
            ("0", 0),
            ("4096", 4096),
            ("10GB", 10_000_000_000),
            ("1.5 mb", 1_500_000),
            ("2KiB", 2048),
            ("0.5GiB", 536_870_912),
            ("7b", 7),
        ];
        for (text, expected) in good {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "GB", "-1GB", "1,5GB", "ten", "1e9", "99999999999TB", "1.GBx"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
