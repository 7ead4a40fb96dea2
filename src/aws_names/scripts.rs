//! The `aws` commands of scripts.
use indexmap::IndexMap;
use wfrun_aws::UNKNOWN;
use wfrun_expr::{Piece, evaluate, parse_in, pieces};
use wfrun_workflow::shell_script::{self, Command, Word};

use super::Known;
use crate::aws_cli::Parts;

/// A command of the AWS CLI.
pub(super) struct Call {
    pub(super) service: String,
    pub(super) operation: String,
    /// Each option with each value that it takes, in which [`UNKNOWN`] stands for what is not known.
    pub(super) options: Vec<(String, String)>,
}

/// Options that take several names.
const LISTS: [&str; 2] = ["--repository-names", "--services"];

/// Programs that show what stands behind them, and run none of it.
const SHOWING: [&str; 4] = ["echo", "grep", "printf", "which"];

/// The commands of a script for a shell, whatever starts them: what is overlooked would not be there for the run.
pub(super) fn calls(script: &str, shell: &str, env: &IndexMap<String, String>) -> Vec<Call> {
    let values = pieces(script).map(|it| match it {
        Piece::Text(it) => it.to_owned(),
        Piece::Expression { inner, .. } => value(inner, env).unwrap_or_else(|| UNKNOWN.to_string()),
        Piece::Open(_) => UNKNOWN.to_string(),
    });
    let script = values.collect::<String>();
    let script = match shell {
        "" | "bash" | "sh" => script,
        // There a backquote goes on with the line.
        "pwsh" | "powershell" => script.replace("`\n", "\\\n"),
        // Other languages have commands in texts.
        _ => script.replace(['\'', '"', '`', '(', ')'], "\n"),
    };
    read(&script, env, false)
}

/// What an expression comes to, where it asks for variables only.
fn value(inner: &str, env: &IndexMap<String, String>) -> Option<String> {
    let expr = parse_in(inner.trim(), &["env"], &[]).ok()?;
    let trace = evaluate(&expr, &Known::of(env)).ok()?;
    Some(trace.value().to_text())
}

fn read(script: &str, env: &IndexMap<String, String>, is_inner: bool) -> Vec<Call> {
    let unknown = |_: &str| UNKNOWN.to_string();
    let known = shell_script::Known { variables: env, expression: &unknown, substitution: &unknown, unknown: UNKNOWN };
    let whole = shell_script::read(script, &known);
    let mut commands = whole.commands;
    if whole.is_broken {
        // What was taken for a text may have been commands.
        let lines = script.replace("\\\n", " ");
        commands.extend(lines.lines().flat_map(|it| shell_script::read(it, &known).commands));
    }
    let mut found = Vec::new();
    for command in commands.iter().filter(|it| !it.words.first().is_some_and(|it| SHOWING.contains(&it.program()))) {
        found.extend(call(command));
        // `docker exec x sh -c 'script'`, `retry 'aws …'`
        let is_flag = |it: &Word| it.text.starts_with('-') && it.text.ends_with('c');
        let is_script = |it: &&[Word]| !is_inner && (is_flag(&it[0]) || it[1].text.starts_with("aws "));
        for script in command.words.windows(2).filter(is_script).map(|it| &it[1].text) {
            found.extend(read(script, env, true));
        }
    }
    found
}

/// The call that a command makes, if it makes one.
fn call(command: &Command) -> Option<Call> {
    let start = command.words.iter().position(|it| it.program() == "aws")?;
    let parts = Parts::of(command.words.get(start..)?);
    let mut named = parts.named.iter().filter(|it| !it.starts_with(UNKNOWN)).map(|it| (*it).to_owned());
    let (service, operation) = (named.next()?, named.next()?);
    let mut options = Vec::new();
    for (option, values) in &parts.options {
        let most = if LISTS.contains(option) { usize::MAX } else { 1 };
        options.extend(values.iter().take(most).map(|it| ((*option).to_owned(), (*it).to_owned())));
    }
    Some(Call { service, operation, options })
}
