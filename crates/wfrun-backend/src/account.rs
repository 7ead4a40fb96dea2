//! Who runs this process. The C library must not be asked: linked statically it loads modules of another build to answer,
//! and falls over them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// The name of whoever runs this process, if the machine's own table has one.
pub fn user_name() -> Option<String> {
    field(&table(), geteuid().as_raw(), 0)
}

/// The home directory of whoever runs this process: `HOME`, else what the machine's own table says, else `/`.
pub(crate) fn home() -> PathBuf {
    let named = env::var_os("HOME").map(PathBuf::from).filter(|it| it.is_absolute());
    named
        .or_else(|| field(&table(), geteuid().as_raw(), 5).map(PathBuf::from).filter(|it| it.is_absolute()))
        .unwrap_or_else(|| Path::new("/").to_owned())
}

fn table() -> String {
    fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// Fields of a line: `name:password:user:group:comment:home:shell`.
fn field(table: &str, user: u32, at: usize) -> Option<String> {
    let mut lines = table.lines().map(|it| it.split(':').collect::<Vec<_>>());
    let line = lines.find(|it| it.get(2).and_then(|it| it.parse().ok()) == Some(user))?;
    line.get(at).filter(|it| !it.is_empty()).map(|it| (*it).to_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn whose_line_it_is() {
        let table = "root:x:0:0:root:/root:/bin/bash\n# no line\nmona:x:1000:100:,,,:/home/mona:\nbroken:x:7\n";
        let text = |user, at| field(table, user, at);
        assert_eq!((text(0, 0).as_deref(), text(1000, 5).as_deref()), (Some("root"), Some("/home/mona")));
        assert_eq!((text(100, 0), text(7, 5), text(1000, 6)), (None, None, None));
    }
}
