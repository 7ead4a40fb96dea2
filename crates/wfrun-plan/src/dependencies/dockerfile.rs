//! The images of which a Dockerfile builds.
use indexmap::IndexMap;

/// Returns the images that a Dockerfile takes from elsewhere, each once, and the names that only a build can tell.
///
/// Source: <https://docs.docker.com/reference/dockerfile/>: `FROM`, `COPY --from`, and `ARG` before the first `FROM`.
pub(super) fn base_images(dockerfile: &str) -> (Vec<String>, Vec<String>) {
    let (mut images, mut open): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut stages: Vec<String> = Vec::new();
    let mut args: IndexMap<String, String> = IndexMap::new();
    for line in instructions(dockerfile) {
        let mut words = line.split_whitespace();
        let name = match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "ARG" if stages.is_empty() => {
                let default = words.next().and_then(|it| it.split_once('='));
                args.extend(default.map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned())));
                continue;
            }
            "FROM" => {
                let mut rest = words.filter(|it| !it.starts_with("--"));
                let image = rest.next().unwrap_or_default();
                let stage = rest.next().filter(|it| it.eq_ignore_ascii_case("as")).and_then(|_| rest.next());
                let is_stage = stages.iter().any(|it| it.eq_ignore_ascii_case(image));
                stages.push(stage.unwrap_or_default().to_owned());
                (!is_stage).then_some(image)
            }
            "COPY" | "ADD" => {
                let from = words.find_map(|it| it.strip_prefix("--from="));
                let is_stage =
                    |from: &str| from.parse::<usize>().is_ok() || stages.iter().any(|it| it.eq_ignore_ascii_case(from));
                from.filter(|it| !is_stage(it))
            }
            _ => None,
        };
        let Some(name) = name.filter(|it| !it.is_empty() && *it != "scratch") else { continue };
        let (all, value) = match substitute(name, &args) {
            Some(value) => (&mut images, value),
            None => (&mut open, name.to_owned()),
        };
        if !all.contains(&value) {
            all.push(value);
        }
    }
    (images, open)
}

/// The instructions, one a line, without comments.
fn instructions(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut whole = String::new();
    for line in text.lines().filter(|it| !it.trim_start().starts_with('#')) {
        match line.trim_end().strip_suffix('\\') {
            Some(part) => whole.extend([part, " "]),
            None => all.push(std::mem::take(&mut whole) + line),
        }
    }
    all.push(whole);
    all
}

/// Puts the defaults of `ARG` in; none where one has no default.
fn substitute(text: &str, args: &IndexMap<String, String>) -> Option<String> {
    let Some((before, rest)) = text.split_once('$') else { return Some(text.to_owned()) };
    let (name, default, after) = if let Some(rest) = rest.strip_prefix('{') {
        let (inside, after) = rest.split_once('}')?;
        match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default), after),
            None => (inside, None, after),
        }
    } else {
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        (name, None, after)
    };
    let value = args.get(name).map(String::as_str).or(default)?;
    Some(format!("{before}{value}{}", substitute(after, args)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: <https://docs.docker.com/reference/dockerfile/>.
    #[test]
    fn table() {
        for (text, images, open) in [
            ("FROM alpine:3.20\nRUN x\n", "alpine:3.20", ""),
            ("# FROM a\nfrom --platform=linux/amd64 a:1 as Build\nFROM b\nCOPY --from=build /x /x\n", "a:1 b", ""),
            ("FROM a AS one\nFROM one\nCOPY --from=0 x y\nCOPY --chown=1 --from=busybox:1 x y\n", "a busybox:1", ""),
            (
                "ARG V=3.12\nARG I\nFROM python:${V}-slim\nFROM $I\nFROM ${I:-ubuntu}\nFROM x:$V\n",
                "python:3.12-slim ubuntu x:3.12",
                "$I",
            ),
            ("ARG \\\n  V=\"1\"\nFROM \\\n  a:$V\n", "a:1", ""),
            ("FROM scratch\nFROM a\nFROM a\n", "a", ""),
            ("", "", ""),
        ] {
            let (found, not_known) = base_images(text);
            assert_eq!((found.join(" ").as_str(), not_known.join(" ").as_str()), (images, open), "{text}");
        }
    }
}
