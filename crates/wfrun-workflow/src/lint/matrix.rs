//! `matrix/no-key`: a key of the matrix that no combination has.
use indexmap::IndexMap;
use wfrun_expr::Value;
use wfrun_syntax::{Diagnostic, eq_ignoring_case, upper_ordinal};

use super::{Linting, names_help};
use crate::{EntryKey, Job, Token, TokenKind};

/// Looks for `matrix.KEY` where neither a vector nor an `include` has the key.
///
/// Source: GitHub: planning rules 1.8 (what does not exist is null) and 4.5.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut known: Option<IndexMap<String, &str>> = None;
    let mut last: Option<&Job> = None;
    for written in &linting.written {
        let Some(job) = written.job else { continue };
        // Expressions come job by job.
        if last.is_none_or(|it| !std::ptr::eq(it, job)) {
            known = keys(job);
            last = Some(job);
        }
        for path in written.paths("matrix") {
            let (Some(part), Some(keys)) = (path.parts.first(), &known) else { continue };
            let Some(name) = part.name else { continue };
            if keys.contains_key(&upper_ordinal(name)) {
                continue;
            }
            let message = format!("the matrix has no key `{name}`, so this is empty");
            let none = "the job has no matrix: add `strategy.matrix`, or take this away";
            let help = names_help(name, keys.values().copied(), "its keys are", none);
            let place = linting.warning("matrix/no-key", message, written.place());
            found.push(place.focus(written.span_of(&part.range)).help(help));
        }
    }
    found
}

/// The keys that combinations have, by their upper-case form; `None` where an expression makes them up.
fn keys(job: &Job) -> Option<IndexMap<String, &str>> {
    let mut keys = IndexMap::new();
    let Some(strategy) = &job.strategy else { return Some(keys) };
    if strategy.whole.is_some() {
        return None;
    }
    let Some(matrix) = &strategy.matrix else { return Some(keys) };
    let mut add = |key| {
        keys.entry(upper_ordinal(key)).or_insert(key);
    };
    for (key, value) in literal_entries(matrix)? {
        match key {
            "include" => {
                for item in literal_items(value)? {
                    literal_entries(item)?.into_iter().for_each(|(key, _)| add(key));
                }
            }
            "exclude" => {}
            vector => add(vector),
        }
    }
    Some(keys)
}

/// All values that a key of a job's matrix can have, null among them; `None` where they are not known or no scalars.
pub(super) fn values(job: &Job, key: &str) -> Option<Vec<Value>> {
    let strategy = job.strategy.as_ref().filter(|it| it.whole.is_none())?;
    let mut values = Vec::new();
    for token in tokens(strategy.matrix.as_ref()?, key)? {
        values.push(token.map_or(Some(Value::Null), scalar)?);
    }
    Some(values)
}

/// What stands for a key in the combinations of a matrix; none where a combination may lack it.
pub(super) fn tokens<'t>(matrix: &'t Token, key: &str) -> Option<Vec<Option<&'t Token>>> {
    let mut found = Vec::new();
    let mut is_vector = false;
    let mut includes = false;
    for (name, value) in literal_entries(matrix)? {
        match name {
            "include" => {
                for item in literal_items(value)? {
                    includes = true;
                    let entries = literal_entries(item)?;
                    found.extend(entries.iter().filter(|(it, _)| eq_ignoring_case(it, key)).map(|(_, it)| Some(*it)));
                }
            }
            "exclude" => {}
            vector if eq_ignoring_case(vector, key) => {
                is_vector = true;
                found.extend(literal_items(value)?.iter().map(Some));
            }
            _ => {}
        }
    }
    if !is_vector || includes {
        found.push(None);
    }
    Some(found)
}

fn literal_entries(token: &Token) -> Option<Vec<(&str, &Token)>> {
    let TokenKind::Mapping(entries) = &token.kind else { return None };
    entries
        .iter()
        .map(|it| if let EntryKey::Text(key) = &it.key { Some((key.value.as_str(), &it.value)) } else { None })
        .collect()
}

/// The items of a list in which no item is an expression, which could stand for several.
fn literal_items(token: &Token) -> Option<&[Token]> {
    let TokenKind::Sequence(items) = &token.kind else { return None };
    (!items.iter().any(Token::is_expression)).then_some(items)
}

fn scalar(token: &Token) -> Option<Value> {
    match &token.kind {
        TokenKind::Null => Some(Value::Null),
        TokenKind::Bool(it) => Some(Value::Bool(*it)),
        TokenKind::Number(it) => Some(Value::Number(*it)),
        TokenKind::Text(it) => Some(Value::from(it.as_str())),
        TokenKind::Expression(_) | TokenKind::Sequence(_) | TokenKind::Mapping(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    fn job(matrix: &str, key: &str) -> String {
        format!(
            "on: push\njobs:\n  j:\n    runs-on: x\n    strategy: {{matrix: {matrix}}}\n    steps: [{{run: 'echo ${{{{ matrix.{key} }}}}'}}]\n"
        )
    }

    #[test]
    fn keys_that_no_combination_has() {
        check(&job("{os: [a], node: [1]}", "nodes"), &["matrix/no-key `nodes`: did you mean `node`?"]);
        check(&job("{include: [{os: a, tag: b}, {os: c}]}", "x.y"), &["matrix/no-key `x`: its keys are: os, tag"]);
        check(
            &steps("{run: 'echo ${{ matrix.os }}'}"),
            &["matrix/no-key `os`: the job has no matrix: add `strategy.matrix`, or take this away"],
        );
    }

    #[test]
    fn keys_that_there_are_or_may_be() {
        for (matrix, key) in [
            ("{os: [a]}", "OS"),
            ("{os: [a], include: [{os: a, tag: b}]}", "tag"),
            ("{v: [{a: 1}]}", "v.b"),
            ("'${{ fromJSON(vars.M) }}'", "x"),
            ("{os: [a], include: '${{ fromJSON(vars.M) }}'}", "x"),
            ("{os: [a], include: ['${{ vars.M }}']}", "x"),
        ] {
            check(&job(matrix, key), &[]);
        }
    }
}
