use indexmap::IndexMap;
use wfrun_syntax::Spanned;

use super::{Findings, job, on};
use crate::{
    CacheMode, Concurrency, Defaults, EnvMap, JobId, Level, Permissions, Queue, SCOPES, Token, TokenKind, Workflow, id,
};

/// Longest name of a concurrency group, in characters.
const LONGEST_GROUP: usize = 400;

/// Makes the model of a whole file, key by key in the order of the file.
pub(super) fn workflow(findings: &mut Findings, token: &Token) -> Workflow {
    let mut workflow = Workflow::empty(findings.source());
    for (key, value) in token.pairs() {
        match key.value.as_str() {
            "on" => workflow.on = on::on(findings, key, value),
            "name" => workflow.name = value.spanned_text().filter(|it| !it.value.is_empty()),
            "run-name" => workflow.run_name = value.field(),
            "defaults" => workflow.defaults = defaults(Some(value)),
            "env" => workflow.env = EnvMap::of(Some(value)),
            "permissions" => workflow.permissions = permissions(value),
            "cache-mode" => workflow.cache_mode = value.text().and_then(CacheMode::parse),
            "concurrency" => workflow.concurrency = Some(concurrency(findings, value)),
            "jobs" => workflow.jobs = jobs(findings, value),
            // `description`, and what `--allow-unknown` lets pass.
            _ => {}
        }
    }
    workflow
}

fn jobs(findings: &mut Findings, token: &Token) -> IndexMap<JobId, crate::Job> {
    let mut jobs = IndexMap::new();
    for (key, value) in token.pairs() {
        check_id(findings, key);
        jobs.insert(JobId::new(key.value.as_str()), job::job(findings, key, value));
    }
    jobs
}

/// Says whether a written id may not stand.
///
/// Source: GitHub: planning rules 1.6.
pub(super) fn check_id(findings: &mut Findings, written: &Spanned<String>) -> bool {
    let name = &written.value;
    let message = if !id::is_valid(name) {
        // GitHub's message has the second "and".
        format!(
            "The identifier '{name}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. \
             IDs must start with a letter or '_' and and must be less than 100 characters."
        )
    } else if name.starts_with("__") {
        format!("The identifier '{name}' is invalid. IDs starting with '__' are reserved.")
    } else {
        return true;
    };
    findings.error("workflow/invalid-id", message, written.span, &format!("for example `{}`", legal(name)));
    false
}

/// A legal id that looks like an illegal one.
fn legal(name: &str) -> String {
    let legal: String = name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).take(40).collect();
    let legal = legal.trim_matches('-');
    match legal.chars().next() {
        None => "job-1".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{legal}"),
        Some(_) => legal.to_owned(),
    }
}

/// Makes `defaults.run`.
pub(crate) fn defaults(token: Option<&Token>) -> Defaults {
    let run = token.and_then(|it| it.get("run"));
    let field = |key: &str| run.and_then(|it| it.get(key)).and_then(Token::field);
    Defaults { shell: field("shell"), working_directory: field("working-directory") }
}

/// Makes `permissions`; the schema has checked scopes and levels.
pub(super) fn permissions(token: &Token) -> Option<Spanned<Permissions>> {
    let value = match &token.kind {
        TokenKind::Text(text) => Permissions::All(if text == "write-all" { Level::Write } else { Level::Read }),
        TokenKind::Mapping(_) => {
            let levels = token.pairs().filter_map(|(key, value)| {
                let scope = SCOPES.into_iter().find(|it| *it == key.value)?;
                Some((scope, Level::parse(value.text()?)?))
            });
            Permissions::Scopes(levels.collect())
        }
        TokenKind::Null
        | TokenKind::Bool(_)
        | TokenKind::Number(_)
        | TokenKind::Expression(_)
        | TokenKind::Sequence(_) => return None,
    };
    Some(Spanned::new(value, token.place()))
}

/// Makes `concurrency`.
///
/// Source: GitHub: planning rules 4.7.
pub(super) fn concurrency(findings: &mut Findings, token: &Token) -> Concurrency {
    let is_mapping = matches!(token.kind, TokenKind::Mapping(_));
    let group = if is_mapping { token.get("group") } else { Some(token) };
    if group.and_then(Token::text).is_some_and(|it| it.encode_utf16().count() > LONGEST_GROUP) {
        let message = "Concurrency group name must be less than 400 characters";
        findings.error("workflow/concurrency", message, token.place(), "shorten the group's name");
    }
    let cancel = token.get("cancel-in-progress");
    let queue = token.get("queue");
    let word = queue.and_then(Token::text);
    if word == Some("max") && cancel.and_then(Token::as_bool) == Some(true) {
        let message = "`queue: max` and `cancel-in-progress: true` cannot both be given";
        let span = queue.map_or(token.place(), Token::place);
        findings.error("workflow/concurrency", message, span, "what is cancelled never queues: take one of them away");
    }
    let queue = queue.map(|it| Spanned::new(if word == Some("max") { Queue::Max } else { Queue::Single }, it.place()));
    Concurrency {
        span: token.place(),
        group: group.and_then(Token::field),
        cancel_in_progress: cancel.and_then(Token::field),
        queue,
    }
}
