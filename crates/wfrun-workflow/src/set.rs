//! A workflow with all that it calls, checked against each other.
//!
//! Source: GitHub: planning rules 2.7 and 4.9 (`ReusableWorkflowsLoader` of actions/runner).
mod inputs;
mod permissions;

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use wfrun_syntax::{Checked, Code, Diagnostic, Source, Span, Spanned};

use crate::read::text_bytes;
use crate::{CallTarget, Job, Permissions, ReadOptions, Workflow, WorkflowCall, read_workflow};

/// A workflow and the workflows it calls, directly and through others.
#[derive(Debug, Clone)]
pub struct WorkflowSet {
    /// The workflow itself.
    pub root: Arc<Workflow>,
    /// What is called, each file once.
    pub called: IndexMap<FileRef, Arc<Workflow>>,
}

impl WorkflowSet {
    /// A workflow that calls no other.
    pub fn alone(root: Arc<Workflow>) -> Self {
        Self { root, called: IndexMap::new() }
    }

    /// All of them, the workflow itself first.
    pub fn workflows(&self) -> impl Iterator<Item = &Arc<Workflow>> {
        [&self.root].into_iter().chain(self.called.values())
    }
}

/// A file that a workflow names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileRef {
    /// Repository and ref; none for the repository and commit of the workflow that is read.
    pub repository: Option<RepositoryRef>,
    /// The file, from the repository's root.
    pub path: String,
}

/// A repository at a ref.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepositoryRef {
    /// `owner/repo`
    pub name: String,
    /// The branch, tag or commit.
    pub git_ref: String,
}

/// What came of looking for a file.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// Here it is.
    Source(Arc<Source>),
    /// It does not exist.
    Missing,
    /// It may exist, but not on this machine.
    Elsewhere,
}

/// How a set is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetOptions {
    /// How each file is read.
    pub read: ReadOptions,
    /// What `GITHUB_TOKEN` may do where no workflow says it.
    pub policy: PermissionsPolicy,
}

/// A repository's setting for `GITHUB_TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PermissionsPolicy {
    /// "Read and write permissions".
    #[default]
    Write,
    /// "Read repository contents and packages permissions".
    LimitedRead,
}

impl FileRef {
    /// Returns the file that a call in `self` means.
    #[must_use]
    pub fn resolve(&self, target: &CallTarget) -> Self {
        match target {
            CallTarget::Repository { repository, path, git_ref } => Self {
                repository: Some(RepositoryRef { name: repository.clone(), git_ref: git_ref.clone() }),
                path: path.clone(),
            },
            CallTarget::Local(path) | CallTarget::SelfRepository(path) => {
                Self { repository: self.repository.clone(), path: path.clone() }
            }
        }
    }
}

/// As messages name it: `owner/repo/path@ref`, or the path alone.
impl std::fmt::Display for FileRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.repository {
            Some(repository) => write!(f, "{}/{}@{}", repository.name, self.path, repository.git_ref),
            None => f.write_str(&self.path),
        }
    }
}

/// Reads a workflow and everything it calls; `load` is asked for each file once.
///
/// Nothing is loaded while a file before has errors, as on GitHub.
pub fn read_set(
    source: &Arc<Source>,
    options: SetOptions,
    load: &mut dyn FnMut(&FileRef) -> Loaded,
) -> Checked<WorkflowSet> {
    let Checked { value: root, diagnostics } = read_workflow(source, options.read);
    let root = Arc::new(root);
    let file = FileRef { repository: None, path: source.path().to_owned() };
    let mut loader = Loader {
        options,
        load,
        diagnostics,
        called: IndexMap::new(),
        files: IndexSet::from([file.clone()]),
        jobs: root.jobs.len(),
        size: root.size,
    };
    if !loader.has_errors() {
        let inherited = root.permissions.as_ref().map(|it| it.value.clone());
        loader.calls(&file, &root, inherited.as_ref(), 1);
        loader.count_jobs(source);
    }
    Checked { value: WorkflowSet { root, called: loader.called }, diagnostics: loader.diagnostics }
}

struct Loader<'a> {
    options: SetOptions,
    load: &'a mut dyn FnMut(&FileRef) -> Loaded,
    diagnostics: Vec<Diagnostic>,
    called: IndexMap<FileRef, Arc<Workflow>>,
    files: IndexSet<FileRef>,
    jobs: usize,
    /// Bytes in GitHub's count, of every call anew.
    size: usize,
}

/// One call: who calls, and what.
struct CallSite<'a> {
    source: &'a Arc<Source>,
    job: &'a Job,
    call: &'a WorkflowCall,
    file: FileRef,
}

