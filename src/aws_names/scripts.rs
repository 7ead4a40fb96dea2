//! The `aws` commands of scripts.
use indexmap::IndexMap;
use wfrun_aws::UNKNOWN;
use wfrun_expr::{Expr, Piece, evaluate, parse_in, pieces};
use wfrun_workflow::shell_script::{self, Command, Word};

use super::{Kind, Known};
use crate::aws_cli;
use crate::docker_cli::Parts;

/// What a command asks for.
pub(super) enum Asked {
    /// By the AWS CLI.
    Aws(Call),
    /// An image that is pushed.
    Push(String),
}

/// A command of the AWS CLI.
pub(super) struct Call {
    pub(super) service: String,
    pub(super) operation: String,
    /// Each option with each value that it takes, in which [`UNKNOWN`] stands for what is not known.
    pub(super) options: Vec<(String, String)>,
}

/// Commands that create what an option names.
pub(super) const CREATING: [(&str, &str, &str, Kind); 4] = [
    ("ecr", "create-repository", "--repository-name", Kind::Repository),
    ("ecs", "create-cluster", "--cluster-name", Kind::Cluster),
    ("ecs", "create-service", "--service-name", Kind::Service),
    ("ecs", "register-task-definition", "--family", Kind::Family),
];

impl Call {
    /// The values of an option that are known.
    pub(super) fn values<'c>(&'c self, option: &'c str) -> impl Iterator<Item = &'c str> {
        let named = self.options.iter().filter(move |(it, value)| it == option && !value.contains(UNKNOWN));
        named.map(|(_, value)| value.as_str()).filter(|it| !it.is_empty())
    }

    /// What kind of thing it creates, and the option that names it.
    pub(super) fn creates(&self) -> Option<(Kind, &'static str)> {
        let of = |(service, operation, ..): &&(&str, &str, &str, Kind)| {
            *service == self.service && *operation == self.operation
        };
        CREATING.iter().find(of).map(|(_, _, option, kind)| (*kind, *option))
    }
}

/// Options that take several names.
const LISTS: [&str; 3] = ["--clusters", "--repository-names", "--services"];

/// Programs that show what stands behind them, and run none of it.
const SHOWING: [&str; 4] = ["echo", "grep", "printf", "which"];

/// The commands of a script for a shell, whatever starts them: what is overlooked would not be there for the run.
pub(super) fn asked(script: &str, shell: &str, env: &IndexMap<String, String>) -> Vec<Asked> {
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
    // A variable that is not known is not empty.
    let is_known = |path: Vec<&str>| path.get(1).is_none_or(|name| env.contains_key(*name));
    if !expr.walk().filter_map(Expr::path).all(is_known) {
        return None;
    }
    let trace = evaluate(&expr, &Known::of(env)).ok()?;
    Some(trace.value().to_text())
}

fn read(script: &str, env: &IndexMap<String, String>, is_inner: bool) -> Vec<Asked> {
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
        found.extend(call(command).map(Asked::Aws));
        found.extend(pushes(command).into_iter().map(Asked::Push));
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
    let parts = aws_cli::Parts::of(command.words.get(start..)?);
    let mut named = parts.named.iter().filter(|it| !it.starts_with(UNKNOWN)).map(|it| (*it).to_owned());
    let (service, operation) = (named.next()?, named.next()?);
    let mut options = Vec::new();
    for (option, values) in &parts.options {
        let most = if LISTS.contains(option) { usize::MAX } else { 1 };
        options.extend(values.iter().take(most).map(|it| ((*option).to_owned(), (*it).to_owned())));
    }
    Some(Call { service, operation, options })
}

/// The images that a command pushes by `docker`, or by what has its command line.
fn pushes(command: &Command) -> Vec<String> {
    let start = command.words.iter().position(|it| ["docker", "podman"].contains(&it.program()));
    let parts = start.and_then(|it| Parts::of(&command.words[it..]));
    parts.map(|it| it.pushes().into_iter().map(ToOwned::to_owned).collect()).unwrap_or_default()
}
