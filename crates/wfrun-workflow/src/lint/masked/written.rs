//! What a script writes into `GITHUB_OUTPUT`.
use std::ops::Range;

use indexmap::IndexMap;
use wfrun_expr::{Expr, Template};
use wfrun_syntax::eq_ignoring_case;

use crate::contexts::STEP;
use crate::shell_script::{self, Command, Known, Word};

/// Stands for what is not known.
const UNKNOWN: char = '\u{e000}';
/// Stands for a value that is looked for.
const MARK: char = '\u{e001}';
/// Stands for the path of the file of outputs.
const OUTPUTS: &str = "\u{e002}";

/// Where a script writes a value into an output for which `names` of variables stand, or expressions for which `holds` is true.
pub(super) fn write_of(
    script: &str,
    output: &str,
    names: &[&str],
    holds: &dyn Fn(&Expr) -> bool,
) -> Option<Range<u32>> {
    let told = |is_it: bool| if is_it { MARK } else { UNKNOWN }.to_string();
    let marked = names.iter().map(|it| ((*it).to_owned(), told(true)));
    let variables: IndexMap<_, _> = marked.chain([("GITHUB_OUTPUT".to_owned(), OUTPUTS.to_owned())]).collect();
    let expression = |inner: &str| {
        let template = Template::parse(&format!("${{{{{inner}}}}}"), &STEP);
        told(template.is_ok_and(|it| it.expr().is_some_and(holds)))
    };
    // Source: AWS STS API reference, `GetCallerIdentity`: `Account` is its number alone.
    let substitution = |it: &str| told(it.contains("sts get-caller-identity") && it.contains("Account"));
    let known = Known { variables: &variables, expression: &expression, substitution: &substitution, unknown: UNKNOWN };
    let commands = shell_script::read(script, &known).commands;
    let mut writers = commands.iter().filter_map(|it| writer(it, &commands));
    let range = writers.find_map(|it| value_of(it, output))?.range.clone();
    Some(u32::try_from(range.start).ok()?..u32::try_from(range.end).ok()?)
}

/// The command whose output one puts into the file: itself, or what is piped into `tee`.
fn writer<'c>(command: &'c Command, all: &'c [Command]) -> Option<&'c Command> {
    // PowerShell writes `$env:GITHUB_OUTPUT`.
    let is_file = |it: &str| it == OUTPUTS || it.ends_with(":GITHUB_OUTPUT");
    if command.writes.iter().any(|it| is_file(it)) {
        return Some(command);
    }
    let (program, files) = command.started(&["tee"]).split_first()?;
    let writes = program.program() == "tee" && files.iter().any(|it| is_file(&it.text));
    all.get(command.reads.filter(|_| writes)?)
}

/// The word by which a command gives an output a value with the mark.
fn value_of<'c>(command: &'c Command, output: &str) -> Option<&'c Word> {
    let (program, words) = command.words.split_first()?;
    let gives = |text: &str| {
        let mut pairs = text.lines().filter_map(|it| it.split_once('='));
        pairs.any(|(name, value)| eq_ignoring_case(name, output) && value.contains(MARK))
    };
    if program.program() == "printf" {
        let (format, values) = words.split_first()?;
        return gives(&printed(&format.text, values)).then_some(format);
    }
    words.iter().find(|it| gives(&it.text))
}

/// What `printf` prints, as far as its format says `%s`.
fn printed(format: &str, values: &[Word]) -> String {
    let values = values.iter().map(|it| it.text.as_str()).chain(std::iter::repeat(""));
    let parts = format.split("%s").zip(values).flat_map(|(before, value)| [before, value]);
    parts.collect::<String>().replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not closed goes to the end of the script, and nothing is cut inside of a character.
    #[test]
    fn any_script_is_taken() {
        for script in
            ["", "$", "${", "${é", "$(", "$(é", "`", "`é", "'é", "\"$", "\\", "\\é", "${{", "${{é", "é;é", "a=é $é"]
        {
            assert_eq!(write_of(script, "é", &[], &|_| true), None, "{script}");
        }
    }
}