impl Loader<'_> {
    fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, source: &Arc<Source>, span: Span, help: &str) {
        self.diagnostics.push(Diagnostic::error(Code::new(code), message).at(source, span).help(help));
    }

    /// Follows the calls of a workflow; stops at the first with errors.
    fn calls(&mut self, file: &FileRef, workflow: &Workflow, inherited: Option<&Permissions>, depth: usize) {
        for job in workflow.jobs.values() {
            let Some(call) = &job.call else { continue };
            let file = file.resolve(&call.target.value);
            let call = CallSite { source: &workflow.source, job, call, file };
            let most = job.permissions.as_ref().map(|it| &it.value).or(inherited);
            self.follow(&call, most, depth);
            if self.has_errors() {
                return;
            }
        }
    }

    fn follow(&mut self, call: &CallSite<'_>, most: Option<&Permissions>, depth: usize) {
        let Spanned { span, .. } = call.call.target;
        let nesting = self.options.read.limits.nesting;
        if depth > nesting {
            let message = format!("Nested reusable workflow depth exceeded {nesting}.");
            self.error("workflow/call-depth", message, call.source, span, "call the inner workflow from the outer one");
            return;
        }
        let was_read = self.called.contains_key(&call.file);
        let Some(callee) = self.callee(call) else { return };
        self.count_size(call, &callee, was_read);
        if self.has_errors() {
            return;
        }
        self.check(call, &callee, most);
        self.jobs += callee.jobs.len();
        if self.has_errors() {
            return;
        }
        // What the callee says for all of its jobs holds for its calls; else what the caller allows.
        let own = callee.permissions.as_ref().map(|it| it.value.clone());
        self.calls(&call.file, &callee, own.as_ref().or(most), depth + 1);
    }

    /// Reads a called workflow, unless that was done before.
    fn callee(&mut self, call: &CallSite<'_>) -> Option<Arc<Workflow>> {
        let Spanned { span, .. } = call.call.target;
        if let Some(known) = self.called.get(&call.file) {
            return Some(Arc::clone(known));
        }
        self.files.insert(call.file.clone());
        let most = self.options.read.limits.files;
        if self.files.len() > most {
            let message = format!("The maximum file count of {most} has been exceeded");
            self.error("workflow/too-many-files", message, call.source, span, "call fewer different workflows");
            return None;
        }
        let source = match (self.load)(&call.file) {
            Loaded::Source(source) => source,
            Loaded::Missing => {
                let message = format!("the called workflow `{}` was not found", call.file);
                let help = match call.file.repository {
                    Some(_) => "check repository, path and ref",
                    None => "check the path; it begins at the root of the repository: `./.github/workflows/…`",
                };
                self.error("workflow/call-not-found", message, call.source, span, help);
                return None;
            }
            Loaded::Elsewhere => {
                self.diagnostics.push(elsewhere(call));
                return None;
            }
        };
        let Checked { value, diagnostics } = read_workflow(&source, self.options.read);
        let caller = call.source;
        self.diagnostics.extend(diagnostics.into_iter().map(|it| it.label(caller, span, "called here")));
        let callee = Arc::new(value);
        self.called.insert(call.file.clone(), Arc::clone(&callee));
        (!self.has_errors()).then_some(callee)
    }

    /// Checks a call against what the callee asks for.
    fn check(&mut self, call: &CallSite<'_>, callee: &Workflow, most: Option<&Permissions>) {
        let Some(trigger) = callee.on.event("workflow_call") else {
            let message = "workflow_call key is not defined in the referenced workflow.";
            let help = format!("add `workflow_call:` below `on:` in {}", call.file);
            self.error("workflow/not-callable", message, call.source, call.call.target.span, &help);
            return;
        };
        self.diagnostics.extend(inputs::check(call, trigger));
        self.diagnostics.extend(inputs::check_secrets(call, trigger));
        self.diagnostics.extend(permissions::check(call, callee, most, self.options.policy));
    }

    /// Counts what a call adds; a path counts once.
    ///
    /// Source: GitHub: `ReusableWorkflowsLoader` and `TemplateMemory` of actions/runner: one count for all files, each read for each call.
    fn count_size(&mut self, call: &CallSite<'_>, callee: &Workflow, was_read: bool) {
        let path = if was_read { text_bytes(callee.source.path()) } else { 0 };
        self.size = self.size.saturating_add(callee.size.saturating_sub(path));
        if self.size > self.options.read.limits.size {
            let message = format!("Error from called workflow {}: Maximum object size exceeded", call.file);
            let help = "this is a limit of GitHub's for a workflow with all that it calls, each call counted: call less, or move parts into actions or scripts";
            self.error("workflow/too-large", message, call.source, call.call.target.span, help);
        }
    }

    /// Source: GitHub: planning rules 1.1.
    fn count_jobs(&mut self, source: &Arc<Source>) {
        let Some(most) = self.options.read.limits.jobs else { return };
        if self.jobs > most && !self.has_errors() {
            let message = format!("The workflow may not contain more than {most} jobs");
            self.error("workflow/too-many-jobs", message, source, Span::default(), "split the workflow");
        }
    }
}

fn elsewhere(call: &CallSite<'_>) -> Diagnostic {
    let message = format!("the called workflow `{}` is not on this machine, so the call is not checked", call.file);
    let found = Diagnostic::note(Code::new("workflow/call-elsewhere"), message);
    let help = match &call.file.repository {
        Some(it) => format!(
            "name a folder that has it, `--local-repository {}@{}=DIR`, or one with many repositories, `--mirror DIR`",
            it.name, it.git_ref
        ),
        None => "check the file in its repository".to_owned(),
    };
    found.at(call.source, call.call.target.span).help(help)
}
