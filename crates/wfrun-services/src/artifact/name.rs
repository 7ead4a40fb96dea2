//! What an artifact may be called.

use crate::twirp::{Code, TwirpError};

/// What file systems do not take, with the words that GitHub's client has for each.
///
/// Source: `@actions/artifact`, `path-and-artifact-name-validation.ts`, which says that the service refuses the same
const REFUSED: [(char, &str); 11] = [
    ('"', "Double quote \""),
    (':', "Colon :"),
    ('<', "Less than <"),
    ('>', "Greater than >"),
    ('|', "Vertical bar |"),
    ('*', "Asterisk *"),
    ('?', "Question mark ?"),
    ('\r', "Carriage return \\r"),
    ('\n', "Line feed \\n"),
    ('\\', "Backslash \\"),
    ('/', "Forward slash /"),
];

/// A name becomes a folder's or a file's where it is downloaded.
const LENGTH_LIMIT: usize = 255;

/// Refuses a name that is not one of a file everywhere, or that would lead out of the folder it is downloaded to.
pub(super) fn valid(name: &str) -> Result<&str, TwirpError> {
    let refuse =
        |why: String| Err(TwirpError::new(Code::InvalidArgument, format!("the artifact name is not valid: {why}")));
    if let Some((_, words)) = REFUSED.iter().find(|(it, _)| name.contains(*it)) {
        return refuse(format!("{name}. Contains the following character: {words}"));
    }
    if name.contains(|it: char| it.is_control()) {
        return refuse("it contains a control character".to_owned());
    }
    if name == "." || name == ".." {
        return refuse(format!("{name} names a folder"));
    }
    if name.len() > LENGTH_LIMIT {
        return refuse(format!("it has {} bytes, at most {LENGTH_LIMIT} can be the name of a file", name.len()));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::{LENGTH_LIMIT, valid};

    #[test]
    fn table() {
        let longest = "x".repeat(LENGTH_LIMIT);
        for name in
            ["a", "my artifact", "ü.zip", "...", ".hidden", "a..b", "logs (ubuntu, 3.12)", "it's", "%2e", &longest]
        {
            assert_eq!(valid(name).ok(), Some(name));
        }
        let too_long = "ü".repeat(LENGTH_LIMIT / 2 + 1);
        for name in [
            ".",
            "..",
            "../x",
            "a/b",
            "/",
            "a\\b",
            "a:b",
            "a\"",
            "<a",
            "a>",
            "a|b",
            "a*",
            "a?",
            "a\nb",
            "a\r",
            "a\0b",
            "\u{1b}[0m",
            &too_long,
        ] {
            assert!(valid(name).is_err(), "{name:?}");
        }
    }
}
