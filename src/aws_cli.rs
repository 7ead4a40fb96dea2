//! Command lines of the AWS CLI.
//!
//! Source: AWS CLI command reference.
use indexmap::IndexMap;
use wfrun_aws::UNKNOWN;
use wfrun_workflow::shell_script::Word;

/// Options of the CLI itself that have a value.
const GLOBAL: [&str; 10] = [
    "--ca-bundle",
    "--cli-binary-format",
    "--cli-connect-timeout",
    "--cli-read-timeout",
    "--color",
    "--endpoint-url",
    "--output",
    "--profile",
    "--query",
    "--region",
];

/// A command, taken apart.
pub(crate) struct Parts<'w> {
    /// Service and operation, and what follows that is no option.
    pub(crate) named: Vec<&'w str>,
    /// Options with their values.
    pub(crate) options: IndexMap<&'w str, Vec<&'w str>>,
    /// Words that are not known may be options, too.
    pub(crate) is_open: bool,
    /// How many words there are up to the operation.
    pub(crate) said: usize,
}

/// Whether an option is of the CLI itself and has a value.
pub(crate) fn is_global(option: &str) -> bool {
    GLOBAL.contains(&option)
}

impl<'w> Parts<'w> {
    /// Takes a command apart whose first word is `aws`.
    pub(crate) fn of(words: &'w [Word]) -> Self {
        let mut parts = Self { named: Vec::new(), options: IndexMap::new(), is_open: false, said: 1 };
        let mut words = words.iter().enumerate().skip(1).peekable();
        while let Some((at, word)) = words.next() {
            let text = word.text.as_str();
            if let Some((option, value)) = text.split_once('=').filter(|(option, _)| option.starts_with("--")) {
                parts.options.entry(option).or_default().push(value);
            } else if text.starts_with("--") && text != "--version" {
                let values = parts.options.entry(text).or_default();
                let most = if GLOBAL.contains(&text) { 1 } else { usize::MAX };
                // Before the operation nothing but the CLI's own options can stand.
                let most = if parts.named.len() < 2 && !GLOBAL.contains(&text) { 0 } else { most };
                while values.len() < most
                    && let Some((_, value)) = words.next_if(|(_, it)| !it.text.starts_with("--"))
                {
                    values.push(&value.text);
                }
            } else if text.starts_with(UNKNOWN) && parts.named.len() >= 2 {
                parts.is_open = true;
            } else {
                parts.named.push(text);
                if parts.named.len() <= 2 {
                    parts.said = at + 1;
                }
            }
        }
        parts
    }

    /// The first value of an option.
    pub(crate) fn option(&self, name: &str) -> Option<&'w str> {
        self.options.get(name)?.first().copied()
    }
}
