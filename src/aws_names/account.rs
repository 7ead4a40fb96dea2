//! The number of the account that a workflow means.
use std::collections::BTreeSet;

use wfrun_workflow::WorkflowSet;

/// The number, where all that names one names the same: the roles that are taken, else other ARNs, names of registries, and values whose
/// names speak of an account. They stand in the workflows' texts and in values from outside that they take.
pub(super) fn number<'v>(set: &WorkflowSet, values: impl Iterator<Item = (&'v str, &'v str)>) -> Option<String> {
    let values: Vec<(&str, &str)> = values.collect();
    let texts = || set.workflows().map(|it| it.source.text()).chain(values.iter().map(|(_, value)| *value));
    let of_roles: BTreeSet<&str> = texts().flat_map(roles).collect();
    let named = values.iter().filter(|(name, _)| name.to_ascii_uppercase().contains("ACCOUNT"));
    let named = named.map(|(_, value)| value.trim()).filter(|it| is_number(it));
    let all = if of_roles.is_empty() { texts().flat_map(numbers).chain(named).collect() } else { of_roles };
    let mut all = all.into_iter();
    all.next().filter(|_| all.next().is_none()).map(ToOwned::to_owned)
}

/// The accounts of roles: `arn:aws:iam::123456789012:role/x`.
fn roles(text: &str) -> Vec<&str> {
    let role = |(at, _)| {
        let mut parts = text.get(at..)?.split(':').skip(2);
        let (service, number) = (parts.next()?, parts.nth(1)?);
        (service == "iam" && parts.next()?.starts_with("role/") && is_number(number)).then_some(number)
    };
    text.match_indices("arn:aws").filter_map(role).collect()
}

/// The accounts in ARNs and in names of registries (`123456789012.dkr.ecr.…`).
fn numbers(text: &str) -> Vec<&str> {
    let in_arns = text.match_indices("arn:aws").filter_map(|(at, _)| text[at..].split(':').nth(4));
    let in_hosts = text.match_indices(".dkr.ecr").filter_map(|(at, _)| text.get(at.checked_sub(12)?..at));
    in_arns.chain(in_hosts).filter(|it| is_number(it)).collect()
}

fn is_number(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_or_none() {
        let role = "arn:aws:iam::555566667777:role/x";
        for (texts, found) in [
            (vec![("", role)], Some("555566667777")),
            (vec![("", "x 555566667777.dkr.ecr.eu-west-1.amazonaws.com/a"), ("R", role)], Some("555566667777")),
            (vec![("AWS_ACCOUNT_ID", "555566667777 ")], Some("555566667777")),
            (vec![("AWS_ACCOUNT_ID", "111122223333"), ("", role)], Some("555566667777")),
            (vec![("AWS_ACCOUNT_ID", "111122223333"), ("", "arn:aws:sns:x:555566667777:t")], None),
            (vec![("", role), ("", "arn:aws:iam::111122223333:role/y")], None),
            (vec![("NUMBER", "555566667777"), ("ACCOUNT", "12"), ("", "arn:aws:s3:::x"), ("", "1.dkr.ecr.x")], None),
            (vec![("", "é.dkr.ecr.x")], None),
            (vec![], None),
        ] {
            let source = wfrun_syntax::Source::new("w.yml", "on: push\njobs: {}\n");
            let read = wfrun_workflow::read_workflow(&source, wfrun_workflow::ReadOptions::default());
            let set = WorkflowSet::alone(std::sync::Arc::new(read.value));
            assert_eq!(number(&set, texts.into_iter()).as_deref(), found);
        }
    }
}
