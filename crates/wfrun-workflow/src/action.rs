//! What an `action.yml` says.
//!
//! Source: GitHub: execution rules E7.1.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_syntax::{Checked, Code, Diagnostic, Node, Source, Span, Spanned};

use crate::lower::{Findings, composite_steps};
use crate::schema::{ACTION, ACTION_AT_RUN_TIME, Def};
use crate::{EnvMap, Field, IfField, ReadOptions, Step, Token, contexts, read};

/// One action's manifest.
#[derive(Debug, Clone)]
pub struct Action {
    /// The file.
    pub source: Arc<Source>,
    /// `name:`
    pub name: String,
    /// `inputs:` in file order.
    pub inputs: IndexMap<String, ActionInput>,
    /// `outputs:` in file order.
    pub outputs: IndexMap<String, ActionOutput>,
    /// `runs:`
    pub runs: Runs,
}

impl Action {
    /// The declared input called `name`, ignoring case.
    pub fn input(&self, name: &str) -> Option<&ActionInput> {
        self.inputs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, input)| input)
    }
}

/// One input of an action.
#[derive(Debug, Clone)]
pub struct ActionInput {
    /// `default:`
    pub default: Option<Field>,
    /// `required:`; the runner does not enforce it.
    pub required: bool,
    /// `deprecationMessage:`
    pub deprecation: Option<String>,
}

/// One output of an action.
#[derive(Debug, Clone, Default)]
pub struct ActionOutput {
    /// `description:`
    pub description: String,
    /// `value:`, of a composite action.
    pub value: Option<Field>,
}

/// `runs:`
#[derive(Debug, Clone)]
pub struct Runs {
    /// `using:` in small letters. Source: GitHub: execution rules E7.1: its case does not matter.
    pub using: Spanned<String>,
    /// What is run.
    pub kind: RunsKind,
    /// `pre-if:`, which has no implicit `success()`.
    pub pre_if: Option<IfField>,
    /// `post-if:`, which has no implicit `success()`; absent means `always()`.
    pub post_if: Option<IfField>,
}

/// What an action runs.
#[derive(Debug, Clone)]
pub enum RunsKind {
    /// A JavaScript action.
    Node {
        /// `main:`
        main: Option<String>,
        /// `pre:`
        pre: Option<String>,
        /// `post:`
        post: Option<String>,
    },
    /// A container action.
    Container {
        /// `image:`, a Dockerfile or `docker://image`.
        image: String,
        /// `entrypoint:`
        entrypoint: Option<String>,
        /// `args:`
        args: Vec<Field>,
        /// `env:`
        env: EnvMap,
        /// `pre-entrypoint:`
        pre_entrypoint: Option<String>,
        /// `post-entrypoint:`
        post_entrypoint: Option<String>,
    },
    /// A composite action.
    Composite(Vec<Step>),
}

impl Runs {
    /// Tells whether something is run before the job's steps; of a composite action that depends on what it uses.
    pub const fn has_pre(&self) -> bool {
        match &self.kind {
            RunsKind::Node { pre, .. } => pre.is_some(),
            RunsKind::Container { pre_entrypoint, .. } => pre_entrypoint.is_some(),
            RunsKind::Composite(_) => false,
        }
    }

    /// Tells whether something is run after the job's steps; of a composite action that depends on what it uses.
    pub const fn has_post(&self) -> bool {
        match &self.kind {
            RunsKind::Node { post, .. } => post.is_some(),
            RunsKind::Container { post_entrypoint, .. } => post_entrypoint.is_some(),
            RunsKind::Composite(_) => false,
        }
    }
}

/// Checks the text of an action file against all that GitHub documents.
pub fn read_action(source: &Arc<Source>, options: ReadOptions) -> Checked<Option<Action>> {
    let Checked { value: node, mut diagnostics } = wfrun_syntax::parse_up_to(source, options.limits.length);
    let is_sound = !diagnostics.iter().any(Diagnostic::is_error);
    let checked = lower_with(source, node.as_ref(), &ACTION, options, is_sound);
    diagnostics.extend(checked.diagnostics);
    Checked { value: checked.value, diagnostics }
}

