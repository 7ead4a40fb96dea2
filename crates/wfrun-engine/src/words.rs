//! Command lines that become words without a shell: `shell:`, `args:`, and the `options` of containers.

/// Splits a command line as GitHub's runner does, which passes it on without a shell.
///
/// Blanks and tabs part words, double quotes hold them together, a backslash is one but before a double quote. Single
/// quotes and line breaks are ordinary characters.
/// Source: <https://github.com/dotnet/runtime/blob/v8.0.0/src/libraries/System.Diagnostics.Process/src/System/Diagnostics/Process.Unix.cs>
/// (`ParseArgumentsIntoList`)
pub fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    loop {
        while rest.next_if(|it| matches!(it, ' ' | '\t')).is_some() {}
        if rest.peek().is_none() {
            return words;
        }
        words.push(word(&mut rest));
    }
}

fn word(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut word = String::new();
    let mut quoted = false;
    while let Some(&next) = rest.peek() {
        match next {
            '\\' => {
                let mut count = 0;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let escapes = rest.peek() == Some(&'"');
                word.extend(std::iter::repeat_n('\\', if escapes { count / 2 } else { count }));
                if escapes && count % 2 == 1 {
                    rest.next();
                    word.push('"');
                }
            }
            '"' => {
                rest.next();
                if quoted && rest.next_if_eq(&'"').is_some() {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            ' ' | '\t' if !quoted => break,
            _ => {
                rest.next();
                word.push(next);
            }
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::split_words;

    #[test]
    fn as_the_runner_splits() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            ("  --cpus 1\t--init ", &["--cpus", "1", "--init"]),
            (r#"--health-cmd "redis-cli ping""#, &["--health-cmd", "redis-cli ping"]),
            (r#"--health-cmd="pg_isready -U me" x"#, &["--health-cmd=pg_isready -U me", "x"]),
            (r#"a "" b"#, &["a", "", "b"]),
            ("'a b'", &["'a", "b'"]),
            (r#""say \"hi\"" \\x \\"y z""#, &["say \"hi\"", "\\\\x", "\\y z"]),
            (r#""a""b""#, &["a\"b"]),
            ("a  b", &["a", "b"]),
            ("--x=\"a b\"c \"\"", &["--x=a bc", ""]),
            (r#"say \"hi\""#, &["say", "\"hi\""]),
            ("--cpus 1\n--init", &["--cpus", "1\n--init"]),
        ];
        for (line, words) in cases {
            assert_eq!(split_words(line), words, "{line}");
        }
    }
}
