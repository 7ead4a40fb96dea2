//! What building a Dockerfile takes from elsewhere.

use std::collections::BTreeMap;

use super::substitute::expand_known;
use super::{Instruction, Statement, lenient};

/// What a build needs besides its context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The images of `FROM` and `COPY --from` that are not the build's own stages, each once.
    pub images: Vec<String>,
    /// Those whose names only the build itself can tell, each once, as written.
    pub open: Vec<String>,
    /// The first line of the first `RUN`: what such instructions fetch cannot be told.
    pub run: Option<String>,
}

/// Reads what a build of the Dockerfile `text` needs; `arguments` are those of `--build-arg`.
///
/// An instruction that wfrun does not know, or that Docker would refuse, is passed over; the others count all the same.
/// Source: Docker, "Dockerfile reference", `FROM`, `COPY --from` and "Understand how ARG and FROM interact".
pub fn needs(text: &str, arguments: &BTreeMap<String, String>) -> Needs {
    let (global, stages) = (BTreeMap::new(), Vec::new());
    let mut reading = Reading { arguments, global, has_stage: false, stages, found: Needs::default() };
    for statement in lenient(text) {
        reading.statement(&statement);
        if reading.found.run.is_none() && matches!(statement.instruction, Instruction::Run { .. }) {
            let line = text.lines().nth(statement.place.line - 1).unwrap_or_default();
            reading.found.run = Some(line.trim().to_owned());
        }
    }
    reading.found
}

struct Reading<'a> {
    arguments: &'a BTreeMap<String, String>,
    /// The values of `ARG` before the first `FROM`, as far as they have one.
    global: BTreeMap<String, String>,
    has_stage: bool,
    /// Names of stages, in lower case.
    stages: Vec<String>,
    found: Needs,
}

impl Reading<'_> {
    fn statement(&mut self, statement: &Statement) {
        if let Instruction::Arg(args) = &statement.instruction
            && !self.has_stage
        {
            for (name, default) in args {
                let default = default.as_deref().and_then(|it| self.value(it, statement.escape));
                self.global.extend(self.arguments.get(name).cloned().or(default).map(|it| (name.clone(), it)));
            }
        } else if let Instruction::From { image, stage, .. } = &statement.instruction {
            self.has_stage = true;
            self.image(image, self.value(image, statement.escape));
            self.stages.extend(stage.clone());
        } else if let Instruction::Copy(copy) = &statement.instruction
            && let Some(from) = copy.from.as_ref().filter(|it| it.parse::<usize>().is_err())
        {
            // Docker replaces no variables there.
            self.image(from, (!from.contains('$')).then(|| from.clone()));
        }
    }

    fn value(&self, text: &str, escape: char) -> Option<String> {
        expand_known(text, escape, &|name: &str| self.global.get(name).cloned())
    }

    /// Takes note of an image: as written, and what that means, if it can be told.
    fn image(&mut self, written: &str, image: Option<String>) {
        let (all, name) = match image {
            Some(name) if name.is_empty() || name == "scratch" => return,
            Some(name) if self.stages.contains(&name.to_ascii_lowercase()) => return,
            Some(name) => (&mut self.found.images, name),
            None => (&mut self.found.open, written.to_owned()),
        };
        if !all.contains(&name) {
            all.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::needs;

    /// Source: Docker, "Dockerfile reference".
    #[test]
    fn what_a_build_needs() {
        for (text, images, open) in [
            ("FROM alpine:3.20\nRUN x\n", "alpine:3.20", ""),
            ("# FROM a\nfrom --platform=linux/amd64 a:1 as Build\nFROM b\nCOPY --from=build /x /x\n", "a:1 b", ""),
            ("FROM a AS one\nFROM One\nCOPY --from=0 x y\nCOPY --chown=1 --from=busybox:1 x y\n", "a busybox:1", ""),
            (
                "ARG V=3.12\nARG I\nFROM python:${V}-slim\nFROM $I\nFROM ${I:-ubuntu}\nFROM x:$V\n",
                "python:3.12-slim ubuntu x:3.12",
                "$I",
            ),
            ("ARG \\\n  V=\"1\"\nFROM \\\n  a:$V\n", "a:1", ""),
            ("FROM scratch\nFROM a\nFROM a\n", "a", ""),
            ("ARG R\nFROM $R/b\n", "here/b", ""),
            ("ARG R=host\nARG I=$R/b\nFROM ${I}:2 AS one\nFROM one\nCOPY --from=one /x /\n", "here/b:2", ""),
            ("ARG H=host\nARG I=$H/b\nFROM ${I}:2\n", "host/b:2", ""),
            ("ARG I=$NOPE/b\nFROM ${I}:2\n", "", "${I}:2"),
            ("ARG A=1 B='2'\nFROM a:$A-$B\n", "a:1-2", ""),
            ("ARG V\nFROM c:${V:-3}\nFROM scratch\nCOPY --from=d:4 /x /\n", "c:3 d:4", ""),
            ("ARG A=1\nFROM a:${A:-$NOPE}\nFROM b${NOPE:+-$NOPE}\nFROM ${NOPE:-c$NOPE}\n", "a:1 b", "${NOPE:-c$NOPE}"),
            ("FROM a\nARG Z=1\nFROM $Z\nFROM ${Z\nFROM ${Z}\n", "a", "$Z ${Z ${Z}"),
            ("ARG A=1\nFROM a\nCOPY --from=b:$A /x /\n", "a", "b:$A"),
            // What is within a heredoc is no instruction.
            ("FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c x y\nEOF\nCOPY --from=d x y\n", "a d", ""),
            // A line that is not known, or wrong, is not the file.
            ("FROM a\nONBUILD COPY --from=b x y\nSECRET x\nFROM c\n", "a c", ""),
            ("FROM a\nCOPY --parents --from=b x y\nADD --unpack=true z /\nHEALTHCHECK --no=1 NONE\n", "a b", ""),
            ("# escape=x\nFROM a\nUSER\nRUN <<EOF\n", "a", ""),
            ("USER x\nFROM --new=1 a\nFROM b c\n", "a", ""),
            ("# escape=`\nFROM `\n a\n", "a", ""),
            ("RUN x\n", "", ""),
            ("", "", ""),
        ] {
            let found = needs(text, &[("R".to_owned(), "here".to_owned())].into());
            assert_eq!((found.images.join(" ").as_str(), found.open.join(" ").as_str()), (images, open), "{text}");
        }
    }

    #[test]
    fn the_first_run() {
        for (text, run) in [
            ("FROM a\n  run  apk add \\\n  x\nRUN y\n", Some("run  apk add \\")),
            ("FROM a\nCOPY <<EOF /x\nRUN z\nEOF\nRUN\ty\n", Some("RUN\ty")),
            ("FROM a\n# RUN x\nONBUILD RUN x\nCMD RUN x\n", None),
        ] {
            assert_eq!(needs(text, &[].into()).run.as_deref(), run, "{text}");
        }
    }
}