/// Reads an action's manifest from its YAML tree as GitHub's runner does: it does not look at keys it does not use.
pub fn lower_action(source: &Arc<Source>, node: Option<&Node>) -> Checked<Option<Action>> {
    lower_with(source, node, &ACTION_AT_RUN_TIME, ReadOptions::default(), true)
}

fn lower_with(
    source: &Arc<Source>,
    node: Option<&Node>,
    def: &'static Def,
    options: ReadOptions,
    is_sound: bool,
) -> Checked<Option<Action>> {
    let Some(node) = node else { return Checked::clean(None) };
    if node.is_null() {
        let found = Diagnostic::error(Code::new("workflow/empty"), "the file is empty");
        let found =
            found.at(source, Span::default()).help("an action needs at least `name:`, `description:` and `runs:`");
        return Checked { value: None, diagnostics: vec![found] };
    }
    let Checked { value: read::Tree { token, .. }, diagnostics } = read::read(source, node, def, options);
    let mut findings = Findings::new(source, diagnostics);
    let action = match token {
        Some(token) if is_sound && !findings.has_errors() => action(&mut findings, &token),
        _ => None,
    };
    Checked { value: action, diagnostics: findings.finish() }
}

fn action(findings: &mut Findings, token: &Token) -> Option<Action> {
    let pairs = |key: &str| token.get(key).into_iter().flat_map(Token::pairs);
    Some(Action {
        source: Arc::clone(findings.source()),
        name: token.get("name").and_then(Token::text).unwrap_or_default().to_owned(),
        inputs: pairs("inputs").map(|(name, value)| (name.value.clone(), input(value))).collect(),
        outputs: pairs("outputs").map(|(name, value)| (name.value.clone(), output(value))).collect(),
        runs: runs(findings, token.get("runs")?)?,
    })
}

fn input(token: &Token) -> ActionInput {
    let required = token.get("required").and_then(|it| it.node.scalar_text());
    ActionInput {
        default: token.get("default").and_then(Token::field),
        required: required.as_deref() == Some("true"),
        deprecation: token.get("deprecationMessage").and_then(|it| it.node.scalar_text()),
    }
}

fn output(token: &Token) -> ActionOutput {
    ActionOutput {
        description: token.get("description").and_then(Token::text).unwrap_or_default().to_owned(),
        value: token.get("value").and_then(Token::field),
    }
}

fn runs(findings: &mut Findings, token: &Token) -> Option<Runs> {
    let text = |key: &str| token.get(key).and_then(Token::text).map(str::to_owned);
    let mut using = token.get("using")?.spanned_text()?;
    using.value.make_ascii_lowercase();
    let kind = if let Some(steps) = token.get("steps") {
        RunsKind::Composite(composite_steps(findings, steps))
    } else if let Some(image) = text("image") {
        RunsKind::Container {
            image,
            entrypoint: text("entrypoint"),
            args: token.get("args").map(Token::items).unwrap_or_default().iter().filter_map(Token::field).collect(),
            env: EnvMap::of(token.get("env")),
            pre_entrypoint: text("pre-entrypoint"),
            post_entrypoint: text("post-entrypoint"),
        }
    } else {
        RunsKind::Node { main: text("main"), pre: text("pre"), post: text("post") }
    };
    check_using(findings, &using, &kind);
    let mut condition = |key: &str| token.get(key).and_then(|it| findings.bare_condition(it, &contexts::ACTION_IF));
    let (pre_if, post_if) = (condition("pre-if"), condition("post-if"));
    Some(Runs { using, kind, pre_if, post_if })
}

/// The keys decide what is run; `using` must say the same.
fn check_using(findings: &mut Findings, using: &Spanned<String>, kind: &RunsKind) {
    let (fits, expected) = match kind {
        RunsKind::Composite(_) => (using.value == "composite", "composite"),
        RunsKind::Container { .. } => (using.value == "docker", "docker"),
        RunsKind::Node { .. } => (using.value.starts_with("node"), "node24"),
    };
    if !fits {
        let message = format!("`using: {}` does not fit the other keys of `runs`", using.value);
        findings.error("workflow/action-using", message, using.span, &format!("these go with `using: {expected}`"));
    }
}
