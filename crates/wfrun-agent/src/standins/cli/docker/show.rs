//! What is in the store, as `docker images`, `docker inspect`, `docker version` and `docker info` show it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::error::DockerError;
use super::image::ImageConfig;
use super::options::{Flag, Words, switch, value};
use super::reference::Reference;
use super::store::{Image, Store};
use super::{human_size, short};
use crate::standins::cli::process::Process;

/// The version whose behaviour is followed.
pub(super) const VERSION: &str = "28.0.4";

/// `docker images`, `docker image ls`.
pub(super) fn images(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] = &[
        switch("quiet").or('q'),
        switch("all").or('a'),
        switch("no-trunc"),
        switch("digests"),
        value("format"),
        value("filter").or('f'),
    ];
    let words = Words::read("docker images", FLAGS, words)?;
    for refused in ["filter", "digests"] {
        if words.value(refused).is_some() {
            return Err(not_supported(format!("docker images --{refused}")));
        }
    }
    let wanted = words.operands.first().map(|name| Reference::parse(name)).transpose()?;
    let store = Store::of(process);
    let index = store.index()?;
    let now = jiff::Timestamp::now();
    let mut rows = Vec::new();
    for image in index.images.values().rev() {
        let (_, config) = store.config(image)?;
        let tags = index.tags_of(&image.id);
        let names: Vec<(String, String)> = if tags.is_empty() {
            vec![("<none>".to_owned(), "<none>".to_owned())]
        } else {
            tags.iter().filter_map(|tag| split_tag(tag)).collect()
        };
        for (repository, tag) in names {
            let fits = wanted
                .as_ref()
                .is_none_or(|it| it.repository() == repository && it.tag.as_ref().is_none_or(|wanted| *wanted == tag));
            if fits {
                rows.push(json!({
                    "Repository": repository, "Tag": tag, "Digest": "<none>",
                    "ID": if words.is_on("no-trunc") { image.id.clone() } else { short(&image.id).to_owned() },
                    "CreatedAt": config.created, "CreatedSince": since(config.created.as_deref(), now),
                    "Size": human_size(size(image)),
                }));
            }
        }
    }
    if words.is_on("quiet") {
        let mut ids: Vec<&str> = rows.iter().filter_map(|row| row["ID"].as_str()).collect();
        ids.dedup();
        for id in ids {
            process.line(id);
        }
        return Ok(());
    }
    match words.value("format") {
        Some("json") => rows.iter().for_each(|row| process.line(&row.to_string())),
        Some(format) if !format.starts_with("table") => {
            for row in &rows {
                process.line(&template(format, row)?);
            }
        }
        Some(format) => return Err(not_supported(format!("docker images --format '{format}'"))),
        None => process.write(&table(&rows)),
    }
    Ok(())
}

fn table(rows: &[Value]) -> String {
    let columns = [
        ("REPOSITORY", "Repository"),
        ("TAG", "Tag"),
        ("IMAGE ID", "ID"),
        ("CREATED", "CreatedSince"),
        ("SIZE", "Size"),
    ];
    let cell = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let width = |(title, key): &(&str, &str)| {
        rows.iter().map(|row| cell(row, key).len()).chain([title.len()]).max().unwrap_or_default().max(7) + 3
    };
    let widths: Vec<usize> = columns.iter().map(width).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<String>().trim_end())
    };
    let mut out = line(columns.iter().map(|(title, _)| (*title).to_owned()).collect());
    out.extend(rows.iter().map(|row| line(columns.iter().map(|(_, key)| cell(row, key)).collect())));
    out
}

