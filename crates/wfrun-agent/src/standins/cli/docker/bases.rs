//! The images that a Dockerfile is built from.

use std::collections::BTreeMap;

use crate::dockerfile::substitute::expand;
use crate::dockerfile::{self, Instruction};

/// The images that a build of this Dockerfile needs: those of `FROM` and of `COPY --from` that are not its own stages, each once.
///
/// `arguments` are those of `--build-arg`. What only the build itself can tell is left out, and so is all of a text that is no
/// Dockerfile.
pub fn base_images(dockerfile: &str, arguments: &BTreeMap<String, String>) -> Vec<String> {
    let Ok(statements) = dockerfile::parse(dockerfile, "Dockerfile") else { return Vec::new() };
    let (mut global, mut stages, mut images) = (BTreeMap::new(), Vec::<String>::new(), Vec::<String>::new());
    let mut has_stage = false;
    for statement in &statements {
        let mut found = None;
        if let Instruction::Arg(args) = &statement.instruction
            && !has_stage
        {
            for (name, default) in args {
                let lookup = |name: &str| global.get(name).cloned();
                let default = default.as_deref().and_then(|it| expand(it, statement.escape, &lookup).ok());
                if let Some(value) = arguments.get(name).cloned().or(default) {
                    global.insert(name.clone(), value);
                }
            }
        } else if let Instruction::From { image, stage, .. } = &statement.instruction {
            has_stage = true;
            let image = expand(image, statement.escape, &|name: &str| global.get(name).cloned()).ok();
            found = image.filter(|it| it != "scratch" && !stages.contains(&it.to_ascii_lowercase()));
            stages.extend(stage.as_ref().map(|it| it.to_ascii_lowercase()));
        } else if let Instruction::Copy(copy) = &statement.instruction {
            let is_stage = |from: &str| from.parse::<usize>().is_ok() || stages.contains(&from.to_ascii_lowercase());
            found = copy.from.clone().filter(|it| !is_stage(it) && !it.contains('$'));
        }
        images.extend(found.filter(|it| !it.is_empty() && !images.contains(it)));
    }
    images
}

#[cfg(test)]
mod tests {
    use super::base_images;

    #[test]
    fn what_a_dockerfile_needs() {
        let cases: [(&str, &[&str]); 7] = [
            ("FROM a:1\nRUN x\n", &["a:1"]),
            (
                "ARG R=host\nARG I=$R/b\nFROM ${I}:2 AS one\nFROM one\nCOPY --from=one /x /\nCOPY --from=0 /x /\n",
                &["here/b:2"],
            ),
            ("ARG V\nFROM c:${V:-3}\nFROM scratch\nCOPY --from=d:4 /x /\n", &["c:3", "d:4"]),
            ("ARG R\nFROM a\nFROM a\nFROM $R\n", &["a", "here"]),
            ("FROM a\nARG Z=1\nFROM $Z\n", &["a"]),
            ("RUN x\n", &[]),
            ("", &[]),
        ];
        let arguments = [("R".to_owned(), "here".to_owned())].into();
        for (text, images) in cases {
            assert_eq!(base_images(text, &arguments), images, "{text}");
        }
    }
}
