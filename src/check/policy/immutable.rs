//! `aws/immutable-tag`: a tag that is the same in each run, for a repository that takes it only once.
use wfrun_aws::{RepositoryEntry, UNKNOWN};
use wfrun_syntax::Diagnostic;

/// What of a push to `repository` each run after the first is refused, if that is certain.
///
/// Source: AWS: rules A3.4; AWS ECR user guide, "Preventing image tags from being overwritten in Amazon ECR". That the same image may be
/// pushed again changes nothing: a build is seldom the same.
pub(super) fn refused(ecr: &[RepositoryEntry], who: &str, repository: &str, tag: &str) -> Option<Diagnostic> {
    let declared = ecr.iter().find(|it| it.name == repository)?;
    let is_fixed = || declared.image_tag_mutability.fixes(&declared.exclusion_filters, tag);
    if tag.is_empty() || tag.contains(UNKNOWN) || !is_fixed() {
        return None;
    }
    let message = format!(
        "{who} pushes the tag `{tag}` to `{repository}`, whose tags are immutable: it is there after the first run, and each one after is \
         refused"
    );
    let help = format!(
        "push only tags that are new in each run, as `${{{{ github.sha }}}}`, or except it: `imageTagMutability: \
         IMMUTABLE_WITH_EXCLUSION` with `imageTagMutabilityExclusionFilters: [{tag}]`"
    );
    Some(Diagnostic::warning("aws/immutable-tag", message).help(help))
}

#[cfg(test)]
mod tests {
    use wfrun_aws::AccountFile;

    use super::*;

    #[test]
    fn tags_that_are_taken_once() {
        let filters = |mode: &str| {
            format!(
                "{{ name: web, imageTagMutability: {mode}, imageTagMutabilityExclusionFilters: ['dev-*-x', main] }}"
            )
        };
        let (but, only) = (filters("IMMUTABLE_WITH_EXCLUSION"), filters("MUTABLE_WITH_EXCLUSION"));
        let unknown = format!("v{UNKNOWN}");
        for (entry, tag, expected) in [
            ("web", "latest", false),
            ("{ name: web, imageTagMutability: IMMUTABLE }", "latest", true),
            ("{ name: web, imageTagMutability: IMMUTABLE }", "v1", true),
            ("{ name: web, imageTagMutability: IMMUTABLE }", unknown.as_str(), false),
            ("{ name: other, imageTagMutability: IMMUTABLE }", "latest", false),
            (but.as_str(), "latest", true),
            (but.as_str(), "dev-1-x", false),
            (but.as_str(), "dev-1-y", true),
            (but.as_str(), "main", false),
            (only.as_str(), "latest", false),
            (only.as_str(), "main", true),
        ] {
            let file = AccountFile::parse(&format!("ecr: {{ repositories: [{entry}] }}\n")).expect("an account file");
            let found = refused(&file.ecr.repositories, "`docker push`", "web", tag);
            assert_eq!(found.is_some(), expected, "{entry} {tag}");
        }
    }
}
