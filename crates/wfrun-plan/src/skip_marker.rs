/// Finds what in a commit message keeps push and pull request workflows from running.
///
/// Source: <https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs>
pub fn skip_marker(message: &str) -> Option<&'static str> {
    const MARKERS: &[&str] = &["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];
    if let Some(marker) = MARKERS.iter().find(|it| message.contains(**it)) {
        return Some(marker);
    }
    let (_, trailers) = message.trim_end().rsplit_once("\n\n\n")?;
    let last = trailers.lines().last()?.trim();
    matches!(last, "skip-checks: true" | "skip-checks:true").then_some("skip-checks: true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers() {
        assert_eq!(skip_marker("fix\n\nsome [skip ci] text"), Some("[skip ci]"));
        assert_eq!(skip_marker("fix\n\n\nskip-checks: true\n"), Some("skip-checks: true"));
        assert_eq!(skip_marker("fix\n\n\nskip-checks:true"), Some("skip-checks: true"));
        assert_eq!(skip_marker("fix\n\nskip-checks: true"), None);
        assert_eq!(skip_marker("skip ci"), None);
    }
}
