/// Finds what in a commit message keeps push and pull request workflows from running.
///
/// Source: <https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs>
pub fn skip_marker(message: &str) -> Option<&'static str> {
    const MARKERS: &[&str] = &["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];
    if let Some(marker) = MARKERS.iter().find(|it| message.contains(**it)) {
        return Some(marker);
    }
    let message = message.replace("\r\n", "\n");
    // Two blank lines stand before the trailers.
    let (_, trailers) = message.trim_end().rsplit_once("\n\n\n")?;
    let last = trailers.lines().last()?.trim();
    matches!(last, "skip-checks: true" | "skip-checks:true").then_some("skip-checks: true")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: GitHub: planning rules 2.5.
    #[test]
    fn markers() {
        for (message, expected) in [
            ("fix [skip ci]", Some("[skip ci]")),
            ("[ci skip] fix", Some("[ci skip]")),
            ("fix\n\nsome [no ci] text", Some("[no ci]")),
            ("fix [skip actions]", Some("[skip actions]")),
            ("fix [actions skip]", Some("[actions skip]")),
            ("fix\n\n\nskip-checks: true\n", Some("skip-checks: true")),
            ("fix\n\n\nskip-checks:true", Some("skip-checks: true")),
            ("fix\r\n\r\n\r\nskip-checks:true\r\n", Some("skip-checks: true")),
            ("fix\n\n\nSigned-off-by: me\nskip-checks: true", Some("skip-checks: true")),
            ("fix\n\n\nskip-checks: true\nSigned-off-by: me", None),
            ("fix\n\nskip-checks: true", None),
            ("fix\n\n\nskip-checks: false", None),
            ("skip-checks: true", None),
            ("skip ci", None),
            ("[skip-ci]", None),
            ("", None),
        ] {
            assert_eq!(skip_marker(message), expected, "{message:?}");
        }
    }
}
