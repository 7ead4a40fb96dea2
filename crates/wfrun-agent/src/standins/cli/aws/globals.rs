//! The options that every command of `aws` takes, wherever they stand.

use super::error::CliError;
use super::query::Query;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Json,
    Text,
    Table,
    Off,
}

impl Output {
    /// Reads the value of `--output` or of `AWS_DEFAULT_OUTPUT`.
    pub(super) fn parse(word: &str) -> Result<Self, CliError> {
        match word {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            "table" => Ok(Self::Table),
            "off" => Ok(Self::Off),
            "yaml" | "yaml-stream" => Err(CliError::not_supported(format!("--output {word}"))),
            other => Err(CliError::invalid_choice("--output", other)),
        }
    }
}

/// The options that every command takes.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch of the command line")]
pub(super) struct Globals {
    pub(super) region: Option<String>,
    pub(super) output: Output,
    /// Whether `--output` was typed.
    pub(super) output_given: bool,
    pub(super) query: Option<Query>,
    pub(super) endpoint_url: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) paginate: bool,
    pub(super) debug: bool,
    pub(super) version: bool,
}

impl Globals {
    /// Takes the global options out of `args`; what remains is the command with its own.
    pub(super) fn read(args: &[String]) -> Result<(Self, Vec<String>), CliError> {
        let mut globals = Self {
            region: None,
            output: Output::Json,
            output_given: false,
            query: None,
            endpoint_url: None,
            profile: None,
            paginate: true,
            debug: false,
            version: false,
        };
        let mut rest = Vec::new();
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let mut value = || {
                let value = attached.clone().or_else(|| words.next().cloned());
                value.ok_or_else(|| CliError::usage(format!("argument {name}: expected one argument")))
            };
            match name {
                "--region" => globals.region = Some(value()?),
                "--endpoint-url" => globals.endpoint_url = Some(value()?),
                "--profile" => globals.profile = Some(value()?),
                "--query" => globals.query = Some(Query::parse(&value()?)?),
                "--output" => {
                    globals.output = Output::parse(&value()?)?;
                    globals.output_given = true;
                }
                // A colour or another error format would only change how errors and tables look on a terminal.
                "--color" | "--cli-read-timeout" | "--cli-connect-timeout" | "--ca-bundle" | "--cli-binary-format" => {
                    value()?;
                }
                "--no-paginate" => globals.paginate = false,
                "--debug" => globals.debug = true,
                "--version" => globals.version = true,
                "--no-cli-pager" | "--no-cli-auto-prompt" | "--no-verify-ssl" => {}
                "--cli-error-format" | "--cli-auto-prompt" | "--no-sign-request" => {
                    return Err(CliError::not_supported(name));
                }
                _ => rest.push(word.clone()),
            }
        }
        Ok((globals, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_options_from_anywhere() {
        let line =
            "--region eu-west-1 ecs --no-cli-pager describe-services --output=table --services a b --no-paginate";
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (globals, rest) = Globals::read(&args).expect("is a command line");
        assert_eq!(rest, ["ecs", "describe-services", "--services", "a", "b"]);
        assert_eq!(globals.region.as_deref(), Some("eu-west-1"));
        assert_eq!((globals.output, globals.paginate), (Output::Table, false));
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("--output xml", "argument --output: Found invalid choice 'xml'"),
            ("--output yaml", "not supported by wfrun's stand-in for `aws`: --output yaml"),
            ("ecs --region", "argument --region: expected one argument"),
            ("--query a[", "Bad value for --query a["),
        ];
        for (line, want) in cases {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let error = Globals::read(&args).expect_err("is wrong");
            assert!(error.to_string().contains(want), "{line}: {error}");
            assert_eq!(error.exit_code(), 252);
        }
    }
}
