//! What artifacts and the files in them may be called.

use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// With the client's words; names may not have the last two, paths may.
const REFUSED: [(char, &str); 11] = [
    ('"', " Double quote \""),
    (':', " Colon :"),
    ('<', " Less than <"),
    ('>', " Greater than >"),
    ('|', " Vertical bar |"),
    ('*', " Asterisk *"),
    ('?', " Question mark ?"),
    ('\r', " Carriage return \\r"),
    ('\n', " Line feed \\n"),
    ('\\', " Backslash \\"),
    ('/', " Forward slash /"),
];

/// Source: `@actions/artifact`, `path-and-artifact-name-validation.ts`
pub(super) fn check_name(name: &str) -> Result<(), StandInError> {
    if name.is_empty() {
        return Err(StandInError::action("Provided artifact name input during validation is empty"));
    }
    let Some(words) = refused(name, &REFUSED) else {
        toolkit::info("Artifact name is valid!");
        return Ok(());
    };
    let all: Vec<&str> = REFUSED.iter().map(|(_, words)| *words).collect();
    Err(StandInError::action(format!(
        "The artifact name is not valid: {name}. Contains the following character: {words}\n          \n\
         Invalid characters include: {}\n          \n\
         These characters are not allowed in the artifact name due to limitations with certain file systems such as NTFS. \
         To maintain file system agnostic behavior, these characters are intentionally not allowed to prevent potential \
         problems with downloads on different file systems.",
        all.join(",")
    )))
}

/// Source: the same
pub(super) fn check_path(path: &str) -> Result<(), StandInError> {
    let in_paths = &REFUSED[..9];
    let Some(words) = refused(path, in_paths) else { return Ok(()) };
    let all: Vec<&str> = in_paths.iter().map(|(_, words)| *words).collect();
    Err(StandInError::action(format!(
        "The path for one of the files in artifact is not valid: {path}. Contains the following character: {words}\n          \n\
         Invalid characters include: {}\n          \n\
         The following characters are not allowed in files that are uploaded due to limitations with certain file systems \
         such as NTFS. To maintain file system agnostic behavior, these characters are intentionally not allowed to \
         prevent potential problems with downloads on different file systems.\n          ",
        all.join(",")
    )))
}

fn refused<'a>(text: &str, characters: &[(char, &'a str)]) -> Option<&'a str> {
    characters.iter().find(|(it, _)| text.contains(*it)).map(|(_, words)| *words)
}
