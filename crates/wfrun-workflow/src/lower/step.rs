use std::collections::{HashMap, HashSet};

use wfrun_expr::Availability;
use wfrun_syntax::{Code, Diagnostic, Spanned, closest};

use super::{Findings, root};
use crate::step_id::StepIds;
use crate::{EnvMap, IfField, RunStep, Step, StepId, StepKind, Token, UsesStep, UsesTarget, contexts, is_commit};

/// Makes the steps of one job.
pub(crate) fn steps(findings: &mut Findings, token: &Token) -> Vec<Step> {
    Lowering::new(findings, &contexts::STEP_IF).list(token, false)
}

/// Makes the steps of a composite action.
pub(crate) fn composite_steps(findings: &mut Findings, token: &Token) -> Vec<Step> {
    Lowering::new(findings, &contexts::COMPOSITE_IF).list(token, false)
}

struct Lowering<'a> {
    findings: &'a mut Findings,
    condition: &'static Availability,
    /// Written ids in lower case, and where.
    written: HashMap<String, Spanned<String>>,
    /// Ids of background steps so far; what can be waited for.
    background: HashSet<String>,
}

impl<'a> Lowering<'a> {
    fn new(findings: &'a mut Findings, condition: &'static Availability) -> Self {
        Self { findings, condition, written: HashMap::new(), background: HashSet::new() }
    }

    fn list(&mut self, token: &Token, in_parallel: bool) -> Vec<Step> {
        let mut steps: Vec<(Step, bool)> = Vec::new();
        for item in token.items() {
            let id = self.id(item);
            if let Some(step) = self.step(item, id.as_ref(), in_parallel) {
                if step.background || in_parallel {
                    self.background.extend(id.as_ref().map(|it| it.value.to_ascii_lowercase()));
                }
                steps.push((step, id.is_some()));
            }
        }
        self.make_up_ids(steps)
    }

    /// Steps without an id get one after all written ones are known.
    fn make_up_ids(&self, steps: Vec<(Step, bool)>) -> Vec<Step> {
        let mut ids = StepIds::new(self.written.values().map(|it| it.value.as_str()));
        let named = steps.into_iter().map(|(mut step, has_id)| {
            if !has_id {
                step.id = match &step.kind {
                    StepKind::Uses(uses) => ids.uses(&uses.target.value),
                    StepKind::Run(_) => ids.run(),
                    StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => {
                        ids.named(step.key())
                    }
                };
            }
            step
        });
        named.collect()
    }

    fn id(&mut self, token: &Token) -> Option<Spanned<String>> {
        let id = token.get("id").and_then(Token::spanned_text)?;
        let key = id.value.to_ascii_lowercase();
        if !root::check_id(self.findings, &id) {
            // What names it is not wrong as well.
            self.background.insert(key.clone());
            self.written.insert(key, id);
            return None;
        }
        if let Some(earlier) = self.written.get(&key) {
            let message =
                format!("The identifier '{}' may not be used more than once within the same scope.", id.value);
            let source = self.findings.source().clone();
            let found = Diagnostic::error(Code::new("workflow/duplicate-id"), message)
                .at(&source, id.span)
                .label(&source, earlier.span, "first used here")
                .help("give one of the steps another id; upper and lower case do not count");
            self.findings.push(found);
            return None;
        }
        self.written.insert(key, id.clone());
        Some(id)
    }

    fn step(&mut self, token: &Token, id: Option<&Spanned<String>>, in_parallel: bool) -> Option<Step> {
        let field = |key: &str| token.get(key).and_then(Token::field);
        let background = token.get("background").and_then(Token::as_bool) == Some(true);
        if in_parallel && token.get("background").is_some() {
            let message = "'background' is not allowed inside a parallel block. Steps in a parallel block are \
                           automatically run as background steps.";
            let key =
                token.pairs().find(|(key, _)| key.value == "background").map_or(token.place(), |(key, _)| key.span);
            self.findings.error_in("workflow/parallel", message, [token.place(), key], "take `background` away");
        }
        let kind = self.kind(token, id, in_parallel)?;
        let condition = token.get("if").map(|it| self.findings.condition(Some(it), self.condition));
        Some(Step {
            span: token.node.span,
            id: StepId::new(id.map_or("", |it| it.value.as_str())),
            has_id: id.is_some(),
            name: field("name"),
            condition: condition.unwrap_or_else(IfField::success),
            env: EnvMap::of(token.get("env")),
            timeout_minutes: field("timeout-minutes"),
            continue_on_error: field("continue-on-error"),
            background,
            kind,
        })
    }

