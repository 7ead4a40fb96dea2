use super::*;

fn instructions(text: &str) -> Vec<(usize, Instruction)> {
    let text = format!("FROM scratch\n{text}");
    let statements = parse(&text, "Dockerfile").unwrap_or_else(|fault| panic!("{fault}"));
    statements.into_iter().skip(1).map(|it| (it.place.line, it.instruction)).collect()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn copy(sources: &[&str], destination: &str) -> Copy {
    Copy {
        sources: texts(sources),
        destination: destination.to_owned(),
        from: None,
        chown: None,
        chmod: None,
        heredocs: Vec::new(),
    }
}

#[test]
fn reads_instructions() {
    let cases = [
        ("ENV A=1 B=\"x y\" C=a\\ b", Instruction::Env(owned(&[("A", "1"), ("B", "\"x y\""), ("C", "a\\ b")]))),
        ("ENV A all the rest", Instruction::Env(owned(&[("A", "all the rest")]))),
        ("LABEL a.b=\"c d\"", Instruction::Label(owned(&[("a.b", "\"c d\"")]))),
        ("ARG V=3.11", Instruction::Arg(vec![("V".to_owned(), Some("3.11".to_owned()))])),
        ("ARG V", Instruction::Arg(vec![("V".to_owned(), None)])),
        ("COPY a b /c/", Instruction::Copy(copy(&["a", "b"], "/c/"))),
        ("copy [\"a b\", \"c\"]", Instruction::Copy(copy(&["a b"], "c"))),
        (
            "COPY --from=build --chown=1:2 --chmod=755 a b",
            Instruction::Copy(Copy {
                from: Some("build".to_owned()),
                chown: Some("1:2".to_owned()),
                chmod: Some("755".to_owned()),
                ..copy(&["a"], "b")
            }),
        ),
        ("ADD a.tar /", Instruction::Add(copy(&["a.tar"], "/"))),
        ("CMD [\"a\", \"b\"]", Instruction::Cmd(Command::Exec(texts(&["a", "b"])))),
        ("CMD a b", Instruction::Cmd(Command::Shell("a b".to_owned()))),
        ("ENTRYPOINT ['a']", Instruction::Entrypoint(Command::Shell("['a']".to_owned()))),
        ("EXPOSE 80 443/udp", Instruction::Expose(texts(&["80", "443/udp"]))),
        ("VOLUME [\"/a\"]", Instruction::Volume(texts(&["/a"]))),
        ("SHELL [\"/bin/bash\", \"-c\"]", Instruction::Shell(texts(&["/bin/bash", "-c"]))),
        (
            "HEALTHCHECK --interval=30s --timeout=1m30s --retries=3 CMD curl -f x",
            Instruction::Healthcheck(serde_json::json!({
                "Test": ["CMD-SHELL", "curl -f x"], "Interval": 30_000_000_000_u64, "Timeout": 90_000_000_000_u64, "Retries": 3
            })),
        ),
        ("HEALTHCHECK NONE", Instruction::Healthcheck(serde_json::json!({ "Test": ["NONE"] }))),
        ("MAINTAINER me", Instruction::Maintainer("me".to_owned())),
        (
            "FROM a:$V AS Build",
            Instruction::From { image: "a:$V".to_owned(), platform: None, stage: Some("build".to_owned()) },
        ),
    ];
    for (text, want) in cases {
        assert_eq!(instructions(text), [(2, want)], "{text}");
    }
}

#[test]
fn joins_lines() {
    let text = "# comment\n\nRUN a \\\n  # in between\n\n  && b\nUSER x\n";
    let want = [
        (4, Instruction::Run { command: Command::Shell("a   && b".to_owned()), heredocs: Vec::new() }),
        (9, Instruction::User("x".to_owned())),
    ];
    let got = instructions(text);
    assert_eq!(got[0].0, 4);
    assert_eq!(got[0].1, want[0].1);
    assert_eq!(got[1].1, want[1].1);
}

#[test]
fn knows_directives() {
    let statements = parse("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN x `\n y\\\n", "D").expect("reads");
    let run = Instruction::Run { command: Command::Shell("x  y\\".to_owned()), heredocs: Vec::new() };
    assert_eq!((statements[1].escape, &statements[1].instruction), ('`', &run));
}

#[test]
fn attaches_heredocs() {
    let got = instructions("COPY <<EOF <<-\"B\" /x/\nhello $A\nEOF\n\t$A\n\tB\nRUN <<EOF\nset -e\nEOF\nUSER u");
    let Instruction::Copy(copy) = &got[0].1 else { panic!("{got:?}") };
    let documents: Vec<_> =
        copy.heredocs.iter().map(|it| (it.name.as_str(), it.expands, it.content.as_str())).collect();
    assert_eq!(documents, [("EOF", true, "hello $A\n"), ("B", false, "$A\n")]);
    assert!(copy.sources.is_empty());
    let Instruction::Run { heredocs, .. } = &got[1].1 else { panic!("{got:?}") };
    assert_eq!(heredocs[0].content, "set -e\n");
    assert_eq!(got[2], (10, Instruction::User("u".to_owned())));
}

#[test]
fn says_what_is_wrong_and_where() {
    let cases = [
        ("FROM a\nRUNN x", "unknown instruction: RUNN\nDockerfile:2: RUNN x\nhelp: did you mean `RUN`?"),
        (
            "FORM a",
            "parse error on line 1: unknown instruction: FORM\nDockerfile:1: FORM a\nhelp: did you mean `FROM`?",
        ),
        ("FROM a b", "FROM requires either one or three arguments\nDockerfile:1: FROM a b"),
        ("FROM a\nCOPY x", "COPY requires at least two arguments, but only one was provided. Destination"),
        ("FROM a\nENV A", "ENV must have two arguments\nDockerfile:2: ENV A\nhelp: write `ENV A=value`"),
        ("FROM a\nENV A=1 B", "can't find = in \"B\""),
        ("FROM a\nSHELL sh", "SHELL requires the arguments to be in JSON form"),
        ("FROM a\nCOPY --frm=x a b", "unknown flag: --frm"),
        ("FROM a\nONBUILD RUN x", "ONBUILD is not supported by wfrun's stand-in for `docker`"),
        ("FROM a\nHEALTHCHECK FOO", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"),
        ("FROM a\nHEALTHCHECK --interval=3x CMD a", "time: invalid duration \"3x\""),
        ("FROM a\nCOPY <<EOF /x\nabc", "unterminated heredoc: EOF"),
        ("FROM a\nRUN", "RUN requires at least one argument"),
        ("USER x\nFROM a", "no build stage in current context\nDockerfile:1: USER x\nhelp: the first"),
        ("# only\n", "cannot be empty"),
        ("# escape=x\nFROM a", "invalid escape token 'x' does not match"),
    ];
    for (text, want) in cases {
        let fault = parse(text, "Dockerfile").expect_err(text);
        assert!(fault.to_string().contains(want), "{text}: {fault}");
    }
}