/// `docker inspect`, `docker image inspect`.
pub(super) fn inspect(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    const FLAGS: &[Flag] = &[value("format").or('f'), value("type"), switch("size").or('s')];
    let words = Words::read("docker inspect", FLAGS, words)?;
    if words.operands.is_empty() {
        return Err(DockerError::usage("docker inspect", "docker: 'docker inspect' requires at least 1 argument"));
    }
    let store = Store::of(process);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in &words.operands {
        match store.find(name)? {
            Some(image) => {
                let (_, config) = store.config(&image)?;
                found.push(describe(&image, &config, &store.index()?.tags_of(&image.id)));
            }
            None => missing.push(format!("Error response from daemon: No such image: {name}")),
        }
    }
    match words.value("format") {
        None | Some("json") => process.write(&pretty(&Value::Array(found))),
        Some(format) => {
            for value in &found {
                process.line(&template(format, value)?);
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(DockerError::failed(missing.join("\n"))) }
}

fn describe(image: &Image, config: &ImageConfig, tags: &[String]) -> Value {
    json!({
        "Id": image.id,
        "RepoTags": tags,
        "RepoDigests": image.repo_digests,
        "Parent": "",
        "Comment": "",
        "Created": config.created,
        "DockerVersion": "",
        "Author": config.author.clone().unwrap_or_default(),
        "Config": config.config,
        "Architecture": config.architecture,
        "Os": config.os,
        "Size": size(image),
        "RootFS": { "Type": "layers", "Layers": config.rootfs.diff_ids },
        "Metadata": { "LastTagTime": "0001-01-01T00:00:00Z" },
    })
}

/// `docker version`.
pub(super) fn version(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker version", &[value("format").or('f')], words)?;
    let build = env!("CARGO_PKG_VERSION");
    let side =
        json!({ "Version": VERSION, "ApiVersion": "1.48", "Os": "linux", "Arch": ImageConfig::empty().architecture });
    let versions = json!({ "Client": side, "Server": side });
    match words.value("format") {
        Some("json") => process.line(&versions.to_string()),
        Some(format) => process.line(&template(format, &versions)?),
        None => process.write(&format!(
            "Client:\n Version:           {VERSION} (stand-in of wfrun {build})\n API version:       1.48\n OS/Arch:           linux/{}\n\n\
             Server: none (build, tag, login, push and pull work; nothing runs containers here)\n",
            ImageConfig::empty().architecture
        )),
    }
    Ok(())
}

/// `docker info`.
pub(super) fn info(words: &[String], process: &mut Process<'_>) -> Result<(), DockerError> {
    let words = Words::read("docker info", &[value("format").or('f')], words)?;
    let store = Store::of(process);
    let count = store.index()?.images.len();
    let information = json!({
        "Images": count, "Containers": 0, "ContainersRunning": 0, "ServerVersion": VERSION, "Driver": "wfrun-stand-in",
        "DockerRootDir": store.root(), "OSType": "linux", "Architecture": std::env::consts::ARCH,
    });
    match words.value("format") {
        Some("json") => process.line(&information.to_string()),
        Some(format) => process.line(&template(format, &information)?),
        None => process.write(&format!(
            "Client:\n Version:    {VERSION}\n\nServer:\n Containers: 0\n Images: {count}\n Server Version: {VERSION} (stand-in of wfrun: nothing runs containers here)\n \
             Storage Driver: wfrun-stand-in\n Docker Root Dir: {}\n OSType: linux\n Architecture: {}\n",
            store.root().display(),
            std::env::consts::ARCH
        )),
    }
    Ok(())
}

/// The parts of Go's templates that commands use: `{{.A.B}}`, `{{json .A}}`, `{{index .A 0}}`, `{{index .A "k"}}`.
fn template(format: &str, value: &Value) -> Result<String, DockerError> {
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, opened)) = rest.split_once("{{") {
        let (action, after) =
            opened.split_once("}}").ok_or_else(|| DockerError::failed("template parsing error: unclosed action"))?;
        out.push_str(&before.replace("\\t", "\t").replace("\\n", "\n"));
        out.push_str(
            &evaluate(action.trim(), value).ok_or_else(|| not_supported(format!("the template `{{{{{action}}}}}`")))?,
        );
        rest = after;
    }
    out.push_str(&rest.replace("\\t", "\t").replace("\\n", "\n"));
    Ok(out)
}

