//! Where shells are.
use std::collections::HashMap;

use futures_util::future::join_all;
use wfrun_backend::Environment;
use wfrun_engine::ShellSearch;

/// Looks for a shell, and for the other one where it is not there.
pub(crate) async fn find_shell(environment: &Environment, search: &ShellSearch) -> Option<String> {
    for it in std::iter::once(search.command.as_str()).chain(search.fallback) {
        if let Some(found) = environment.which_in(it, &search.path).await {
            return Some(found);
        }
    }
    None
}

/// Looks for those that most steps ask for.
pub(crate) async fn usual_shells(environment: &Environment, path: &str) -> HashMap<ShellSearch, Option<String>> {
    let look = |search: ShellSearch| async move {
        let found = find_shell(environment, &search).await;
        (search, found)
    };
    join_all(ShellSearch::usual(path).into_iter().map(look)).await.into_iter().collect()
}
