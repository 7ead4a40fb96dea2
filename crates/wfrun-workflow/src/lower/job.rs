use wfrun_syntax::Spanned;

use super::{Findings, container, root, step, strategy};
use crate::{
    CacheMode, CallSecrets, CallTarget, DeploymentEnvironment, EnvMap, Field, IfField, Job, JobId, Snapshot, Token,
    TokenKind, WorkflowCall, contexts,
};

/// Makes `jobs.<job_id>`; what GitHub checks key by key is checked in the order of the file.
pub(super) fn job(findings: &mut Findings, key: &Spanned<String>, token: &Token) -> Job {
    let mut job = empty(key);
    for (name, value) in token.pairs() {
        let field = value.field();
        match name.value.as_str() {
            "name" => job.name = field.filter(|it| it.template.as_literal() != Some("")),
            "needs" => job.needs = needs(value),
            "if" => job.condition = findings.condition(Some(value), &contexts::JOB_IF),
            "permissions" => job.permissions = root::permissions(value),
            "cache-mode" => job.cache_mode = value.text().and_then(CacheMode::parse),
            "concurrency" => job.concurrency = Some(root::concurrency(findings, value)),
            "strategy" => job.strategy = Some(strategy::strategy(findings, value)),
            "uses" => job.call = call(findings, token, value),
            "runs-on" => runs_on(findings, value, &mut job),
            "env" => job.env = EnvMap::of(Some(value)),
            "defaults" => job.defaults = root::defaults(Some(value)),
            "environment" => job.environment = environment(value),
            "outputs" => job.outputs = EnvMap::of(Some(value)),
            "timeout-minutes" => job.timeout_minutes = field,
            "cancel-timeout-minutes" => job.cancel_timeout_minutes = field,
            "continue-on-error" => job.continue_on_error = field,
            "container" => job.container = container::container(findings, value),
            "services" => job.services = container::services(findings, value),
            "snapshot" => job.snapshot = snapshot(findings, value),
            "steps" => job.steps = step::steps(findings, value),
            // `with` and `secrets` are read with `uses`.
            _ => {}
        }
    }
    job
}

fn empty(key: &Spanned<String>) -> Job {
    Job {
        id: Spanned::new(JobId::new(key.value.as_str()), key.span),
        name: None,
        needs: Vec::new(),
        condition: IfField::success(),
        permissions: None,
        cache_mode: None,
        concurrency: None,
        strategy: None,
        call: None,
        runs_on: Vec::new(),
        runner_group: None,
        env: EnvMap::default(),
        defaults: crate::Defaults::default(),
        environment: None,
        outputs: EnvMap::default(),
        timeout_minutes: None,
        cancel_timeout_minutes: None,
        continue_on_error: None,
        container: None,
        services: crate::Services::default(),
        snapshot: None,
        steps: Vec::new(),
    }
}

fn needs(token: &Token) -> Vec<Spanned<JobId>> {
    let texts = token.one_or_many().iter().filter_map(Token::spanned_text);
    texts.map(|it| Spanned::new(JobId::new(it.value), it.span)).collect()
}

fn runs_on(findings: &mut Findings, token: &Token, job: &mut Job) {
    let labels = if matches!(token.kind, TokenKind::Mapping(_)) { token.get("labels") } else { Some(token) };
    job.runs_on = labels.map(Token::one_or_many).unwrap_or_default().iter().filter_map(Token::field).collect();
    let Some(group) = token.get("group") else { return };
    job.runner_group = group.field();
    let Some(name) = group.text() else { return };
    let message = format!("Invalid runs-on group name '{name}'");
    let prefix = "Please use 'organization/' or 'enterprise/' prefix to target a single runner group.";
    let help = "write the group's name alone, or `organization/NAME` or `enterprise/NAME`";
    let parts: Vec<_> = name.split('/').collect();
    match parts.as_slice() {
        [_, ""] => findings.error("workflow/runner-group", format!("{message}."), group.place(), help),
        [_] | ["org" | "organization" | "ent" | "enterprise", _] => {}
        _ => findings.error("workflow/runner-group", format!("{message}. {prefix}"), group.place(), help),
    }
}

fn environment(token: &Token) -> Option<DeploymentEnvironment> {
    let name = if matches!(token.kind, TokenKind::Mapping(_)) { token.get("name") } else { Some(token) };
    let field = |key: &str| token.get(key).and_then(Token::field);
    Some(DeploymentEnvironment { name: name?.field()?, url: field("url"), deployment: field("deployment") })
}

fn snapshot(findings: &mut Findings, token: &Token) -> Option<Snapshot> {
    let is_mapping = matches!(token.kind, TokenKind::Mapping(_));
    let image_name: Option<Field> =
        if is_mapping { token.get("image-name") } else { Some(token) }.and_then(Token::field);
    let condition = token.get("if").map(|it| findings.condition(Some(it), &contexts::SNAPSHOT_IF));
    let version = token.get("version");
    if let Some(text) = version.and_then(Token::text)
        && !is_version(text)
    {
        let message = format!("Expected format '{{major-version}}.*' Actual '{text}'");
        let major = text.split('.').next().filter(|it| is_version(&format!("{it}.*"))).unwrap_or("1");
        let spans = [token.place(), version.map_or(token.place(), Token::place)];
        findings.error_in("workflow/snapshot-version", message, spans, &format!("for example `{major}.*`"));
    }
    Some(Snapshot { span: token.place(), image_name: image_name?, condition, version: version.and_then(Token::field) })
}

fn is_version(text: &str) -> bool {
    let major = text.strip_suffix(".*");
    major.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()) && it.parse::<i32>().is_ok())
}

fn call(findings: &mut Findings, job: &Token, uses: &Token) -> Option<WorkflowCall> {
    let text = uses.spanned_text()?;
    let Some(target) = CallTarget::parse(&text.value) else {
        let message = format!("invalid value workflow reference: '{}'", text.value);
        findings.error("workflow/invalid-call", message, text.span, call_help(&text.value));
        return None;
    };
    let secrets = match job.get("secrets") {
        Some(it) if it.text() == Some("inherit") => CallSecrets::Inherit,
        it => CallSecrets::Named(EnvMap::of(it)),
    };
    Some(WorkflowCall { target: Spanned::new(target, text.span), with: EnvMap::of(job.get("with")), secrets })
}

fn call_help(text: &str) -> &'static str {
    let is_here = text.starts_with("./") || text.starts_with("$/");
    if is_here && text.contains('@') {
        "a file of the same repository is taken at the same commit: take `@` and what follows away"
    } else if !text.contains(".github/workflows/") {
        "workflows that can be called lie in `.github/workflows/` itself, not in a folder below or elsewhere"
    } else if !is_here && !text.contains('@') {
        "say which branch, tag or commit of the repository: `@main`"
    } else {
        "write `owner/repository/.github/workflows/file.yml@ref`, or `./.github/workflows/file.yml`"
    }
}