fn evaluate(action: &str, value: &Value) -> Option<String> {
    let words: Vec<&str> = action.split_whitespace().collect();
    match words.as_slice() {
        ["json", path] => Some(field(value, path)?.to_string()),
        ["index", path, key] | ["index", "(index", path, key] => {
            let list = field(value, path)?;
            let found = match key.trim_matches('"').parse::<usize>() {
                Ok(at) if list.is_array() => list.get(at)?,
                _ => list.get(key.trim_matches('"'))?,
            };
            Some(plain(found))
        }
        [path] => Some(plain(field(value, path)?)),
        _ => None,
    }
}

fn field<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let path = path.strip_prefix('.')?;
    path.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| value.get(part))
}

/// A value as Go prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let mut pairs: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    serde::Serialize::serialize(value, &mut serializer).expect("a value in memory serialises");
    String::from_utf8(bytes).expect("serde_json writes UTF-8") + "\n"
}

fn size(image: &Image) -> u64 {
    image.layers.iter().map(|layer| layer.content_size).sum()
}

fn split_tag(tag: &str) -> Option<(String, String)> {
    tag.rsplit_once(':').map(|(repository, tag)| (repository.to_owned(), tag.to_owned()))
}

/// `2 minutes ago`, as Docker says it.
fn since(created: Option<&str>, now: jiff::Timestamp) -> String {
    let Some(created) = created.and_then(|text| text.parse::<jiff::Timestamp>().ok()) else {
        return "N/A".to_owned();
    };
    let seconds = now.as_second().saturating_sub(created.as_second());
    let mut text = match seconds {
        ..1 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 => format!("{} minutes", seconds / 60),
        3600..7200 => "About an hour".to_owned(),
        7200..172_800 => format!("{} hours", seconds / 3600),
        172_800..1_209_600 => format!("{} days", seconds / 86_400),
        1_209_600..5_184_000 => format!("{} weeks", seconds / 604_800),
        5_184_000..63_072_000 => format!("{} months", seconds / 2_592_000),
        _ => format!("{} years", seconds / 31_536_000),
    };
    write!(text, " ago").expect("a String takes any text");
    text
}

fn not_supported(what: impl std::fmt::Display) -> DockerError {
    DockerError::not_supported(what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_templates() {
        let value = json!({"Id": "sha256:1", "RepoDigests": ["a@b"], "Config": {"Labels": {"k": "v"}, "Env": ["A=1", "B=2"]}, "Size": 5});
        let cases = [
            ("{{.Id}}", "sha256:1"),
            ("{{ .Id }}\\t{{.Size}}", "sha256:1\t5"),
            ("{{index .RepoDigests 0}}", "a@b"),
            ("{{index .Config.Labels \"k\"}}", "v"),
            ("{{json .Config.Env}}", "[\"A=1\",\"B=2\"]"),
            ("{{.Config.Env}}", "[A=1 B=2]"),
            ("{{.Config.Labels}}", "map[k:v]"),
        ];
        for (format, want) in cases {
            assert_eq!(template(format, &value).expect(format), want);
        }
        assert!(
            template("{{range .Config.Env}}x{{end}}", &value)
                .expect_err("is refused")
                .to_string()
                .contains("not supported")
        );
    }

    #[test]
    fn says_how_long_ago() {
        let now: jiff::Timestamp = "2026-11-23T12:00:00Z".parse().expect("is a time");
        let cases = [
            ("2026-11-23T12:00:00.5Z", "Less than a second ago"),
            ("2026-11-23T11:59:30Z", "30 seconds ago"),
            ("2026-11-23T11:58:30Z", "About a minute ago"),
            ("2026-11-23T09:00:00Z", "3 hours ago"),
            ("2026-11-18T12:00:00Z", "5 days ago"),
            ("nonsense", "N/A"),
        ];
        for (created, want) in cases {
            assert_eq!(since(Some(created), now), want);
        }
    }
}