    fn kind(&mut self, token: &Token, id: Option<&Spanned<String>>, in_parallel: bool) -> Option<StepKind> {
        let field = |key: &str| token.get(key).and_then(Token::field);
        if let Some(script) = field("run") {
            let (shell, working_directory) = (field("shell"), field("working-directory"));
            return Some(StepKind::Run(RunStep { script, shell, working_directory }));
        }
        if let Some(uses) = token.get("uses") {
            return self.uses(token, uses).map(StepKind::Uses);
        }
        let key = ["wait", "wait-all", "cancel", "parallel"].into_iter().find(|it| token.get(it).is_some())?;
        if in_parallel {
            let message = match key {
                "parallel" => "Nested 'parallel' blocks are not allowed.".to_owned(),
                _ => format!("'{key}' is not allowed inside a parallel block."),
            };
            self.findings.error(
                "workflow/parallel",
                message,
                token.place(),
                "put it behind the whole `parallel` block",
            );
            return None;
        }
        let value = token.get(key)?;
        Some(match key {
            "wait" => {
                let targets: Vec<_> = value.one_or_many().iter().filter_map(Token::spanned_text).collect();
                StepKind::Wait(targets.into_iter().map(|it| self.target(it, id)).collect())
            }
            "wait-all" => {
                if value.as_bool() == Some(false) {
                    let message = "The value of 'wait-all' must be true or omitted";
                    self.findings.error("workflow/wait", message, value.place(), "write `wait-all:` without a value");
                }
                StepKind::WaitAll
            }
            "cancel" => StepKind::Cancel(self.target(value.spanned_text()?, id)),
            _ => StepKind::Parallel(self.list(value, true)),
        })
    }

    fn uses(&mut self, token: &Token, uses: &Token) -> Option<UsesStep> {
        let text = uses.spanned_text()?;
        let Some(mut target) = UsesTarget::parse(&text.value) else {
            let message = format!("Expected format {{org}}/{{repo}}[/path]@ref. Actual '{}'", text.value);
            let help = "for example `actions/checkout@v4`, `./path/to/action` or `docker://alpine:3`";
            self.findings.error("workflow/invalid-uses", message, text.span, help);
            return None;
        };
        if let UsesTarget::Repository(action) = &mut target
            && is_commit(&action.git_ref)
        {
            let end = usize::try_from(text.span.end).unwrap_or(usize::MAX);
            action.said_tag = self.findings.source().text().get(end..).and_then(said_tag);
        }
        Some(UsesStep { target: Spanned::new(target, text.span), with: EnvMap::of(token.get("with")) })
    }

    /// Checks which step is waited for or cancelled: an earlier one that runs in the background.
    ///
    /// Source: GitHub: planning rules 1.7.
    fn target(&mut self, target: Spanned<String>, own: Option<&Spanned<String>>) -> Spanned<StepId> {
        let name = &target.value;
        let key = name.to_ascii_lowercase();
        if name.starts_with("__") {
            let message = format!("The identifier '{name}' is invalid. IDs starting with '__' are reserved.");
            self.findings.error("workflow/invalid-id", message, target.span, "give the step an `id` and name that");
        } else if own.is_some_and(|it| it.value.eq_ignore_ascii_case(name)) {
            let message = format!("Step '{name}' cannot reference itself");
            self.findings.error("workflow/wait", message, target.span, "name an earlier background step");
        } else if !self.written.contains_key(&key) {
            let ids = self.written.values().map(|it| it.value.as_str());
            let help = match closest(name, ids) {
                Some(id) => format!("did you mean `{id}`?"),
                None => "name the `id` of an earlier step with `background: true`".to_owned(),
            };
            let message = format!("Step references unknown step ID '{name}'");
            self.findings.error("workflow/wait", message, target.span, &help);
        } else if !self.background.contains(&key) {
            let source = self.findings.source().clone();
            let message = format!("step '{name}' does not run in the background, so there is nothing to wait for");
            let mut found =
                Diagnostic::warning(Code::new("workflow/wait-foreground"), message).at(&source, target.span);
            if let Some(step) = self.written.get(&key) {
                found = found.label(&source, step.span, "ends before the next step begins");
            }
            self.findings.push(found.help("give that step `background: true`, or take this one away"));
        }
        target.map(StepId::new)
    }
}

/// The tag that the comment behind the commit of an action says, in one of the ways of the tools that pin and update actions:
/// `# v4.2.0`, `# tag=v4`, `# pin@v4`, `# ratchet:actions/checkout@v4`. `rest` is the text behind the commit.
fn said_tag(rest: &str) -> Option<String> {
    let (between, comment) = rest.lines().next()?.split_once('#')?;
    if !between.chars().all(|it| it.is_whitespace() || matches!(it, '"' | '\'')) {
        return None;
    }
    let word = comment.split_whitespace().next()?;
    let tag = word.rsplit(['=', '@', ':']).next()?;
    let numbers = tag.strip_prefix('v').unwrap_or(tag);
    // A number alone may be any.
    let is_version = (tag.len() > numbers.len() || numbers.contains('.'))
        && numbers.split('.').count() <= 3
        && numbers.split('.').all(|it| it.parse::<u16>().is_ok());
    is_version.then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::said_tag;

    #[test]
    fn tags_in_comments() {
        for (rest, tag) in [
            (" # v4.2.0", "v4.2.0"),
            ("  # 4.2.0 is good\n  with:", "4.2.0"),
            ("' # tag=v4", "v4"),
            (" # pin@v4.1", "v4.1"),
            ("\" # ratchet:actions/checkout@v4", "v4"),
            ("\n# v4", ""),
            (", with: {a: '#1'}} # v4", ""),
            (" # main", ""),
            (" # 42 files", ""),
            (" # v4.x", ""),
            (" # v1.2.3.4", ""),
            (" #", ""),
            ("", ""),
        ] {
            assert_eq!(said_tag(rest).unwrap_or_default(), tag, "{rest}");
        }
    }
}
