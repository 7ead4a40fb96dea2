//! The options of a `docker` command.

use super::error::DockerError;

/// An option: its long name, its letter, and whether it takes a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    long: &'static str,
    short: Option<char>,
    takes_value: bool,
}

/// An option with a value.
pub(super) const fn value(long: &'static str) -> Flag {
    Flag { long, short: None, takes_value: true }
}

/// An option without.
pub(super) const fn switch(long: &'static str) -> Flag {
    Flag { long, short: None, takes_value: false }
}

impl Flag {
    /// The same option, also as `-x`.
    pub(super) const fn or(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }
}

/// A command line, taken apart.
#[derive(Debug, Default)]
pub(super) struct Words {
    options: Vec<(&'static str, String)>,
    /// What is no option.
    pub(super) operands: Vec<String>,
}

impl Words {
    /// Takes `words` apart; options may stand anywhere. `command` is the full name, as in `docker image rm`.
    pub(super) fn read(command: &'static str, flags: &[Flag], words: &[String]) -> Result<Self, DockerError> {
        let mut read = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                read.operands.extend(words.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, attached) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let flag = flags.iter().find(|flag| flag.long == name);
                let flag = flag.ok_or_else(|| DockerError::usage(command, format!("unknown flag: --{name}")))?;
                let value = match (flag.takes_value, attached) {
                    (_, Some(value)) => value.to_owned(),
                    (false, None) => "true".to_owned(),
                    (true, None) => words.next().cloned().ok_or_else(|| missing(command, &format!("--{name}")))?,
                };
                read.options.push((flag.long, value));
            } else if let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
                read.cluster(command, flags, cluster, &mut words)?;
            } else {
                read.operands.push(word.clone());
            }
        }
        Ok(read)
    }

    /// Reads `-qt name`, `-tname`.
    fn cluster<'w>(
        &mut self,
        command: &'static str,
        flags: &[Flag],
        cluster: &str,
        words: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), DockerError> {
        for (at, letter) in cluster.char_indices() {
            let flag = flags.iter().find(|flag| flag.short == Some(letter));
            let flag = flag.ok_or_else(|| {
                DockerError::usage(command, format!("unknown shorthand flag: '{letter}' in -{cluster}"))
            })?;
            if flag.takes_value {
                let attached = cluster[at + letter.len_utf8()..].trim_start_matches('=');
                let value = if attached.is_empty() { words.next().cloned() } else { Some(attached.to_owned()) };
                let value = value.ok_or_else(|| missing(command, &format!("'{letter}' in -{cluster}")))?;
                self.options.push((flag.long, value));
                return Ok(());
            }
            self.options.push((flag.long, "true".to_owned()));
        }
        Ok(())
    }

    /// The last value of an option.
    pub(super) fn value(&self, long: &str) -> Option<&str> {
        self.values(long).last()
    }

    /// All values of an option.
    pub(super) fn values(&self, long: &str) -> impl DoubleEndedIterator<Item = &str> {
        self.options.iter().filter(move |(name, _)| *name == long).map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, long: &str) -> bool {
        self.value(long).is_some_and(|value| value != "false")
    }

    /// Exactly `N` operands.
    pub(super) fn operands<const N: usize>(&self, command: &'static str) -> Result<[&str; N], DockerError> {
        let operands: Vec<&str> = self.operands.iter().map(String::as_str).collect();
        operands.try_into().map_err(|_| {
            let noun = if N == 1 { "argument" } else { "arguments" };
            DockerError::usage(command, format!("docker: '{command}' requires {N} {noun}"))
        })
    }
}

fn missing(command: &'static str, flag: &str) -> DockerError {
    DockerError::usage(command, format!("flag needs an argument: {flag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[value("tag").or('t'), value("file").or('f'), switch("quiet").or('q'), switch("pull")];

    #[test]
    fn reads_options_anywhere() {
        let cases = [
            ("-t a --tag=b . --pull", "tag=a tag=b pull=true | ."),
            ("-qt a .", "quiet=true tag=a | ."),
            ("-ta --pull=false -- -x", "tag=a pull=false | -x"),
            ("- -f -", "file=- | -"),
        ];
        for (line, want) in cases {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let read = Words::read("docker build", FLAGS, &words).expect(line);
            let options: Vec<String> = read.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(format!("{} | {}", options.join(" "), read.operands.join(" ")), want, "{line}");
        }
        assert!(!Words::read("docker build", FLAGS, &["--pull=false".to_owned()]).expect("reads").is_on("pull"));
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("--frob", "unknown flag: --frob"),
            ("-x", "unknown shorthand flag: 'x' in -x"),
            ("--tag", "flag needs an argument: --tag"),
            ("-t", "flag needs an argument: 't' in -t"),
        ];
        for (word, want) in cases {
            let error = Words::read("docker build", FLAGS, &[word.to_owned()]).expect_err(word);
            assert!(error.to_string().starts_with(want), "{word}: {error}");
            assert_eq!(error.exit_code(), 125);
        }
    }
}
