//! What must hold for every text, for the property tests here and for the fuzz target `workflow`.
use std::sync::Arc;

use wfrun_syntax::{Diagnostic, Source};
use wfrun_workflow::{FileRef, Here, LintSettings, Loaded, ReadOptions, SetOptions, lint, read_action, read_set};

/// Reads a text as a workflow: once all that it calls is itself, once it is not at hand, and then it is warned of.
pub(crate) fn workflow(text: &str) {
    let source = Source::new(".github/workflows/w.yml", text);
    let mut itself = |_: &FileRef| Loaded::Source(Arc::clone(&source));
    check(text, &read_set(&source, SetOptions::default(), &mut itself).diagnostics);
    let read = read_set(&source, SetOptions::default(), &mut |_| Loaded::Elsewhere);
    check(text, &read.diagnostics);
    if !read.has_errors() {
        check(text, &lint(&read.value, &LintSettings { here: Some(Here::default()) }));
    }
}

/// Reads a text as an action.
pub(crate) fn action(text: &str) {
    let source = Source::new("action.yml", text);
    check(text, &read_action(&source, ReadOptions::default()).diagnostics);
}

fn check(text: &str, found: &[Diagnostic]) {
    for it in found {
        assert!(!it.message.is_empty(), "{}", it.code);
        let spans =
            it.place.iter().map(|place| place.span).chain(it.focus).chain(it.labels.iter().map(|it| it.place.span));
        for span in spans {
            assert!(span.start <= span.end && span.end as usize <= text.len(), "{it}: {span:?}");
        }
    }
}
